"""Build the report of what was collected."""

from tt_bench.pages.aggregates import (
    Suite,
    estimate_each,
    gather,
    profiles,
    tabulate_improvement,
    tabulate_suite,
)
from tt_bench.pages.boards import Board, make_boards
from tt_bench.pages.collected import Collected
from tt_bench.pages.commands import commands
from tt_bench.pages.curves import read_curves
from tt_bench.pages.document import Document, Listing, Part, Section
from tt_bench.pages.episodes import Allowance, find_media
from tt_bench.pages.facts import (
    describe_data,
    tabulate_differences,
    tabulate_settings,
    tabulate_versions,
)
from tt_bench.pages.figures import (
    draw_curves,
    draw_intervals,
    draw_profiles,
    draw_statistics,
)
from tt_bench.pages.published import tabulate_published
from tt_bench.pages.scores import (
    HOW_INTERVALS_ARE_MADE,
    of_variant,
    tabulate_board,
    tabulate_runs,
)
from tt_bench.pages.words import counted

_AGAIN = "This report is made of the results on disk, nothing is run for it, by"
_NEWLY = "Run this again on any machine; finished runs in the output folder are found."


def build(collected: Collected, command: str, allowance: Allowance) -> Document:
    """Build a document of all results.

    Args:
        collected: what there is.
        command: that makes the report again.
        allowance: bytes that pictures and videos may take.
    """
    boards = make_boards(collected.found)
    runs = sum(len(v.runs) for board in boards for v in board.variants)
    suite = gather(boards)
    count = f"{counted(runs, 'finished run')} on {counted(len(boards), 'dataset')}."
    about = (count, *collected.notes, _AGAIN)
    together = _together(suite) if suite.methods else ()
    sections = [
        Section("About", (*about, Listing((command,)), *HOW_INTERVALS_ARE_MADE)),
        *([Section("All datasets together", together)] if together else []),
        *(_section(board, n, allowance) for n, board in enumerate(boards, 1)),
        Section("Versions and machines", (tabulate_versions(boards),)),
    ]
    return Document("Results of tt-bench", tuple(sections))


def _together(suite: Suite) -> tuple[Part, ...]:
    estimates = estimate_each(suite)
    parts: list[Part] = [tabulate_suite(suite, estimates), draw_statistics(estimates)]
    parts.append(draw_profiles(*profiles(suite)))
    if len(suite.methods) > 1:
        parts.append(tabulate_improvement(suite))
    return tuple(parts)


def _section(board: Board, number: int, allowance: Allowance) -> Section:
    rows = {variant.label: of_variant(variant) for variant in board.variants}
    parts: list[Part] = [describe_data(board), tabulate_board(board, number)]
    variants = tabulate_differences(board, number)
    parts += [variants] if variants else []
    title = f"{board.unit.capitalize()}s: {board.title}"
    parts.append(draw_intervals(f"scores-{number}", title, rows))
    theirs = tabulate_published(board, number)
    parts += [theirs] if theirs else []
    curves, odd = read_curves(board)
    parts += draw_curves(f"curves-{number}", board.title, curves) if curves else []
    media, left_out = find_media(board, allowance)
    parts += [*media, *odd, *left_out]
    parts += [tabulate_runs(board, number), tabulate_settings(board, number)]
    again = commands(board)
    parts += [_NEWLY, Listing(again)] if again else []
    return Section(board.title, tuple(parts))
