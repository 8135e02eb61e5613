"""What a run leaves behind: its JSON, its place, its score, its statistics."""

from tt_bench.results.entries import is_number, is_whole
from tt_bench.results.result import RunResult, load_result, save_result
from tt_bench.results.scores import normalise
from tt_bench.results.store import Store
from tt_bench.results.summary import Row, check_some, summarise, summarise_each

__all__ = [
    "Row",
    "RunResult",
    "Store",
    "check_some",
    "is_number",
    "is_whole",
    "load_result",
    "normalise",
    "save_result",
    "summarise",
    "summarise_each",
]
