"""A place of its own for the campaign: empty folders, one thread, no network."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

_NOWHERE = "http://127.0.0.1:9"


@contextmanager
def prepared() -> Iterator[Path]:
    """Work in a folder that is gone afterwards, with nothing of the user's in sight."""
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        kept, before = dict(os.environ), os.getcwd()
        os.environ |= {
            "HOME": folder,
            "TMPDIR": folder,
            "MINARI_DATASETS_PATH": f"{folder}/minari",
            "D4RL_DATASET_DIR": f"{folder}/d4rl",
            "HF_ENDPOINT": _NOWHERE,
            "http_proxy": _NOWHERE,
            "https_proxy": _NOWHERE,
        }
        tempfile.tempdir = None
        torch.set_num_threads(1)
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ |= kept
            tempfile.tempdir = None
