"""How fast the transformer trains, next to a plain loop around the same network."""

import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from tt_bench.speed.machine import Peaks
from tt_bench.speed.plan import HOPPER, build, rotary
from tt_bench.speed.record import Measurement
from tt_model import Progress, Sequences, TrainConfig, train

_BATCH, _TRANSITIONS, _STEPS, _PLAIN_STEPS = 64, 10, 10, 3
_ROWS, _EPISODE = 20_000, 1_000


def measure_training(device: str, peaks: Peaks) -> Iterator[Measurement]:
    """Time gradient steps on 64 sequences of 160 tokens."""
    width = HOPPER.transition
    drawn = np.random.default_rng(0).integers(0, 100, (_ROWS, width), np.uint8)
    ends = np.arange(_EPISODE, _ROWS + 1, _EPISODE)
    data = Sequences(drawn, ends, np.zeros(len(ends), np.bool_))
    tokens = _BATCH * _TRANSITIONS * width
    ours, plain = _train(data, device), _plain(drawn, device)
    config = rotary(HOPPER)
    weights = 12 * config.layers * config.width**2
    weights += (config.vocabulary + 1) * config.width
    keys = _TRANSITIONS * width // 2
    operations = 2.0 * weights + 4.0 * config.layers * config.width * keys
    yield Measurement(
        f"training step, {_BATCH} x {_TRANSITIONS * width}",
        ours,
        "plain loop",
        plain,
        peaks.floor(3.0 * tokens * operations),
        f"{tokens / ours:,.0f} tokens/s",
    )


def _train(data: Sequences, device: str) -> float:
    """Return the seconds of a step of `train`, the first ones left out."""
    marks: list[float] = []

    def on_progress(progress: Progress) -> None:
        del progress
        marks.append(time.perf_counter())

    config = TrainConfig(
        steps=_STEPS + 1,
        batch=_BATCH,
        transitions=_TRANSITIONS,
        report_every=1,
    )
    model = build(rotary(HOPPER), device)
    train(model, data, config, device=device, on_progress=on_progress)
    return float(np.median(np.diff(marks)))


def _plain(drawn: npt.NDArray[np.uint8], device: str) -> float:
    """Return the seconds of a step as one would first write it."""
    width = drawn.shape[1]
    flat = torch.from_numpy(drawn.astype(np.int64)).flatten()
    starts = range(0, (_PLAIN_STEPS + 1) * _BATCH * width, width)
    length = _TRANSITIONS * width
    windows = torch.stack([flat[s : s + length + 1] for s in starts])
    loader = DataLoader(TensorDataset(windows), batch_size=_BATCH, shuffle=True)
    model = build(rotary(HOPPER), device).train()
    optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
    marks = []
    for (batch,) in loader:
        _plain_step(model, optimizer, batch.to(device))
        marks.append(time.perf_counter())
    return float(np.median(np.diff(marks)))


def _plain_step(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: Tensor
) -> float:
    logits = model(batch[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=False)
    optimizer.step()
    return loss.item()  # a plain loop looks at every loss
