"""Episodes as flat arrays, and every place they come from or go to."""

from tt_bench.data.chunks import chunk_episodes
from tt_bench.data.collection import collect
from tt_bench.data.collection_processes import collect_source, collecting_processes
from tt_bench.data.d4rl import d4rl_file, load_d4rl
from tt_bench.data.dataset import Dataset, describe, fingerprint
from tt_bench.data.episodes import Episodes
from tt_bench.data.goals import Goal
from tt_bench.data.hdf5 import read_hdf5
from tt_bench.data.load import HDF5_SUFFIXES, load_dataset
from tt_bench.data.minari import read_minari
from tt_bench.data.minari_cache import is_local
from tt_bench.data.minari_write import MinariNotes, write_minari
from tt_bench.data.source import Source, make_collector
from tt_bench.data.sources import SOURCES, find_source

__all__ = [
    "HDF5_SUFFIXES",
    "SOURCES",
    "Dataset",
    "Episodes",
    "Goal",
    "MinariNotes",
    "Source",
    "chunk_episodes",
    "collect",
    "collect_source",
    "collecting_processes",
    "d4rl_file",
    "describe",
    "find_source",
    "fingerprint",
    "is_local",
    "load_d4rl",
    "load_dataset",
    "make_collector",
    "read_hdf5",
    "read_minari",
    "write_minari",
]
