"""Packages that may not import each other keep copies, which must be one text."""

import re
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent.parent / "packages"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("tt-model/src/tt_model/_files.py", "tt-critic/src/tt_critic/_files.py"),
        (
            "tt-model/src/tt_model/training/interrupt.py",
            "tt-critic/src/tt_critic/_interrupt.py",
        ),
        ("tt-model/src/tt_model/_device.py", "tt-critic/src/tt_critic/_device.py"),
        (
            "tt-tokenize/src/tt_tokenize/_arrays.py",
            "tt-bench/src/tt_bench/files/arrays.py",
        ),
    ],
)
def test_copies_are_one_text(ours: str, theirs: str) -> None:
    text = (PACKAGES / ours).read_text("utf-8")
    assert text == (PACKAGES / theirs).read_text("utf-8")
    assert not re.search("tt_(model|critic|tokenize|bench)", text)
