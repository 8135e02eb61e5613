"""Count the edges at or below each number: the token of the number.

C columns, V bins. A column's V - 1 edges ascend and may end in +inf.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

_BLOCK = 2**15  # numbers searched at once: what they need stays in the second cache


def count_by_comparing(
    edges: npt.NDArray[np.float32], numbers: npt.NDArray[np.float32], dtype: Any
) -> npt.NDArray[Any]:
    """Compare every number [..., C] with every edge [C, V - 1]; best for a few."""
    below: npt.NDArray[Any] = (edges <= numbers[..., None]).sum(-1, dtype=dtype)
    return below


def search_tree(
    edges: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], ...]:
    """Lay edges [C, V - 1] out as the levels of a balanced binary search.

    Level l is flat [C * 2^l]: node k of column c lies at c * 2^l + k and its
    children at twice that place, and one more, of the next level.
    """
    columns, count = edges.shape
    depth = count.bit_length()
    padded = np.full((columns, 2**depth), np.inf, np.float32)
    padded[:, :count] = edges
    gaps = [2 ** (depth - level) for level in range(depth)]
    return tuple(padded[:, gap // 2 - 1 :: gap].ravel() for gap in gaps)


def count_by_tree(
    tree: tuple[npt.NDArray[np.float32], ...],
    numbers: npt.NDArray[np.float32],
    columns: npt.NDArray[np.intp],
) -> npt.NDArray[np.intp]:
    """Walk all numbers [N, C] of the given columns down the tree together."""
    place = np.broadcast_to(columns, numbers.shape)
    for level in tree:
        place = 2 * place + (level.take(place, mode="clip") <= numbers)
    tokens: npt.NDArray[np.intp] = place & (2 ** len(tree) - 1)
    return tokens


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Cut rows so that each block holds about as many numbers as a cache does."""
    step = max(1, _BLOCK // columns)
    return (slice(start, start + step) for start in range(0, rows, step))
