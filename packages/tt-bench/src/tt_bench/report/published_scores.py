"""Scores that others published for D4RL's datasets, and what they are scores of."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import attrs

from tt_bench.catalogue import find_d4rl, similar_d4rl


@attrs.frozen
class Published:
    """Hold a published score.

    Attributes:
        method: as its authors call it.
        score: normalised by D4RL's reference returns.
        error: as published, None where none was.
        spread: what the error is.
        source: paper or code that has the number.
        environment: where it was scored.
        data: what was learned from.
    """

    method: str
    score: float
    error: float | None
    spread: str
    source: str
    environment: str
    data: str


def published(name: str) -> tuple[Published, ...]:
    """Return what is published for one of D4RL's datasets, or for one named like it.

    Check `environment` and `data` of each before comparing: they are D4RL's own, of
    the version that was used.
    """
    entry = find_d4rl(name) or similar_d4rl(name)
    return _table().get(entry.task, ()) if entry else ()


@cache
def _table() -> Mapping[str, tuple[Published, ...]]:
    file = resources.files("tt_bench.report") / "published.json"
    content = json.loads(file.read_text("utf-8"))
    table: dict[str, tuple[Published, ...]] = {}
    for task, method, score, error, source in content["scores"]:
        row = _row(task, method, score, error, content["sources"][source])
        table[task] = (*table.get(task, ()), row)
    return MappingProxyType(table)


def _row(
    task: str, method: str, score: float, error: float | None, notes: dict[str, Any]
) -> Published:
    return Published(
        method=method,
        score=score,
        error=error,
        spread=notes["spread"],
        source=notes["source"],
        environment=notes["environment"].format(task=task),
        data=notes["data"].format(task=task),
    )
