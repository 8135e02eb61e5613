"""What inputs and outputs ask of a row's last two transitions, besides its cache.

Axes: R rows, n new tokens, K rows selected, P positions of a transition, D features.
"""

import attrs
from torch import Tensor
from torch.nn import functional as F

from tt_model._config import TransformerConfig
from tt_model._inputs import Sums
from tt_model._transformer import TrajectoryTransformer


@attrs.frozen(eq=False)
class Recent:
    """Hold what the network's options ask for; the paper's network asks for nothing.

    Attributes:
        sums: For inputs of transitions.
        tokens: For relative outputs: each column's last [R, P], or -1.
    """

    sums: Sums | None = None
    tokens: Tensor | None = None

    def select(self, rows: Tensor) -> "Recent":
        """Return what rows [K] have; nothing is shared with this."""
        sums, tokens = self.sums, self.tokens
        return Recent(
            None if sums is None else Sums(*(s.index_select(0, rows) for s in sums)),
            None if tokens is None else tokens.index_select(0, rows),
        )

    def note(self, tokens: Tensor, position: int) -> None:
        """Make tokens [R] the last ones of a position, in place."""
        if self.tokens is not None:
            self.tokens[:, position] = tokens

    def last(self, config: TransformerConfig, index: int) -> Tensor | None:
        """Return the last tokens [R] of the column of an index, unless it is masked."""
        if self.tokens is None or config.is_masked(index):
            return None
        return self.tokens[:, index % config.transition]


def enter(
    model: TrajectoryTransformer,
    tokens: Tensor,
    begin: int,
    pad: Tensor | None,
    recent: Recent,
) -> tuple[Tensor, Recent]:
    """Return the inputs [R, n, D] that tokens [R, n] are, and what to remember now.

    Their first index is `begin`, where n is 1 unless `begin` is 0. `recent` is used up.
    """
    config = model.config
    if begin == 0:
        return model.embed(tokens, 0, pad), _remember(model, tokens)
    position = begin % config.transition
    recent.note(tokens[:, 0], position)
    if recent.sums is None:
        return model.embed(tokens, begin, pad), recent
    x, sums = model.stem.step(tokens[:, 0], position, recent.sums)
    return x[:, None], Recent(sums, recent.tokens)


def _remember(model: TrajectoryTransformer, tokens: Tensor) -> Recent:
    """Return what to remember of tokens [R, n] from index 0 on."""
    config, size = model.config, model.config.transition
    sums = model.stem.read(tokens) if config.inputs == "transition" else None
    if config.outputs == "table":
        return Recent(sums)
    newest = F.pad(tokens, (size, 0), value=-1)[:, -size:]
    return Recent(sums, newest.roll(tokens.shape[1] % size, 1))
