"""What a process does that helps to collect a dataset.

It is told on stdin what to play and answers on stdout, in pickles, until stdin ends.
"""

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple, TypeAlias

from tt_bench.data.collection import PARALLEL, Episode, play_round
from tt_bench.data.source import make_collector


class Going(NamedTuple):
    """So many steps of a round have been played."""

    number: int
    steps: int


class Played(NamedTuple):
    """All episodes of a round."""

    number: int
    episodes: list[Episode]


class Failed(NamedTuple):
    """Why a process can't go on."""

    reason: str


Answer: TypeAlias = Going | Played | Failed


def work(answers: IO[bytes]) -> None:
    """Play rounds of a source: it comes first, then the number of each round.

    Args:
        answers: what was stdout, before anything could print there.
    """

    def answer(what: Answer) -> None:
        pickle.dump(what, answers)
        answers.flush()

    try:
        _play_rounds(answer)
    except BrokenPipeError:  # nobody listens any more
        os._exit(1)
    except Exception as error:
        answer(Failed(f"{type(error).__name__}: {error}"))


def _play_rounds(answer: Callable[[Answer], None]) -> None:
    source = pickle.load(sys.stdin.buffer)
    agent = source.behaviour()
    envs = [make_collector(source) for _ in range(PARALLEL)]
    for number in _numbers():
        before = number * PARALLEL

        def tell(steps: int, number: int = number) -> None:
            answer(Going(number, steps))

        answer(Played(number, play_round(agent, envs, source.seed, before, tell)))


def _numbers() -> Iterator[int]:
    """Read numbers of rounds until there are no more."""
    while True:
        try:
            yield pickle.load(sys.stdin.buffer)
        except EOFError:
            return
