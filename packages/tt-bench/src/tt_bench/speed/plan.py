"""How long plans take, next to a full forward pass for every token."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from tt_bench.interface import Planned
from tt_bench.methods import (
    PlannerSettings,
    PlanShape,
    beam_planner,
    cached_work,
    naive_tokens,
    samplers,
)
from tt_bench.speed.machine import Peaks, clock, peak_memory
from tt_bench.speed.record import Measurement
from tt_model import Decoder, TrajectoryTransformer, TransformerConfig
from tt_plan import Expectation
from tt_tokenize import Layout

HOPPER = PlanShape()
HALFCHEETAH = PlanShape(observation=17, action=6, horizon=5, beam=32)
_BINS = 100
_LEARNED_WINDOW = 5  # what the paper's code reads while planning
_COMPARED = 16  # contexts that bfloat16 is compared on
_DISCOUNT = 0.99
_SAMPLE = 32  # rows of the calls that the naive time is taken from


def measure_plans(device: str, peaks: Peaks) -> Iterator[Measurement]:
    """Time a plan of each shape, alone and for ten environments together."""
    for name, shape in (("hopper", HOPPER), ("halfcheetah", HALFCHEETAH)):
        config = rotary(shape)
        yield _measure(f"plan, {name}, rotary", shape, config, device, peaks)
    yield _measure("plan, hopper, learned", HOPPER, learned(HOPPER), device, peaks)
    ten = HOPPER._replace(environments=10)
    yield _measure("10 plans together, hopper", ten, rotary(ten), device, peaks, 1)
    yield _measure_compiled(device)
    if device.startswith("cuda"):
        yield _measure_bfloat16(device)


def rotary(shape: PlanShape) -> TransformerConfig:
    """Return the network of the design: 4 layers, 4 heads, 128 features."""
    return TransformerConfig(vocabulary=_BINS, transition=shape.transition)


def learned(shape: PlanShape) -> TransformerConfig:
    """Return the same with learned positions and the paper's planning window."""
    return TransformerConfig(
        vocabulary=_BINS,
        transition=shape.transition,
        positions="learned",
        window=_LEARNED_WINDOW,
    )


def build(config: TransformerConfig, device: str) -> TrajectoryTransformer:
    """Return a network with random weights, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return TrajectoryTransformer(config).eval().to(device)


def known(shape: PlanShape, device: str, seed: int = 1) -> Tensor:
    """Draw the tokens known before a plan, [environments, prefix]."""
    generator = torch.Generator().manual_seed(seed)
    size = (shape.environments, shape.prefix)
    return torch.randint(0, _BINS, size, generator=generator).to(device)


def planner(
    model: TrajectoryTransformer, shape: PlanShape, device: str, *, plain: bool = False
) -> Callable[[Tensor], Planned]:
    """Return what plans once with the settings of the paper; on CUDA, recorded."""
    middles = torch.linspace(-1, 1, _BINS, device=device)
    settings = PlannerSettings(
        context=shape.context,
        horizon=shape.horizon,
        beam=shape.beam,
        candidates=shape.candidates,
    )
    search = beam_planner(
        Decoder(model, plain=plain),
        Expectation(middles, 20 * middles),
        samplers(Layout(shape.observation, shape.action), settings),
        settings,
        discount=_DISCOUNT,
        stop=_BINS,
    )
    return lambda prefix: search(prefix, torch.Generator(device).manual_seed(2))


def _measure(
    name: str,
    shape: PlanShape,
    config: TransformerConfig,
    device: str,
    peaks: Peaks,
    repeats: int = 3,
) -> Measurement:
    model, prefix = build(config, device), known(shape, device)
    plan = planner(model, shape, device)
    memory = peak_memory(lambda: plan(prefix), device)
    seconds = clock(lambda: plan(prefix), device, repeats=repeats, warm=0)
    naive, calls = naive_seconds(model, shape, device)
    work = cached_work(shape, config)
    return Measurement(
        name,
        seconds,
        "full passes",
        naive,
        peaks.floor(work.operations, work.traffic),
        f"{seconds / shape.environments:.3g} s/plan",
        memory,
        f"{work.tokens:,} token forwards, {work.operations / 1e9:.0f} GFLOP; the "
        f"reference reads {calls:,} tokens, timed on calls of {_SAMPLE} rows at three "
        "lengths and scaled by that count",
    )


def _measure_compiled(device: str) -> Measurement:
    """Time a plan beside one whose steps are torch's plain operations."""
    shape = HALFCHEETAH
    model, prefix = build(rotary(shape), device), known(shape, device)
    times = []
    for plain in (False, True):
        plan = planner(model, shape, device, plain=plain)
        times.append(clock(partial(plan, prefix), device))
    return Measurement("plan, halfcheetah", times[0], "plain steps", times[1])


