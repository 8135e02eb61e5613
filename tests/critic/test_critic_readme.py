import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "packages" / "tt-critic" / "README.md"


def test_readme_example_shows_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(example, str(README), "exec"), names)
    left, right = names["critic"].q([[0.8], [0.8]], [[-1.0], [1.0]])
    assert left > right, "pushing towards 0 is worth more"
    push = names["critic"].act([[0.8], [-0.8]])
    assert push[0] < 0 < push[1], "the policy pushes towards 0"
    assert len(capsys.readouterr().out.splitlines()) == 3  # [2] and [2, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["critic.safetensors"]
