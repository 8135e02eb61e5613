"""Tables, pictures and videos made of results."""

from tt_bench.report.comparison import describe_data
from tt_bench.report.figure import new_figure, save_figure
from tt_bench.report.maze_picture import draw_maze
from tt_bench.report.published_scores import Published, published
from tt_bench.report.rollout_picture import choose_numbers, draw_rollout
from tt_bench.report.table import print_report, print_suite, tabulate
from tt_bench.report.video import choose_renderer, follow, recorded

__all__ = [
    "Published",
    "choose_numbers",
    "choose_renderer",
    "describe_data",
    "draw_maze",
    "draw_rollout",
    "follow",
    "new_figure",
    "print_report",
    "print_suite",
    "published",
    "recorded",
    "save_figure",
    "tabulate",
]
