"""A sequence model together with the state of what it has read."""

from typing import Generic, Self

from torch import Tensor

from tt_plan._interface import SequenceModel, State
from tt_plan._validate import check_logits, check_step


class Reader(Generic[State]):
    """Read one token of each row after the other.

    Each step uses up the model's state. It is held here and nowhere else, so that the
    model can use its memory again.
    """

    def __init__(self, model: SequenceModel[State], state: State, width: int) -> None:
        """Take a model, its state and the entries of its logits."""
        self._model, self._state, self._width = model, state, width

    @classmethod
    def start(
        cls, model: SequenceModel[State], prefix: Tensor, stop: int | None
    ) -> tuple[Tensor, Self]:
        """Read a prefix [B, T]; return the next token's logits [B, W] and a reader.

        Raises:
            ValueError: logits of another shape, or a stop token that is not their last.
        """
        logits, state = model.start(prefix)
        check_logits(logits, len(prefix), stop)
        return logits, cls(model, state, logits.shape[1])

    def step(self, tokens: Tensor) -> Tensor:
        """Read tokens [B]; return the next token's logits [B, W].

        Raises:
            ValueError: logits of another shape.
        """
        logits, self._state = self._model.step(tokens, self._state)
        check_step(logits, tokens.shape[0], self._width)
        return logits

    def select(self, rows: Tensor) -> None:
        """Go on with rows [K] alone; repeats make forks."""
        self._state = self._model.select(self._state, rows)
