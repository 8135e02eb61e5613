"""Options to calls, and what is said meanwhile. Nothing else knows a console, tyro."""

from tt_bench.cli.main import command, main, parse

__all__ = ["command", "main", "parse"]
