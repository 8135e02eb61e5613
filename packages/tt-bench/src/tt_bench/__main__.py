"""Run the command line with `python -m tt_bench`."""

import sys

from tt_bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
