"""Generated inputs: a public function returns, or refuses with a ValueError."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import numpy as np
import torch

from torture.laws import LAWS, Law
from torture.values import draw_all, pick
from torture.verdict import Kind, Verdict

_ODD = (0.15, 0.65, 0.2)  # how often none, one or two arguments are nasty
_LEAST = 10  # letters of a message that says something


def run_call(draws: np.random.Generator) -> Verdict:
    """Draw a function and its arguments, call it and judge what comes of that."""
    law = pick(draws, LAWS)
    count = min(int(draws.choice(3, p=_ODD)), len(law.parameters))
    odd = set(draws.choice(list(law.parameters), count, replace=False).tolist())
    given = draw_all(draws, law.parameters, odd)
    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            return judge(law, given)
        finally:
            os.chdir(before)


def judge(law: Law, given: Mapping[str, Any]) -> Verdict:
    """Call a function and hold it to its law."""
    what = f"{law.name}({', '.join(f'{n}={show(v)}' for n, v in given.items())})"
    try:
        result = law.call(**given)
    except _refusals(law, given) as error:
        says = str(error).strip()
        fault = None if len(says) >= _LEAST else f"an error that says {says!r}"
        return Verdict("refused", fault, what)
    except Exception as error:
        fault = f"{law.name} raises {type(error).__name__}: {error}"[:400]
        return Verdict("raised", fault, what)
    return Verdict("returned", _wrong_numbers(law, given, result), what)


def _refusals(law: Law, given: Mapping[str, Any]) -> tuple[type[Exception], ...]:
    """Say which errors may refuse what was given.

    Where a value contradicts the annotation, Python's own errors do as well.
    """
    odd = any(each.is_foreign(given[n]) for n, each in law.parameters.items())
    return (*law.refuses, TypeError, AttributeError) if odd else law.refuses


def _wrong_numbers(law: Law, given: Any, result: Any) -> str | None:
    """Say whether what came of finite numbers is not, where it should be."""
    if law.finite is False or not all(_finite(part) for part in _numbers(given)):
        return None
    for part in _numbers(result):
        if np.isnan(part).any() or (law.finite and np.isinf(part).any()):
            return f"{law.name} makes NaN or infinity of finite numbers"
    return None


def _finite(part: Any) -> bool:
    return bool(np.isfinite(part).all())


def _numbers(value: Any) -> Iterator[Any]:
    """Yield every array of floating-point numbers inside a value."""
    if isinstance(value, torch.Tensor):
        value = value.detach().float().numpy() if value.is_floating_point() else None
    if isinstance(value, float | np.ndarray | np.floating):
        array = np.asarray(value)
        if array.dtype.kind in "fc":
            yield array
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _numbers(part)
    elif attrs.has(type(value)):
        yield from _numbers(attrs.astuple(value, recurse=False))


def show(value: Any) -> str:
    """Describe a value in a few words."""
    if isinstance(value, np.ndarray | torch.Tensor):
        kind = type(value).__name__
        numbers = str(value.tolist()).replace(" ", "")
        return f"{kind}{list(value.shape)}:{value.dtype}={numbers[:120]}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        parts = zip(value._fields, value, strict=True)
        return (
            f"{type(value).__name__}({', '.join(f'{n}={show(v)}' for n, v in parts)})"
        )
    return repr(value)[:200]


CALLS = Kind("calls", run_call, lambda: None, seconds=20.0, memory=1 << 30, batch=250)
