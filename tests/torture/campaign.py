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


def hold(kinds: Sequence[Kind], seed: int, seconds: float) -> list[Tally]:
    """Do cases of every kind in turn, for so many seconds in all.

    Each kind has at least one batch of cases.
    """
    tallies = [Tally(kind) for kind in kinds]
    began = time.monotonic()
    first = True
    while first or time.monotonic() - began < seconds:
        first = False
        left = seconds - (time.monotonic() - began)
        for tally in tallies:
            _take_turn(tally, seed, min(_TURN, left / len(kinds)))
    return tallies


def _take_turn(tally: Tally, seed: int, seconds: float) -> None:
    began = time.monotonic()
    while True:
        batch = range(tally.done, tally.done + tally.kind.batch)
        for case, verdict in run_cases(tally.kind, [Case(seed, i) for i in batch]):
            tally.add(case, verdict)
        passed = time.monotonic() - began
        if passed >= seconds:
            tally.seconds += passed
            return


def report(tallies: Sequence[Tally]) -> int:
    """Print the counts and what reproduces each fault; return how many there are."""
    for tally in tallies:
        print(tally.line())
    for tally in tallies:
        for case, verdict in tally.faults:
            place = f"{tally.kind.name}:{case.seed}:{case.number}"
            print(f"\n--case {place}: {verdict.fault}\n  {verdict.what}")
    return sum(len(tally.faults) for tally in tallies)


def repeat(kinds: Sequence[Kind], place: str) -> list[Tally]:
    """Do one case again, of a name as `report` prints it."""
    name, seed, index = place.split(":")
    kind = next(kind for kind in kinds if kind.name == name)
    tally = Tally(kind)
    for case, verdict in run_cases(kind, [Case(int(seed), int(index))]):
        tally.add(case, verdict)
        print(f"{verdict.outcome}: {verdict.what}")
    return [tally]


def main(kinds: Sequence[Kind], arguments: Sequence[str] | None = None) -> int:
    """Run the campaign of the command line; return the exit status."""
    names = [kind.name for kind in kinds]
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="to go on for")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn")
    parser.add_argument("--kinds", nargs="+", choices=names, default=names)
    parser.add_argument("--case", help="do one case again: kind:seed:index")
    options = parser.parse_args(arguments)
    if options.case:
        return min(1, report(repeat(kinds, options.case)))
    chosen = [kind for kind in kinds if kind.name in options.kinds]
    return min(1, report(hold(chosen, options.seed, 60 * options.minutes)))
