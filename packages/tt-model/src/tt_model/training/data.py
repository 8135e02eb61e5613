"""Windows of whole transitions, gathered from one compact array of tokens.

Axes: N transitions, P positions of a transition, E episodes, B windows, T transitions
of a window, V bins.
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

IGNORED = -100  # a target that takes no part in the loss


class Sequences(NamedTuple):
    """Hold the tokens of all episodes, one after the other.

    Attributes:
        tokens: Unsigned integers [N, P] in 0..V-1.
        ends: Exclusive end of each episode [E], strictly increasing, the last one N.
        terminated: Whether each episode [E] ended by itself (True) or was cut off by
            a time limit or the end of the recording (False).
    """

    tokens: NDArray[np.unsignedinteger[Any]]
    ends: NDArray[np.int64]
    terminated: NDArray[np.bool_]


class Windows(NamedTuple):
    """Hold sequences on a device, ready to be gathered from.

    The tokens are kept in the smallest type that can be indexed and holds the stop
    token: one byte up to 255 bins, two up to 32767, else four. Four more bytes a
    transition say which episode it belongs to.

    Attributes:
        tokens: [N + 1, P]; the last row holds stop tokens.
        episode: The episode of each transition [N].
        ends: Exclusive end of each episode [E].
        terminated: Whether each episode [E] ended by itself.
    """

    tokens: Tensor
    episode: Tensor
    ends: Tensor
    terminated: Tensor

    @property
    def size(self) -> int:
        """The number of transitions N, each of which starts one window."""
        return self.tokens.shape[0] - 1


class Batch(NamedTuple):
    """Pair the tokens that are read with the tokens that follow them.

    Attributes:
        inputs: int64 [B, T * P], beginning at a transition.
        targets: int64 [B, T * P]; targets[:, i] follows inputs[:, i], or is IGNORED.
    """

    inputs: Tensor
    targets: Tensor


def as_arrays(data: Sequences) -> Sequences:
    """Return sequences as arrays, whatever lists or tensors they came in."""
    tensors = (p.cpu() if isinstance(p, Tensor) else p for p in data)
    return Sequences(*(np.asarray(part) for part in tensors))


def check_sequences(data: Sequences, vocabulary: int, transition: int) -> None:
    """Refuse sequences that a model of V bins and P positions cannot be trained on.

    Raises:
        ValueError: If shapes, types or episode ends are wrong or a token is not a bin.
    """
    tokens, ends, terminated = data
    if tokens.ndim != 2 or tokens.shape[1] != transition or not len(tokens):
        raise ValueError(
            f"expected tokens [N, {transition}], at least one row; got shape "
            f"{list(tokens.shape)}: the model's transition must equal the width of "
            "the tokenizer's layout"
        )
    if tokens.dtype.kind != "u":
        raise ValueError(
            f"expected tokens of an unsigned integer type; got {tokens.dtype}: encode "
            "the data with fitted bins first"
        )
    if int(tokens.max()) >= vocabulary:
        raise ValueError(
            f"expected tokens below the vocabulary {vocabulary}; got {tokens.max()}: "
            "the model's vocabulary must equal the tokenizer's number of bins"
        )
    _check_ends(ends, len(tokens))
    if terminated.dtype != np.bool_ or terminated.shape != ends.shape:
        raise ValueError(
            f"expected terminated as one boolean per episode, shape {list(ends.shape)};"
            f" got {terminated.dtype} {list(terminated.shape)}"
        )


def make_windows(data: Sequences, vocabulary: int, device: torch.device) -> Windows:
    """Move checked sequences of V bins to a device, with a row of stop tokens added."""
    stop = np.full((1, data.tokens.shape[1]), vocabulary)
    dtype = next(
        t for t in (np.uint8, np.int16, np.int32) if vocabulary <= np.iinfo(t).max
    )
    tokens = np.concatenate([data.tokens.astype(dtype), stop.astype(dtype)])
    ends = data.ends.astype(np.int64)
    lengths = np.diff(ends, prepend=0)
    episode = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    parts = tokens, episode, ends, np.array(data.terminated)
    return Windows(*(torch.from_numpy(part).to(device) for part in parts))


def gather(
    windows: Windows, starts: Tensor, transitions: int, *, stops: bool = True
) -> Batch:
    """Read the windows of T transitions that begin at starts [B].

    Past the end of its episode a window holds stop tokens. As targets they count where
    the episode ended by itself; after an episode that was cut off nobody knows what
    follows, so nothing there is a target.

    Args:
        windows: Where to read from.
        starts: The first transition of each window [B].
        transitions: Transitions T in a window.
        stops: Whether stop tokens may be targets at all.

    Returns:
        Inputs and targets [B, T * P]; the last target is the token after the window.
    """
    episode = windows.episode[starts]
    steps = torch.arange(transitions + 1, device=starts.device)
    index = starts[:, None] + steps
    real = index < windows.ends[episode][:, None]  # [B, T + 1]
    rows = windows.tokens[torch.where(real, index, windows.size)]  # [B, T + 1, P]
    known = real | windows.terminated[episode][:, None] if stops else real
    targets = rows.long().masked_fill(~known[:, :, None], IGNORED).flatten(1)
    length = transitions * rows.shape[2]
    inputs = rows[:, :transitions].flatten(1).long()
    return Batch(inputs, targets[:, 1 : length + 1].contiguous())


class Shuffle:
    """Give every window once an epoch, in an order that is a function of the seed.

    One permutation of all windows follows the other without a gap. Any stretch can be
    asked for, so a resumed run needs to know nothing but how far the first one came.
    """

    def __init__(self, seed: int, count: int, device: torch.device) -> None:
        """Remember what to shuffle; a permutation is drawn when it is first used."""
        self._seed, self._count, self._device = seed, count, device
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.int64)

    def take(self, first: int, size: int) -> Tensor:
        """Return the windows [size] that begin with entry `first` of the order."""
        parts = []
        while size:
            epoch, offset = divmod(first, self._count)
            parts.append(self._draw(epoch)[offset : offset + size])
            first, size = first + len(parts[-1]), size - len(parts[-1])
        return torch.cat(parts).long()

    def _draw(self, epoch: int) -> Tensor:
        """Return the permutation of an epoch, keeping the last one drawn."""
        if epoch != self._epoch:
            generator = np.random.Generator(np.random.PCG64([self._seed, epoch]))
            drawn = generator.permutation(np.arange(self._count, dtype=np.int32))
            self._permutation = torch.from_numpy(drawn).to(self._device)
            self._epoch = epoch
        return self._permutation


def disjoint_starts(data: Sequences, transitions: int) -> NDArray[np.int64]:
    """Return window starts that cover every episode once, without overlap."""
    ends = data.ends.astype(np.int64)
    spans = zip(np.concatenate([[0], ends[:-1]]), ends, strict=True)
    return np.concatenate([np.arange(a, b, transitions) for a, b in spans])


def fingerprint(data: Sequences) -> str:
    """Return a digest of the tokens, the episodes and how they ended."""
    digest = hashlib.blake2b(digest_size=16)
    for part in data:
        digest.update(f"{part.dtype.kind}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _check_ends(ends: NDArray[Any], count: int) -> None:
    """Check that the ends of the episodes divide `count` transitions."""
    good = ends.ndim == 1 and ends.dtype.kind in "iu" and ends.size > 0
    whole = ends.astype(np.int64) if good else ends  # differences can be negative
    if not good or whole[0] <= 0 or (np.diff(whole) <= 0).any() or whole[-1] != count:
        raise ValueError(
            "expected ends as a strictly increasing integer array whose last entry is "
            f"the number of transitions {count}; got {ends.dtype} "
            f"{np.array2string(ends, threshold=6)}: give the exclusive end of every "
            "episode"
        )
