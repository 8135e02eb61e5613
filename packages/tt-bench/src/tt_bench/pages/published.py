"""Published scores beside ours, each side with its environment and data."""

from tt_bench.methods import METHODS
from tt_bench.pages.boards import Board, Variant
from tt_bench.pages.document import Cell, Column, Table
from tt_bench.pages.scores import of_variant
from tt_bench.pages.words import plain
from tt_bench.report import Published, describe_data, published


def tabulate_published(board: Board, number: int) -> Table | None:
    """Lay out what is published for a dataset or one named like it, if anything."""
    scored = board.unit == "score"
    found = published(board.first.dataset["name"]) if scored else ()
    if not found:
        return None
    titles = (
        *("published", "score", "+- is the", "environment", "data", "source"),
        *("ours", "score of ours"),
    )
    rows = tuple(row for each in found for row in _rows(each, board))
    note = (
        f"What both are scores of differs. Ours: environment "
        f"{plain(board.first.environment['id'])}, data "
        f"{plain(describe_data(board.first.dataset))}; intervals as above."
    )
    title = f"Published scores beside ours: {board.title}"
    return Table(f"published-{number}", title, tuple(map(Column, titles)), rows, note)


def _rows(row: Published, board: Board) -> list[tuple[Cell, ...]]:
    """Lay out one published score, once for each of our variants of its method."""
    error = "" if row.error is None else f" +- {row.error:.1f}"
    spread = "-" if row.error is None else row.spread
    theirs = (f"{row.score:.1f}{error}", spread, row.environment, row.data, row.source)
    ours = [v for v in board.variants if _published_as(v) == row.method]
    if not ours:
        return [(row.method, *theirs, None, None)]
    return [(row.method, *theirs, v.label, of_variant(v)) for v in ours]


def _published_as(variant: Variant) -> str | None:
    method = METHODS.get(variant.method)
    if method is None or method.published_as is None:
        return None
    try:
        return method.published_as(variant.settings)
    except (LookupError, TypeError):  # settings that no method of ours has written
        return None
