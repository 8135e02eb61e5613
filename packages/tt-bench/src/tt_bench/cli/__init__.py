"""Options to calls, and what is said meanwhile. Nothing else knows a console, tyro."""

from tt_bench.cli.ending import as_process
from tt_bench.cli.main import main, parse

__all__ = ["command", "main", "parse"]


def command() -> int:
    """Be the command: run what the process was given, and return its exit status."""
    return as_process(main)
