"""Published scores under our own, each side with its environment and data."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from tt_bench._d4rl import find_d4rl, similar_d4rl
from tt_bench._progress import say
from tt_bench._published import Published, published


def print_published(console: Console, name: str, environment: str) -> None:
    """Print what is published for a dataset, if anything, and of what each side is.

    Args:
        console: where to.
        name: of the dataset that our scores are of.
        environment: Gymnasium id that our scores are of.
    """
    rows = published(name)
    if not rows:
        return
    say(console, "Published, for context; what the scores are of differs:")
    say(console, f"  ours: environment {environment}, data {_describe(name)}")
    sides = list(dict.fromkeys(map(_side, rows)))
    for number, side in enumerate(sides, 1):
        say(console, f"  [{number}]: {side}")
    console.print(_tabulate(rows, sides), highlight=False)


def _describe(name: str) -> str:
    own, like = find_d4rl(name), similar_d4rl(name)
    if own or not like:
        return f"D4RL's {own.name}" if own else name
    return f"{name}, which is not D4RL's data; published are scores of {like.name}"


def _side(row: Published) -> str:
    return (
        f"environment {row.environment}, data {row.data}; from {row.source}; "
        f"+- is the {row.spread}"
    )


def _tabulate(rows: Sequence[Published], sides: Sequence[str]) -> Table:
    table = Table(box=box.ASCII2)
    table.add_column("published", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("of", justify="right")
    for row in rows:
        error = "" if row.error is None else f" +- {row.error:.1f}"
        number = sides.index(_side(row)) + 1
        table.add_row(row.method, f"{row.score:.1f}{error}", f"\\[{number}]")
    return table
