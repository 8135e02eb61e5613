import re
from pathlib import Path

import tt_model

README = Path(__file__).parents[2] / "packages" / "tt-model" / "README.md"


def test_the_table_lists_the_public_names() -> None:
    table = README.read_text().split("## What there is")[1].split("## Facts")[0]
    assert set(re.findall(r"`(\w+)", table)) >= set(tt_model.__all__)
