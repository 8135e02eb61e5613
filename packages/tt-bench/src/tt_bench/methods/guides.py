"""What guides a search: a cloned policy that proposes, and a value at the end.

Axes: N transitions, R rows, Do numbers of an observation, O of an output.
"""

from typing import ClassVar, NamedTuple

import attrs
import torch
from attrs.validators import gt
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from tt_bench.data import Episodes
from tt_bench.methods.counts import whole
from tt_bench.methods.critic import check_bounds
from tt_bench.methods.method import Context, Network
from tt_bench.methods.resumable import Training, time_training
from tt_bench.methods.standardised import StandardisedEnds
from tt_bench.methods.tokens import rewards_with_end
from tt_bench.methods.trained import train_network
from tt_critic import descend, perceptron
from tt_tokenize import reward_to_go

_SECONDS_OF_A_STEP = 3e-3  # roughly, on a processor core


@attrs.frozen
class GuideSettings:
    """How the policy that proposes and the value at the end are trained.

    Attributes:
        steps: Updates.
        batch: Transitions of an update.
        width: Units of each of the two hidden layers.
        learning_rate: Learning rate of Adam.
    """

    option: ClassVar[str] = "mbop_guides"

    steps: int = attrs.field(default=20_000, validator=whole(1))
    batch: int = attrs.field(default=256, validator=whole(1))
    width: int = attrs.field(default=256, validator=whole(1))
    learning_rate: float = attrs.field(default=1e-3, validator=gt(0.0))


class Regression(StandardisedEnds):
    """Two hidden layers from observations to numbers, standardised at either end."""

    def __init__(self, inputs: Tensor, targets: Tensor, width: int, seed: int) -> None:
        """Draw the network, for inputs [N, Do] and targets [N, O] of the data."""
        super().__init__()
        self.keep_moments(inputs, targets)
        generator = torch.Generator().manual_seed(seed)
        sizes = inputs.shape[1], (width, width), targets.shape[1]
        self.network = perceptron(*sizes, generator)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return predictions [R, O] for inputs [R, Do]."""
        standard = self.network((inputs - self.input_mean) / self.input_deviation)
        predicted: Tensor = self.target_mean + self.target_deviation * standard
        return predicted

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean squared error in units of the targets' deviation."""
        away = (self(inputs) - targets) / self.target_deviation
        return mse_loss(away, torch.zeros_like(away))


def returns_from(
    episodes: Episodes, discount: float, termination: float | None
) -> Tensor:
    """Return what is earned from each observation on, [N, 1]."""
    rewards = rewards_with_end(episodes, termination)
    after = torch.from_numpy(reward_to_go(rewards, episodes.ends, discount))
    return (torch.from_numpy(rewards) + discount * after)[:, None]


def begin(context: Context) -> Training:
    """Begin to train the policy and the value."""
    recipe, episodes = context.recipe, context.episodes
    settings = recipe.part(GuideSettings)
    observations = torch.from_numpy(episodes.observations)
    actions = torch.from_numpy(episodes.actions)
    values = returns_from(episodes, recipe.discount, recipe.termination_reward)
    policy = Regression(observations, actions, settings.width, context.seed)
    value = Regression(observations, values, settings.width, context.seed + 1)
    guides = nn.ModuleDict({"policy": policy, "value": value}).to(context.device)
    optimizer = torch.optim.Adam(guides.parameters(), settings.learning_rate)
    draws = torch.Generator(context.device).manual_seed(context.seed)
    device = context.device
    data = [part.to(device) for part in (observations, actions, values)]

    def update(_: int) -> Tensor:
        shape = (settings.batch,)
        rows = torch.randint(len(data[0]), shape, generator=draws, device=device)
        seen, done, earned = (part[rows] for part in data)
        loss = policy.loss(seen, done) + value.loss(seen, earned)
        descend(loss, optimizer)
        return loss.detach()

    return Training({"guides": guides}, {"adam": optimizer}, draws, update)


class Guides(NamedTuple):
    """The policy that proposes, the value at the end, and what training took."""

    policy: nn.Module
    value: nn.Module
    steps: int
    seconds: float


def find_guides(context: Context) -> Guides:
    """Train policy and value of a context, or load those trained before."""
    training = begin(context)
    train_network(context, GUIDES, training, "mbop's policy and value")
    guides = training.modules["guides"]
    policy, value = (guides.get_submodule(name) for name in ("policy", "value"))
    return Guides(policy, value, training.steps, training.seconds)


def _training_seconds(context: Context, _peak: float) -> float:
    steps: int = context.recipe.part(GuideSettings).steps
    return steps * _SECONDS_OF_A_STEP


GUIDES = Network(
    "mbop-guides",
    "networks.npz",
    ("discount", "chunk", "termination_reward", GuideSettings),
    GuideSettings,
    lambda context: check_bounds(context.joined),
    lambda context: time_training(begin(context)),
    _training_seconds,
)
