"""What callers may pass, checked once at the public boundary."""

import operator
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

_REAL_KINDS = "biuf"  # booleans, integers, unsigned integers, floating point


def whole(value: Any, name: str, low: int, high: int | None = None) -> int:
    """Return `value` as an int, or say which whole numbers were expected."""
    limits = f"of at least {low}" if high is None else f"from {low} to {high}"
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or number < low or (high is not None and number > high):
        raise ValueError(f"{name} must be a whole number {limits}, got {value!r}")
    return number


def real_array(data: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    """Return `data` as an array of real numbers, or say what it holds instead."""
    try:
        numbers = np.asarray(data)
    except ValueError as error:
        raise ValueError(
            f"{name} must be an array, got rows that differ in length: cut or pad them"
        ) from error
    if numbers.dtype.kind not in _REAL_KINDS:
        raise ValueError(
            f"{name} must be real numbers, got dtype {numbers.dtype}: convert it first"
        )
    return numbers


def table(data: npt.ArrayLike, name: str = "data") -> npt.NDArray[Any]:
    """Return `data` as an [N, P] array of real numbers with one column or more."""
    numbers = real_array(data, name)
    if numbers.ndim != 2 or numbers.shape[1] == 0:
        raise ValueError(
            f"{name} must have shape [rows, columns], got {list(numbers.shape)}: "
            "pass a single column as data[:, None]"
        )
    return numbers


def tables(chunks: Iterable[npt.ArrayLike]) -> Iterator[npt.NDArray[Any]]:
    """Yield the chunks [n, P] that have rows; refuse unequal columns."""
    width = None
    for chunk in chunks:
        numbers = table(chunk)
        if width not in (None, numbers.shape[1]):
            raise ValueError(
                f"every chunk needs {width} columns as the first has, got "
                f"{numbers.shape[1]}: cut the chunks along rows only"
            )
        width = numbers.shape[1]
        if len(numbers):
            yield numbers


def to_float32(numbers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the numbers as float32; what does not fit becomes infinite."""
    if numbers.dtype == np.float32:
        return numbers
    with np.errstate(over="ignore"):
        return numbers.astype(np.float32)


def within_float32(
    numbers: npt.NDArray[Any], name: str, advice: str
) -> npt.NDArray[np.float32]:
    """Return numbers as float32; refuse those that would become infinite."""
    single = to_float32(numbers)
    if single is not numbers and (np.isinf(single) & np.isfinite(numbers)).any():
        raise ValueError(f"{name} hold a number beyond float32: {advice}")
    return single


def finite(
    numbers: npt.NDArray[Any], columns: npt.NDArray[np.intp], first_row: int = 0
) -> npt.NDArray[np.float32]:
    """Return numbers [..., C] as float32, or name the column that is not finite."""
    single = to_float32(numbers)
    good = np.isfinite(single)
    if not good.all():
        row, column = np.argwhere(~good.reshape(-1, single.shape[-1]))[0]
        refuse(int(columns[column]), f", row {first_row + int(row)},")
    return single


def refuse(column: int, where: str = "") -> NoReturn:
    """Raise the error for a number that float32 cannot hold."""
    raise ValueError(
        f"column {column}{where} holds NaN, infinity or a number beyond float32; "
        "tokens need finite numbers: drop or replace such rows"
    )


def refuse_no_rows() -> NoReturn:
    """Raise the error for data without rows."""
    raise ValueError("the data has no rows: fitting needs one or more")
