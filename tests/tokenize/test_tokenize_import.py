"""Importing the package stays cheap."""

import subprocess
import sys

HEAVY = {
    "concurrent.futures",
    "datasketches",
    "gymnasium",
    "numba",
    "pandas",
    "scipy",
    "tempfile",
    "torch",
}


def test_importing_loads_nothing_heavy() -> None:
    program = "import sys, tt_tokenize; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert HEAVY.isdisjoint(loaded.stdout.split())
