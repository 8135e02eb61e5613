"""With the cache a plan is, token for token, that of a full pass for every token.

In float64, where no two tokens are as likely as rounding makes them seem.
"""

import itertools
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor

from tt_model import Decoder, TrajectoryTransformer, TransformerConfig
from tt_plan import (
    Expectation,
    Plan,
    Sampler,
    SequenceModel,
    beam_search,
    likeliest,
    tail_cut,
)

Memory = TypeVar("Memory")
V, OBSERVATION, ACTION = 9, 2, 1
P = OBSERVATION + ACTION + 2
MIDDLES = torch.linspace(-1, 1, V)
NETWORKS: dict[str, dict[str, Any]] = {
    "rotary": {},
    "learned": {"positions": "learned"},
    "second": {
        "inputs": "transition",
        "outputs": "relative",
        "per_position": True,
        "attending": 1,
    },
}


def make(network: str, seed: int) -> TrajectoryTransformer:
    """Build a random model whose logits spread widely."""
    config = TransformerConfig(
        vocabulary=V,
        transition=P,
        layers=2,
        heads=2,
        width=16,
        window=3,
        span=4,
        **NETWORKS[network],
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = TrajectoryTransformer(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model.double()


def contexts(seed: int) -> Tensor:
    """Draw three contexts of 1 to 4 transitions, the last an observation alone."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, V, (3, 3 * P + OBSERVATION), generator=generator)
    for row, known in enumerate(torch.randint(0, 4, (3,), generator=generator)):
        tokens[row, : (3 - int(known)) * P] = -1
    return tokens


def plan(
    model: SequenceModel[Memory], prefix: Tensor, action: Sampler, seed: int
) -> Plan:
    """Plan eight transitions, far past the window of three."""
    draws = [likeliest()] * OBSERVATION + [action] * ACTION + [likeliest()] * 2
    return beam_search(
        model,
        prefix,
        Expectation(MIDDLES, 5 * MIDDLES),
        samplers=draws,
        horizon=8,
        beam=6,
        candidates=3,
        stop=V,
        generator=torch.Generator().manual_seed(seed),
    )


CASES = list(itertools.product(NETWORKS, ("likeliest", "sampled")))


@pytest.mark.parametrize(("network", "drawn"), CASES)
def test_neither_cache_changes_a_token_of_a_dozen_plans(
    network: str,
    drawn: str,
    naive: Callable[[TrajectoryTransformer], SequenceModel[Tensor]],
) -> None:
    action = likeliest() if drawn == "likeliest" else tail_cut(0.2)
    for seed in range(12):
        model, prefix = make(network, seed), contexts(seed)
        full = plan(naive(model), prefix, action, seed)
        for plain in (False, True):
            cached = plan(Decoder(model, plain=plain), prefix, action, seed)
            assert torch.equal(cached.beams, full.beams), f"model {seed}, {plain=}"
            torch.testing.assert_close(cached.scores, full.scores, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
def test_environments_planned_together_get_the_plans_they_get_alone(
    network: str, plain: bool
) -> None:
    model, prefix = Decoder(make(network, 3), plain=plain), contexts(7)
    together = plan(model, prefix, likeliest(), 0)
    for row in range(len(prefix)):
        padding = int((prefix[row] < 0).sum())
        alone = plan(model, prefix[row : row + 1, padding:], likeliest(), 0)
        assert torch.equal(alone.tokens[0], together.tokens[row])
