"""Published scores beside our own, each side with its environment and data."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tt_bench.catalogue import D4rlEntry, find_d4rl, similar_d4rl
from tt_bench.report.published_scores import Published, published
from tt_bench.results import RunResult

_OURS = "\\[0]"  # rich reads what follows a bare bracket


def print_published(
    console: Console,
    results: Sequence[RunResult],
    scores: Mapping[str, str],
    names: Mapping[str, str],
) -> None:
    """Print what is published for a dataset, if anything, and of what each side is.

    Args:
        console: where to.
        results: our finished runs on one dataset and environment.
        scores: ours by method, as text; none where they are raw returns.
        names: under which methods of ours are published; others keep their own.
    """
    first = results[0]
    rows = published(first.dataset["name"])
    if not rows:
        return
    _say(console, "Published scores beside ours; what they are scores of differs:")
    _say(console, f"  [0], ours: {_our_side(first)}")
    sides = list(dict.fromkeys(map(_side, rows)))
    for number, side in enumerate(sides, 1):
        _say(console, f"  [{number}]: {side}")
    console.print(_tabulate(rows, sides, _ours(scores, names)), highlight=False)


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _our_side(result: RunResult) -> str:
    data = result.dataset
    return (
        f"environment {result.environment['id']}, data {describe_data(data)}; from "
        f"{data['source']}; +- as above"
    )


def describe_data(data: Mapping[str, Any]) -> str:
    """Say which data ours is, and whether it is the data of the published scores."""
    name = data["name"]
    own, like = find_d4rl(name), similar_d4rl(name)
    if own:
        return _check_count(own, data["transitions"])
    if like:
        return f"{name}, which is not D4RL's data; published are scores of {like.name}"
    return str(name)


def _check_count(entry: D4rlEntry, count: int) -> str:
    if entry.transitions is None:
        return (
            f"under D4RL's name {entry.name}, {count:,} transitions (how many "
            "D4RL's has is not known here)"
        )
    if entry.contradicts(count):
        return (
            f"under D4RL's name {entry.name}, which is not D4RL's data: {count:,} "
            f"transitions, D4RL's has {entry.transitions:,}"
        )
    return f"D4RL's {entry.name}"


def _side(row: Published) -> str:
    return (
        f"environment {row.environment}, data {row.data}; from {row.source}; "
        f"+- is the {row.spread}"
    )


def _ours(scores: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return our scores by the name that the method is published under."""
    found: dict[str, list[str]] = {}
    for method, score in scores.items():
        found.setdefault(names.get(method, method), []).append(f"{method} {score}")
    return {title: "\n".join(lines) for title, lines in found.items()}


def _tabulate(
    rows: Sequence[Published], sides: Sequence[str], ours: Mapping[str, str]
) -> Table:
    table = Table(box=box.ASCII2)
    table.add_column("published", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("of", justify="right")
    table.add_column("ours", justify="right", no_wrap=True)
    table.add_column("of", justify="right")
    for row in rows:
        error = "" if row.error is None else f" +- {row.error:.1f}"
        score, number = f"{row.score:.1f}{error}", sides.index(_side(row)) + 1
        mine = ours.get(row.method)
        own = (mine, _OURS) if mine else ("-", "")
        table.add_row(row.method, score, f"\\[{number}]", *own)
    return table
