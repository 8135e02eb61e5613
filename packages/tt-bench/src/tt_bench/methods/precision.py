"""Choose the numbers that a transformer is trained in, by timing some steps of each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tt_bench.files import read_facts, write_json

Precision: TypeAlias = Literal["32-true", "bf16-mixed"]

_GAIN = 1.1  # what bfloat16 must bring


def choose_precision(time_step: Callable[[Precision], float], path: Path) -> Precision:
    """Take bfloat16 where a step is clearly faster with it, and remember the choice.

    Processors differ: with AMX a step takes half the time, without any instructions for
    bfloat16 several times as much.

    Args:
        time_step: seconds of a step of the training.
        path: where the choice is kept: a training that resumes goes on in the same.

    Raises:
        ValueError: the file is damaged.
    """
    if path.exists():
        return read_facts(path, _read)
    seconds = {kind: time_step(kind) for kind in _KINDS}
    faster = seconds["bf16-mixed"] * _GAIN < seconds["32-true"]
    chosen: Precision = "bf16-mixed" if faster else "32-true"
    write_json(path, {"precision": chosen, "seconds of a step": seconds})
    return chosen


def _read(content: dict[str, Any]) -> Precision:
    found = content["precision"]
    for kind in _KINDS:
        if found == kind:
            return kind
    raise ValueError(f"expected a precision of {', '.join(_KINDS)}, got {found!s:.80}")


_KINDS: tuple[Precision, ...] = ("32-true", "bf16-mixed")
