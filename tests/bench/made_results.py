"""Results of runs that nobody has run."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tt_bench.results.result import RunResult

Leave = Callable[..., Path]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
SETTINGS = {"data": {"name": "made", "fingerprint": "f"}, "evaluation": {"episodes": 2}}


def made(method: str, seed: int, scores: list[float] | None, **more: Any) -> RunResult:
    returns = [1.0, 3.0] if scores is None else [s / 10 for s in scores]
    given: dict[str, Any] = {
        "method": method,
        "seed": seed,
        "environment": {"id": "Made-v0"},
        "dataset": {
            "name": "made/data-v0",
            "source": "a cupboard",
            "fingerprint": "abcd",
            "transitions": 100_000,
            "episodes": 100,
        },
        "settings": {**SETTINGS, "seed": seed},
        "budget": {"steps": 1500, "minutes": 2.0},
        "seconds": {"train": 120.0, "evaluate": 60.0, "act": 0.1},
        "returns": returns,
        "lengths": [7] * len(returns),
        "successes": None,
        "scores": scores,
        "reference": None if scores is None else [0.0, 10.0],
        "machine": {"device": "cpu", "threads": 1},
        "finished": f"2026-01-01T00:00:0{seed % 10}Z",
    }
    return RunResult(**(given | more))
