"""Run the command line with `python -m tt_bench`."""

import sys

from tt_bench.cli import command

if __name__ == "__main__":
    sys.exit(command())
