"""Files whole or not at all: write, lock, download, JSON, sizes."""

from tt_bench.files.arrays import checksum, read_arrays, write_arrays
from tt_bench.files.downloads import download, drop_rest
from tt_bench.files.errors import first_line, one_line
from tt_bench.files.json_file import (
    how_to_mend,
    read_facts,
    read_json,
    write_json,
    write_once,
)
from tt_bench.files.once import make_once, remade_if_deleted
from tt_bench.files.sizes import check_claim, check_memory
from tt_bench.files.strays import remove_scratch, remove_strays, scratch_folder
from tt_bench.files.whole import written_whole

__all__ = [
    "check_claim",
    "check_memory",
    "checksum",
    "download",
    "drop_rest",
    "first_line",
    "how_to_mend",
    "make_once",
    "one_line",
    "read_arrays",
    "read_facts",
    "read_json",
    "remade_if_deleted",
    "remove_scratch",
    "remove_strays",
    "scratch_folder",
    "write_arrays",
    "write_json",
    "write_once",
    "written_whole",
]
