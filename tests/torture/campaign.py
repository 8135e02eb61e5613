"""Do cases of every kind in turn until the time is used up; count and show faults."""

import argparse
import time
from collections import Counter
from collections.abc import Sequence

import attrs

from torture.verdict import Case, Kind, Verdict
from torture.worker import run_cases

_TURN = 5.0  # seconds of a kind before the next one's turn


@attrs.define
class Tally:
    """Count the outcomes of a kind, and keep what was at fault."""

    kind: Kind
    done: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = attrs.field(factory=Counter)
    faults: list[tuple[Case, Verdict]] = attrs.field(factory=list)

    def add(self, case: Case, verdict: Verdict) -> None:
        """Note what came of a case."""
        self.done += 1
        self.outcomes[verdict.outcome] += 1
        if verdict.fault is not None:
            self.faults.append((case, verdict))

    def line(self) -> str:
        """Say in a line how it went."""
        counts = ", ".join(f"{n:,} {name}" for name, n in self.outcomes.most_common())
        return (
            f"{self.kind.name}: {self.done:,} cases in {self.seconds:.0f} s "
            f"({counts}), {len(self.faults):,} faults"
        )


def go_on(kinds: Sequence[Kind], seed: int, seconds: float) -> list[Tally]:
    """Do cases of every kind in turn, for so many seconds in all."""
    tallies = [Tally(kind) for kind in kinds]
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for tally in tallies:
            _take_turn(tally, seed, min(_TURN, left / len(kinds)))
    return tallies


def _take_turn(tally: Tally, seed: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        do(tally, seed, tally.kind.batch)


def do(tally: Tally, seed: int, count: int) -> None:
    """Do the next cases of a kind."""
    began = time.monotonic()
    numbers = range(tally.done, tally.done + count)
    for case, verdict in run_cases(tally.kind, [Case(seed, n) for n in numbers]):
        tally.add(case, verdict)
    tally.seconds += time.monotonic() - began


def report(tallies: Sequence[Tally]) -> int:
    """Print the counts and what reproduces each fault; return how many there are."""
    for tally in tallies:
        print(tally.line())
    for tally in tallies:
        for case, verdict in tally.faults:
            place = f"{tally.kind.name}:{case.seed}:{case.number}"
            print(f"\n--case {place}: {verdict.fault}\n  {verdict.what}")
    return sum(len(tally.faults) for tally in tallies)


def repeat(kind: Kind, place: str) -> list[Tally]:
    """Do one case again, of a name as `report` prints it."""
    _, seed, number = place.split(":")
    tally = Tally(kind)
    for case, verdict in run_cases(kind, [Case(int(seed), int(number))]):
        tally.add(case, verdict)
        print(f"{verdict.outcome}: {verdict.what}")
    return [tally]


def main(kinds: Sequence[Kind], arguments: Sequence[str] | None = None) -> int:
    """Run the campaign of the command line; return the exit status."""
    options = _parse([kind.name for kind in kinds], arguments)
    chosen = [kind for kind in kinds if kind.name in options.kinds]
    for kind in chosen:
        kind.prepare()
    if options.case:
        tallies = repeat(chosen[0], options.case)
    elif options.batches:
        tallies = [Tally(kind) for kind in chosen]
        for tally in tallies:
            do(tally, options.seed, options.batches * tally.kind.batch)
    else:
        tallies = go_on(chosen, options.seed, 60 * options.minutes)
    return min(1, report(tallies))


def _parse(names: Sequence[str], arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="to go on for")
    parser.add_argument("--batches", type=int, help="of each kind, not minutes")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn")
    parser.add_argument("--kinds", nargs="+", choices=names, default=names)
    parser.add_argument("--case", help="do one again, kind:seed:number as printed")
    options = parser.parse_args(arguments)
    if options.case:
        options.kinds = [options.case.partition(":")[0]]
    return options
