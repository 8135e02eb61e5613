"""How long the tokenizer takes, next to torch's search and take."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch

from tt_bench.speed.machine import Peaks, clock
from tt_bench.speed.record import Measurement
from tt_tokenize import QuantileBins

_ROWS, _COLUMNS, _BINS, _ONE = 1_000_000, 16, 100, 11
_CALLS = 1_000


def measure_tokenizer(device: str, peaks: Peaks) -> Iterator[Measurement]:
    """Time fit, encode and decode of 1M x 16 numbers, and of one observation."""
    del device
    data = np.random.default_rng(0).normal(size=(_ROWS, _COLUMNS)).astype(np.float32)
    size = f"1M x {_COLUMNS}"
    traffic = 4.0 * data.size
    bins = QuantileBins.fit(data, _BINS)
    fit = clock(lambda: QuantileBins.fit(data, _BINS), "cpu", repeats=2, warm=0)
    shares = np.linspace(0, 1, _BINS + 1)
    quantiles = clock(
        lambda: np.quantile(data, shares, axis=0), "cpu", repeats=1, warm=0
    )
    yield Measurement(f"fit {size}", fit, "np.quantile", quantiles, traffic / peaks[1])

    tokens = bins.encode(data)
    encode = clock(lambda: bins.encode(data), "cpu", repeats=3, warm=0)
    edges = torch.tensor(bins.edges)
    columns = torch.from_numpy(data).T.contiguous()
    search = clock(
        lambda: torch.searchsorted(edges, columns, right=True), "cpu", repeats=2
    )
    floor = 1.25 * traffic / peaks.traffic
    yield Measurement(f"encode {size}", encode, "searchsorted", search, floor)

    decode = clock(lambda: bins.decode(tokens), "cpu", repeats=3)
    table = torch.tensor(bins.middles).flatten()
    places = torch.from_numpy(tokens.astype(np.int64)) + _BINS * torch.arange(_COLUMNS)
    take = clock(lambda: torch.take(table, places), "cpu", repeats=3)
    yield Measurement(f"decode {size}", decode, "torch.take", take, floor)
    yield _one(data[0, :_ONE], bins)


def _one(observation: npt.NDArray[np.float32], bins: QuantileBins) -> Measurement:
    """Time one observation, as an agent encodes it at every step."""
    part, edges = slice(0, _ONE), torch.tensor(bins.edges[:_ONE])
    column = torch.from_numpy(observation)[:, None]
    return Measurement(
        f"encode one, {_ONE} numbers",
        _each(lambda: bins.encode(observation, part)),
        "searchsorted",
        _each(lambda: torch.searchsorted(edges, column, right=True)),
    )


def _each(call: Callable[[], object]) -> float:
    """Return the seconds of one of many short calls."""
    for _ in range(_CALLS):
        call()
    began = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return (time.perf_counter() - began) / _CALLS
