import re
from pathlib import Path
from typing import Any

import pytest

import tt_critic

README = Path(__file__).parents[2] / "packages" / "tt-critic" / "README.md"
NUMBER = r"-?\d+\.\d+"


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(NUMBER, text)]


def test_readme_examples_print_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
        printed = capsys.readouterr().out
        shown = "".join(re.findall(r"^# (.*\n)", block, re.MULTILINE))
        assert re.sub(NUMBER, "", printed).split() == re.sub(NUMBER, "", shown).split()
        assert numbers(printed) == pytest.approx(numbers(shown), abs=0.1)
    assert len(blocks) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["critic.safetensors"]


def test_readme_names_all_that_is_public() -> None:
    table = README.read_text().split("## What there is")[1].split("## Facts")[0]
    assert set(tt_critic.__all__) <= set(re.findall(r"\w+", table))
