"""Laws of tt_tokenize."""

from pathlib import Path
from typing import Any

import numpy as np

import tt_tokenize
from torture import tiny
from torture.arrays import ARRAYS, array, integers, near, spoil
from torture.laws.law import Law
from torture.values import (
    Parameter,
    just,
    maybe,
    options,
    paths,
    real,
    small,
    whole,
)
from tt_tokenize import Layout, QuantileBins, UniformBins

_TABLE = array(12, 5, scale=3.0)
_COLUMNS = options(
    *(None, slice(0, 5), list(range(5))),
    odd=(
        [0],
        [9],
        [-1],
        [True],
        [0.5],
        slice(0, 2),
        slice(9),
        (),
        [[0, 1]],
        np.ones(5),
    ),
    types=(slice, list, tuple, np.ndarray, type(None)),
)


def _probabilities() -> Parameter:
    def right(draws: np.random.Generator) -> object:
        return draws.dirichlet(np.ones(tiny.BINS), (2, 5))

    return Parameter(right, lambda draws: spoil(draws, right(draws)), ARRAYS)


def _load(path: Any) -> object:
    tt_tokenize.save(tiny.bins(), Path("b.npz"))
    return tt_tokenize.load(path)


_EDGES, _MIDDLES = array(5, 7), array(5, 8)

LAWS = [
    Law(
        "tt_tokenize.QuantileBins",
        QuantileBins,
        {"edges": _EDGES, "middles": _MIDDLES},
        finite=False,
    ),
    Law(
        "tt_tokenize.UniformBins",
        UniformBins,
        {"edges": _EDGES, "middles": _MIDDLES},
        finite=False,
    ),
    Law(
        "tt_tokenize.QuantileBins.fit",
        QuantileBins.fit,
        {"data": _TABLE, "bins": small(2, 9)},
        finite=False,
    ),
    Law(
        "tt_tokenize.UniformBins.fit",
        UniformBins.fit,
        {"data": _TABLE, "bins": small(2, 9)},
        finite=False,
    ),
    Law(
        "tt_tokenize.Bins.encode",
        lambda data, columns: tiny.bins().encode(data, columns),
        {"data": _TABLE, "columns": _COLUMNS},
        finite=True,
    ),
    Law(
        "tt_tokenize.Bins.decode",
        lambda tokens, columns: tiny.bins().decode(tokens, columns),
        {"tokens": integers(4, 5, low=0, high=7), "columns": _COLUMNS},
        finite=True,
    ),
    Law(
        "tt_tokenize.Bins.expectation",
        lambda probabilities, columns: tiny.bins().expectation(probabilities, columns),
        {"probabilities": _probabilities(), "columns": _COLUMNS},
        finite=True,
    ),
    Law(
        "tt_tokenize.Bins.quantile",
        lambda probabilities, q: tiny.bins().quantile(probabilities, q),
        {"probabilities": _probabilities(), "q": real(0, 1)},
        finite=True,
    ),
    Law(
        "tt_tokenize.Layout",
        Layout,
        {name: whole(1, 3) for name in ("observation", "action", "reward", "value")},
    ),
    Law(
        "tt_tokenize.join",
        tt_tokenize.join,
        {
            "observations": array(6, 2),
            "actions": array(6, 1),
            "rewards": array(6),
            "values": maybe(array(6)),
        },
        finite=True,
    ),
    Law(
        "tt_tokenize.reward_to_go",
        tt_tokenize.reward_to_go,
        {
            "rewards": array(12),
            "ends": near(np.array(tiny.ENDS)),
            "discount": real(0, 1),
        },
        finite=True,
    ),
    Law(
        "tt_tokenize.save",
        tt_tokenize.save,
        {
            "bins": just(lambda _: tiny.bins(), tt_tokenize.Bins),
            "path": paths("bins.npz"),
        },
        (ValueError, OSError),
    ),
    Law(
        "tt_tokenize.load",
        _load,
        {"path": paths("b.npz")},
        (ValueError, OSError),
        finite=False,
    ),
]
