"""Another method is the same critic update and another loss of the policy."""

import numpy as np
import torch
from torch import Tensor

from tt_critic import (
    Batch,
    IQLConfig,
    Networks,
    as_critic,
    descend,
    draw_batch,
    make_optimizers,
    update_critic,
)

ALPHA, DISCOUNT, COUNT = 2.5, 0.5, 2000


def td3_bc_loss(networks: Networks, batch: Batch) -> Tensor:
    """Maximise scale * Q(s, pi(s)) - (pi(s) - a)^2 (equation 5, arXiv 2106.06860)."""
    observations, actions = batch[:2]
    scale = ALPHA / networks.q(observations, actions)[0].abs().mean().detach()
    chosen: Tensor = networks.policy(observations)
    gain: Tensor = scale * networks.q(observations, chosen)[0]
    return ((chosen - actions).square().sum(1) - gain).mean()


def train_td3_bc(data: Batch, config: IQLConfig) -> Networks:
    sizes = data.observations.shape[1], data.actions.shape[1]
    networks = Networks(*sizes, config.hidden, config.seed)
    optimizers = make_optimizers(networks, config)
    generator = torch.Generator().manual_seed(config.seed)
    for _ in range(config.steps):
        batch = draw_batch(data, config.batch, generator)
        update_critic(networks, optimizers, batch, config)
        descend(td3_bc_loss(networks, batch), optimizers.policy)
        optimizers.schedule.step()
    return networks


# Two states; the first leads to the second, which ends. The reward rises linearly with
# the action, and the logged actions lie evenly around a centre.
REWARD, RISES, CENTRES = 4.0, torch.tensor([1.0, -2.0]), torch.tensor([0.1, -0.2])


def chain() -> Batch:
    states = torch.arange(COUNT) % 2
    noise = torch.rand(COUNT, generator=torch.Generator().manual_seed(0)) - 0.5
    actions = CENTRES[states] + noise
    rewards = REWARD + RISES[states] * actions
    second = torch.eye(2)[torch.ones_like(states)]
    return Batch(torch.eye(2)[states], actions[:, None], rewards, second, states == 1)


def test_a_td3_bc_policy_on_the_plain_critic_reaches_its_closed_form() -> None:
    config = IQLConfig(
        expectile=0.5,
        discount=DISCOUNT,
        hidden=(32,),
        batch=64,
        learning_rate=3e-3,
        target_rate=0.05,
        steps=1500,
    )
    critic = as_critic(train_td3_bc(chain(), config))
    average = REWARD + RISES * CENTRES  # reward of the logged actions, in each state
    values = average + torch.tensor([DISCOUNT * average[1], 0.0])
    np.testing.assert_allclose(critic.v(torch.eye(2)), values, atol=0.1)
    scale = ALPHA / values.mean()
    best = CENTRES + scale * RISES / 2  # where the gradient of the loss is 0
    np.testing.assert_allclose(critic.act(torch.eye(2))[:, 0], best, atol=0.05)
    assert (best - CENTRES).abs().min() > 0.2
