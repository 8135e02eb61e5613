"""Fitted bins: numbers to tokens and back.

P columns, V bins, C selected columns.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import attrs
import numpy as np
import numpy.typing as npt

from tt_tokenize import _distribution
from tt_tokenize._input import finite, real_array, to_float32
from tt_tokenize._search import blocks, count_by_comparing, count_by_tree, search_tree
from tt_tokenize._table import check_table

_FEW = 2**15  # comparisons up to which comparing with every edge is the fastest way

Columns = slice | Sequence[int] | npt.NDArray[np.integer[Any]] | None


def _frozen(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    array = np.array(values, np.float32)
    array.setflags(write=False)
    return array


@attrs.frozen(eq=False, repr=False)
class Bins(ABC):
    """Bins of every column, fitted once and then frozen.

    Made by `fit`, `fit_stream` and `tt_tokenize.load`. Bin t of a column holds the
    numbers x with edges[t - 1] <= x < edges[t]; the first and the last bin take all
    that lies beyond. A column with fewer bins than V uses the first ones: its further
    edges are +inf and its further middles repeat the last one in use.

    Methods take `columns`, a slice or whole numbers: which of the fitted columns the C
    columns of their argument are; all of them by default.

    Attributes:
        edges: Inner edges, ascending, float32 [P, V - 1].
        middles: What each token decodes to, float32 [P, V].
    """

    edges: npt.NDArray[np.float32] = attrs.field(converter=_frozen)
    middles: npt.NDArray[np.float32] = attrs.field(converter=_frozen)
    _tree: tuple[npt.NDArray[np.float32], ...] = attrs.field(init=False)
    _numbers: npt.NDArray[np.intp] = attrs.field(init=False)
    dtype: np.dtype[np.unsignedinteger[Any]] = attrs.field(init=False)

    def __attrs_pre_init__(self, edges: npt.ArrayLike, middles: npt.ArrayLike) -> None:
        given = real_array(edges, "edges"), real_array(middles, "middles")
        check_table(*map(to_float32, given))

    @_tree.default
    def _grow_tree(self) -> tuple[npt.NDArray[np.float32], ...]:
        return search_tree(self.edges)

    @_numbers.default
    def _number_columns(self) -> npt.NDArray[np.intp]:
        return np.arange(self.columns)

    @dtype.default
    def _smallest_dtype(self) -> np.dtype[np.unsignedinteger[Any]]:
        return np.dtype(np.uint8 if self.bins <= 255 else np.uint16)

    @classmethod
    @abstractmethod
    def fit(cls, data: npt.ArrayLike, bins: int = 100) -> Self:
        """Fit bins to every column of data [N, P]."""

    @property
    def columns(self) -> int:
        """Count the fitted columns, P."""
        return len(self.middles)

    @property
    def bins(self) -> int:
        """Count the bins of a column, V, which is also the stop token's number."""
        return int(self.middles.shape[1])

    def __repr__(self) -> str:
        """Name the class and its two sizes."""
        return f"{type(self).__name__}(columns={self.columns}, bins={self.bins})"

    def encode(
        self, data: npt.ArrayLike, columns: Columns = None
    ) -> npt.NDArray[np.unsignedinteger[Any]]:
        """Turn numbers [..., C] into tokens of the smallest type that holds 0 to V.

        Numbers are read as float32. Those outside the fitted range get the nearest bin.

        Raises:
            ValueError: A number is not finite, or the columns do not match.
        """
        numbers = real_array(data, "data")
        chosen = self._choose(columns, numbers.shape)
        if numbers.size * self.bins <= _FEW:
            few = finite(numbers, chosen)
            return count_by_comparing(self.edges.take(chosen, axis=0), few, self.dtype)
        rows = numbers.reshape(-1, len(chosen))
        tokens = np.empty(rows.shape, self.dtype)
        for part in blocks(*rows.shape):
            block = finite(rows[part], chosen, part.start)
            tokens[part] = count_by_tree(self._tree, block, chosen)
        return tokens.reshape(numbers.shape)

    def decode(
        self, tokens: npt.ArrayLike, columns: Columns = None
    ) -> npt.NDArray[np.float32]:
        """Turn tokens [..., C] into the middles of their bins, float32 [..., C].

        Raises:
            ValueError: Tokens are not whole numbers from 0 to V - 1, or the columns do
                not match.
        """
        given = np.asarray(tokens)
        chosen = self._choose(columns, given.shape)
        self._check_tokens(given, chosen)
        rows = given.reshape(-1, len(chosen))
        numbers = np.empty(rows.shape, np.float32)
        first = chosen * self.bins
        for part in blocks(*rows.shape):
            place = rows[part].astype(np.intp) + first
            np.take(self.middles, place, out=numbers[part], mode="clip")
        return numbers.reshape(given.shape)

    def expectation(
        self, probabilities: npt.ArrayLike, columns: Columns = None
    ) -> npt.NDArray[np.float32]:
        """Weigh the middles with the probabilities of bins: [..., C, V] to [..., C].

        Raises:
            ValueError: Probabilities are negative, do not sum to 1 within 1 %, or their
                shape does not match.
        """
        chances, chosen = self._distribution(probabilities, columns)
        return _distribution.expectation(chances, self.middles[chosen])

    def quantile(
        self, probabilities: npt.ArrayLike, q: float, columns: Columns = None
    ) -> npt.NDArray[np.float32]:
        """Return the middle where the sum of probabilities reaches q: [..., C].

        Probabilities are [..., C, V]; q is in [0, 1]. The bin has probability itself:
        q = 0 is the lowest possible bin, q = 1 the highest.

        Raises:
            ValueError: As for `expectation`, or q is outside [0, 1].
        """
        chances, chosen = self._distribution(probabilities, columns)
        return _distribution.quantile(chances, self.middles[chosen], q)

    def _distribution(
        self, probabilities: npt.ArrayLike, columns: Columns
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
        given = real_array(probabilities, "probabilities")
        chosen = self._choose(columns, given.shape[:-1])
        return _distribution.checked(given, self.bins), chosen

    def _choose(self, columns: Columns, shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
        """Return the numbers of the chosen columns, which the last axis must match."""
        try:
            wanted = slice(None) if columns is None else columns
            chosen = self._numbers[
                wanted if isinstance(wanted, slice) else np.asarray(wanted)
            ]
        except IndexError as error:
            raise ValueError(
                f"columns must be a slice or whole numbers below {self.columns}, "
                f"got {columns!r}"
            ) from error
        if chosen.ndim != 1 or not shape or shape[-1] != len(chosen) or not shape[-1]:
            raise ValueError(
                f"expected {chosen.size} of the {self.columns} fitted columns, got "
                f"shape {list(shape)}: say which with columns=, a slice or a list"
            )
        return chosen

    def _check_tokens(
        self, tokens: npt.NDArray[Any], chosen: npt.NDArray[np.intp]
    ) -> None:
        if tokens.dtype.kind not in "iu":
            raise ValueError(f"tokens must be whole numbers, got dtype {tokens.dtype}")
        if tokens.size and (tokens.min() < 0 or tokens.max() >= self.bins):
            wrong = (tokens < 0) | (tokens >= self.bins)
            column = chosen[np.argwhere(wrong)[0, -1]]
            raise ValueError(
                f"column {column} has token {tokens[wrong][0]}, expected 0 to "
                f"{self.bins - 1}: cut stop tokens ({self.bins}) and padding off first"
            )
