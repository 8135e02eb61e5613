"""The shape of a trajectory transformer, checked once."""

from typing import Literal, get_args

import attrs
from attrs.validators import and_, ge, in_, instance_of, lt

Positions = Literal["rotary", "learned"]

_COUNT = and_(instance_of(int), ge(1))


@attrs.frozen
class TransformerConfig:
    """Describe a TrajectoryTransformer.

    Attributes:
        vocabulary: Number of bins V. Token V is the stop token, so an output
            head has V + 1 entries.
        transition: Number of tokens P in one transition (observation, action,
            reward, value).
        layers: Number of blocks.
        heads: Attention heads of a block; they share `width` evenly.
        width: Features of a token.
        positions: "rotary" rotates queries and keys by their token index and lets
            a token see the last `window` transitions, so a cache stays exact for
            ever. "learned" adds one vector per token index, as the original code
            does; while planning it reads at most `window * transition - 1` tokens,
            drops whole transitions from the front and restarts its positions.
        window: Transitions that a token sees, its own included; at least 2 with
            "learned".
        span: Transitions that learned positions cover; the longest sequence that
            a "learned" model can be trained on. Not used by "rotary".
        masked: Positions of a transition that no query may attend to; the value
            token, which holds the future, by default. Negative ones count from
            the end.
        dropout: Rate on the embeddings and on both residual branches.

    Raises:
        ValueError: If a setting is out of range or settings contradict each other.
    """

    vocabulary: int = attrs.field(validator=and_(_COUNT, lt(65536)))
    transition: int = attrs.field(validator=_COUNT)
    layers: int = attrs.field(default=4, validator=_COUNT)
    heads: int = attrs.field(default=4, validator=_COUNT)
    width: int = attrs.field(default=128, validator=_COUNT)
    positions: Positions = attrs.field(
        default="rotary", validator=in_(get_args(Positions))
    )
    window: int = attrs.field(default=10, validator=_COUNT)
    span: int = attrs.field(default=10, validator=_COUNT)
    masked: tuple[int, ...] = attrs.field(default=(-1,), converter=tuple)
    dropout: float = attrs.field(default=0.1, validator=and_(ge(0.0), lt(1.0)))

    def __attrs_post_init__(self) -> None:
        """Check the settings that depend on each other."""
        if self.width % (2 * self.heads):
            raise ValueError(
                "width must be a multiple of 2 * heads so that every head has an even "
                f"number of features; got width {self.width} and {self.heads} heads"
            )
        if self.positions == "learned" and self.window > self.span:
            raise ValueError(
                f"learned positions cover span={self.span} transitions, so window must "
                f"not exceed it; got window={self.window}: lower it or raise span"
            )
        if self.positions == "learned" and self.window == 1:
            raise ValueError(
                "learned positions read window * transition - 1 tokens while planning, "
                "in whole transitions, and with window=1 none are left; raise window "
                "to at least 2 or use rotary positions"
            )
        size = self.transition
        bad = [e for e in self.masked if not -size <= e < size or e % size == 0]
        if bad and size > 1:
            raise ValueError(
                f"masked positions must lie in 1..{size - 1} (or -{size - 1}..-1): a "
                f"token at position 0 must see at least itself; got {bad}"
            )

    @property
    def masked_positions(self) -> frozenset[int]:
        """The masked positions, counted from the start of a transition."""
        if self.transition == 1:
            return frozenset()
        return frozenset(e % self.transition for e in self.masked)

    @property
    def stored(self) -> int:
        """Tokens of a transition that may be attended to; a cache stores no others."""
        return self.transition - len(self.masked_positions)

    def is_masked(self, index: int) -> bool:
        """Say whether the token at an index is attended to by none."""
        return index % self.transition in self.masked_positions

    @property
    def head_width(self) -> int:
        """Features of one attention head."""
        return self.width // self.heads
