import re
from pathlib import Path

import pytest


def test_readme_example_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    readme = Path(__file__).parents[2] / "packages" / "tt-plan" / "README.md"
    example = re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL)[0]
    exec(compile(example, str(readme), "exec"), {})
    assert f"# {capsys.readouterr().out}" == example.splitlines(True)[-1]
