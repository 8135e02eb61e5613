"""What runs on a GPU agrees with what runs on the CPU; skipped where there is none."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pytest
import torch
from torch import Tensor

from tt_critic import IQLConfig, Transitions, train_critic
from tt_model import (
    Decoder,
    Sequences,
    TrainConfig,
    TrajectoryTransformer,
    TransformerConfig,
    train,
)
from tt_plan import (
    Expectation,
    Plan,
    Recorded,
    SequenceModel,
    _beam,
    beam_search,
    likeliest,
    tail_cut,
)

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device"
)

Memory = TypeVar("Memory")
Uncached: TypeAlias = Callable[[TrajectoryTransformer], SequenceModel[Tensor]]
V, OBSERVATION, ACTION = 20, 3, 2
P = OBSERVATION + ACTION + 2
NETWORKS: dict[str, dict[str, Any]] = {
    "rotary": {},
    "learned": {"positions": "learned"},
    "relative, per position": {"outputs": "relative", "per_position": True},
    "second": {
        "inputs": "transition",
        "outputs": "relative",
        "per_position": True,
        "attending": 2,
    },
}


@pytest.fixture(autouse=True)
def exact_matmuls() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


def make(network: str, dtype: torch.dtype = torch.float32) -> TrajectoryTransformer:
    torch.manual_seed(0)
    config = TransformerConfig(
        vocabulary=V, transition=P, layers=3, heads=2, width=32,
        window=4, span=5, **NETWORKS[network],
    )  # fmt: skip
    model = TrajectoryTransformer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model.to("cuda", dtype)


def contexts(environments: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    size = (environments, 3 * P + OBSERVATION)
    tokens = torch.randint(0, V, size, generator=generator)
    for row in range(environments):
        tokens[row, : (row % 4) * P] = -1
    return tokens.cuda()


def plan(
    model: SequenceModel[Memory], prefix: Tensor, generator: torch.Generator
) -> Plan:
    middles = torch.linspace(-1, 1, V, device="cuda", dtype=torch.float32)
    draws = [likeliest()] * OBSERVATION + [tail_cut(0.3)] * ACTION + [likeliest()] * 2
    return beam_search(
        model,
        prefix,
        Expectation(middles, 5 * middles),
        samplers=draws,
        horizon=9,
        beam=16,
        candidates=2,
        stop=V,
        generator=generator,
    )


def seeded(seed: int) -> torch.Generator:
    return torch.Generator("cuda").manual_seed(seed)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_kernel_gives_the_logits_of_a_full_pass(network: str) -> None:
    model = make(network)
    decoder = Decoder(model)
    tokens = torch.randint(0, V + 1, (4, 200), generator=seeded(0), device="cuda")
    tokens[1, : 2 * P] = -1
    history = tokens[:, : 2 * P + 3]
    logits, state = decoder.start(history)
    for t in range(2 * P + 3, 200):
        torch.testing.assert_close(
            logits, model.next_logits(history), atol=1e-3, rtol=1e-3
        )
        if t % 7 == 0:
            rows = torch.randint(
                0, len(history), (6,), generator=seeded(t), device="cuda"
            )
            state, history = decoder.select(state, rows), history[rows]
        token = torch.randint(0, V, (len(history),), generator=seeded(t), device="cuda")
        logits, state = decoder.step(token, state)
        history = torch.cat([history, token[:, None]], 1)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("environments", [1, 4])
def test_a_recorded_plan_is_that_of_full_passes(
    network: str, environments: int, naive: Uncached
) -> None:
    model = make(network, torch.float64)
    decoder = Decoder(model)
    recorded = Recorded(lambda prefix, generator: plan(decoder, prefix, generator))
    for seed in range(5):
        prefix = contexts(environments, seed)
        found = recorded(prefix, seeded(seed))
        full = plan(naive(model), prefix, seeded(seed))
        assert torch.equal(found.beams, full.beams)
        torch.testing.assert_close(found.scores, full.scores)


@pytest.mark.parametrize("network", NETWORKS)
def test_recording_changes_no_token_in_float32(network: str) -> None:
    model = Decoder(make(network))
    recorded = Recorded(lambda prefix, generator: plan(model, prefix, generator))
    generator, other = seeded(3), seeded(3)
    for seed in range(3):  # the generators advance alike
        found = recorded(contexts(2, seed), generator)
        eager = plan(model, contexts(2, seed), other)
        assert torch.equal(found.beams, eager.beams)


def test_environments_that_are_padded_in_a_recording_are_not_returned() -> None:
    model = Decoder(make("rotary"))
    recorded = Recorded(lambda prefix, generator: plan(model, prefix, generator))
    found = recorded(contexts(3), seeded(0))
    assert found.tokens.shape == (3, 9, P)
    assert found.scores.shape == (3, 16)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_search_never_waits_for_the_device(
    network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, generator, prefix = Decoder(make(network)), seeded(0), contexts(2)
    plan(model, prefix, generator)  # makes tables and compiles the kernel
    monkeypatch.setattr(_beam, "check_plan", lambda *_: None)  # the look at its end
    torch.cuda.synchronize()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the mode is a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        plan(model, prefix, generator)
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("environments", [1, 3])
def test_a_recorded_plan_of_a_model_of_nan_is_one_error(environments: int) -> None:
    network = make("rotary")
    model = Decoder(network)
    recorded = Recorded(lambda prefix, generator: plan(model, prefix, generator))
    prefix = contexts(environments)
    good = recorded(prefix, seeded(0))
    weights = [parameter.detach().clone() for parameter in network.parameters()]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(torch.nan)
    with pytest.raises(ValueError, match="the model's logits are NaN or infinite"):
        recorded(prefix, seeded(0))
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), weights, strict=True):
            parameter.copy_(weight)
    again = recorded(prefix, seeded(0))
    assert torch.equal(again.beams, good.beams)


def test_a_model_of_nan_is_one_error_before_anything_was_recorded() -> None:
    network = make("rotary")
    model = Decoder(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(torch.nan)
    recorded = Recorded(lambda prefix, generator: plan(model, prefix, generator))
    with pytest.raises(ValueError, match="the model's logits are NaN or infinite"):
        recorded(contexts(2), seeded(0))


def test_bfloat16_plans_and_draws_from_wide_logits() -> None:
    model = Decoder(make("rotary", torch.bfloat16))
    logits, _ = model.start(contexts(2))
    assert logits.dtype == torch.float32
    assert plan(model, contexts(2), seeded(0)).scores.isfinite().all()


def transitions(count: int = 2_000) -> Transitions:
    generator = np.random.default_rng(0)
    observations = generator.normal(size=(count, 4)).astype(np.float32)
    actions = generator.uniform(-1, 1, (count, 2)).astype(np.float32)
    rewards = (observations[:, 0] * actions[:, 0]).astype(np.float32)
    after = generator.normal(size=(count, 4)).astype(np.float32)
    ended = generator.random(count) < 0.05
    return Transitions(observations, actions, rewards, after, ended)


def test_critic_updates_from_a_graph_are_those_without() -> None:
    config = IQLConfig(hidden=(32, 32), steps=200, batch=64)
    data = transitions()

    def learn(graph: bool) -> Tensor:
        critic = train_critic(
            data, config, device="cuda", cuda_graph=graph, on_progress=lambda _: None
        )
        observations = torch.from_numpy(data.observations[:50]).cuda()
        actions = torch.from_numpy(data.actions[:50]).cuda()
        q: Tensor = critic.q(observations, actions)
        return q

    torch.testing.assert_close(learn(True), learn(False), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_training_learns_on_the_device(precision: str) -> None:
    generator = np.random.default_rng(0)
    tokens = np.repeat(generator.integers(0, V, (400, 1)), P, axis=1)
    data = Sequences(
        tokens.astype(np.uint8), np.arange(50, 401, 50), np.zeros(8, np.bool_)
    )
    config = TransformerConfig(
        vocabulary=V, transition=P, layers=2, heads=2, width=32, dropout=0.0
    )
    torch.manual_seed(0)
    model = TrajectoryTransformer(config).cuda()
    settings = TrainConfig(
        steps=200,
        batch=32,
        transitions=4,
        learning_rate=3e-3,
        steps_per_epoch=50,
        precision=precision,  # type: ignore[arg-type]
    )
    history = train(model, data, settings, device="cuda")
    assert history[-1].training_loss < 0.6 * history[0].training_loss
