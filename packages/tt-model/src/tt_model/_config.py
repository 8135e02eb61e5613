"""The shape of a trajectory transformer, checked once."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import attrs
from attrs.validators import and_, ge, in_, instance_of, lt, optional

Positions = Literal["rotary", "learned"]
Inputs = Literal["token", "transition"]
Outputs = Literal["table", "relative"]

# settings of the second network, which files of the paper's do not name
_LATER = frozenset({"inputs", "outputs", "per_position", "attending"})

_Validator: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def whole(least: int) -> _Validator:
    """Make what accepts whole numbers from `least` on, and no booleans."""

    def check(_: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(
                f"expected {attribute.name} as a whole number of at least {least}; got "
                f"{value!r}"
            )

    return check


_COUNT = whole(1)


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
        inputs: "token" embeds each token by itself, as in the paper. "transition"
            embeds bins smoothly in their rank, and the input at a position is linear in
            the embeddings of its transition so far and of the whole previous one: what
            an early layer would have to gather is there at once. The blocks then start
            as the identity. For "rotary" alone.
        outputs: "table" has logits of their own for every bin, as in the paper;
            "relative" adds logits that are smooth in the bin's rank, and logits by the
            distance from the last token of the predicted column, for most columns move
            little from one transition to the next. For "rotary" alone.
        per_position: Whether the linear layers of the blocks have a matrix of their own
            for each position of a transition: more is learned from as many tokens, at
            the same cost of a token.
        attending: How many of the blocks attend, the last ones; the others are
            perceptrons alone. None lets all attend.

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
    inputs: Inputs = attrs.field(default="token", validator=in_(get_args(Inputs)))
    outputs: Outputs = attrs.field(default="table", validator=in_(get_args(Outputs)))
    per_position: bool = attrs.field(default=False, validator=instance_of(bool))
    attending: int | None = attrs.field(default=None, validator=optional(_COUNT))

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
        if self.positions == "learned" and (self.inputs, self.outputs) != (
            "token",
            "table",
        ):
            raise ValueError(
                "inputs='transition' and outputs='relative' read tokens that learned "
                "positions drop; use rotary positions"
            )
        if self.attending is not None and self.attending > self.layers:
            raise ValueError(
                f"at most all {self.layers} layers attend; got {self.attending}: lower "
                "attending or raise layers"
            )
        size = self.transition
        bad = [e for e in self.masked if not -size <= e < size or e % size == 0]
        if bad and size > 1:
            raise ValueError(
                f"masked positions must lie in 1..{size - 1} (or -{size - 1}..-1): a "
                f"token at position 0 must see at least itself; got {bad}"
            )

    def plain(self) -> dict[str, Any]:
        """Return the settings as plain values, as files hold them.

        Those of the second network are named where they are not the paper's.
        """
        default = {a.name: a.default for a in attrs.fields(TransformerConfig)}
        return {
            name: value
            for name, value in attrs.asdict(self).items()
            if name not in _LATER or value != default[name]
        }

    @property
    def attending_layers(self) -> int:
        """The number of blocks that attend; a cache keeps keys of no others."""
        return self.layers if self.attending is None else self.attending

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
