"""Files whole or not at all: write, lock, download, JSON."""

from tt_bench.files.downloads import download
from tt_bench.files.errors import first_line
from tt_bench.files.json_file import how_to_mend, read_json, write_json, write_once
from tt_bench.files.whole import written_whole

__all__ = [
    "download",
    "first_line",
    "how_to_mend",
    "read_json",
    "write_json",
    "write_once",
    "written_whole",
]