def _measure_bfloat16(device: str) -> Measurement:
    """Time a plan in bfloat16, and say what its plans are worth in float32."""
    shape, config = HOPPER, rotary(HOPPER)
    model = build(config, device)
    exact, rough = (
        planner(network, shape, device)
        for network in (model, build(config, device).bfloat16())
    )
    worth = []
    for seed in range(_COMPARED):
        prefix = known(shape, device, seed)
        worth.append([judge(model, prefix, p(prefix).tokens) for p in (exact, rough)])
    prefix = known(shape, device)
    seconds = clock(lambda: rough(prefix), device)
    reference = clock(lambda: exact(prefix), device)
    gap = torch.tensor(worth).diff(dim=1)
    scale = torch.tensor(worth)[:, 0].std()
    return Measurement(
        "plan, hopper, bfloat16",
        seconds,
        "float32",
        reference,
        note=f"over {_COMPARED} contexts its plans are worth {gap.mean():+.3f} +- "
        f"{gap.std() / _COMPARED**0.5:.3f} more by the float32 network, where the "
        f"worth of float32 plans has deviation {scale:.3f}",
    )


def judge(model: TrajectoryTransformer, prefix: Tensor, tokens: Tensor) -> float:
    """Return the mean score that a full pass gives to planned tokens [E, H, P]."""
    middles = torch.linspace(-1, 1, _BINS, device=prefix.device)
    evaluator = Expectation(middles, 20 * middles)
    rows, horizon, width = tokens.shape
    begun = prefix.shape[1] // width * width
    whole = torch.cat([prefix[:, :begun], tokens.flatten(1)], 1)
    with torch.no_grad():
        logits = model(whole)[:, begun - 1 : -1].float()
    logits = logits.unflatten(1, (horizon, width))
    score = torch.zeros(rows, device=prefix.device)
    for step in range(horizon):
        reward, value = evaluator(tokens[:, step], logits[:, step])
        score += _DISCOUNT**step * reward
    return float((score + _DISCOUNT**horizon * value).mean())


def naive_seconds(
    model: TrajectoryTransformer, shape: PlanShape, device: str
) -> tuple[float, int]:
    """Return the time of a search without a cache, and the tokens that it reads.

    The seconds a token takes are measured at three lengths and interpolated between
    them for the length of each call.
    """
    calls = naive_tokens(shape, model.config)
    lengths = sorted(length for _, length in calls)
    chosen = sorted({lengths[0], lengths[len(lengths) // 2], lengths[-1]})
    times = []
    for length in chosen:
        tokens = torch.zeros(_SAMPLE, length, dtype=torch.int64, device=device)

        def call(tokens: Tensor = tokens) -> Tensor:
            return model.next_logits(tokens)

        times.append(clock(call, device, repeats=2) / tokens.numel())
    total = sum(
        rows * length * _interpolate(length, chosen, times) for rows, length in calls
    )
    return total, sum(rows * length for rows, length in calls)


def _interpolate(x: float, places: list[int], values: list[float]) -> float:
    for i in range(1, len(places)):
        if x <= places[i]:
            share = (x - places[i - 1]) / (places[i] - places[i - 1])
            return values[i - 1] + share * (values[i] - values[i - 1])
    return values[-1]
