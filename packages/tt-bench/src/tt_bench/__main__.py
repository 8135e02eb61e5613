"""Run the command line with `python -m tt_bench`."""

import os
import sys

# A thread that waits for another by spinning stalls both where a third program keeps
# a core busy: training is then five times slower. OpenMP reads this when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from tt_bench._cli import main

if __name__ == "__main__":
    sys.exit(main())
