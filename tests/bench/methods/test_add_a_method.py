"""The page about adding a method is followed, in a copy of the package."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import tt_bench

PACKAGE = Path(tt_bench.__file__).parent
PAGE = PACKAGE.parents[1] / "docs" / "add-a-method.md"
RUN = [
    *("d4rl", "--dataset", "test/steps-v0", "--methods", "random", "mean"),
    *("--mean.scale", "0.5", "--seeds", "2", "--episodes", "2", "--max-steps", "3"),
]
MAIN = """
import sys
import gymnasium as gym
import numpy as np
import tt_bench

agent = tt_bench.FunctionAgent(
    lambda seen: np.ones((len(seen), 1), np.float32), np.full(1, -2), np.full(1, 2)
)
make_env = lambda: gym.make("Pendulum-v1", max_episode_steps=5)
episodes = tt_bench.collect(agent, make_env, transitions=10, seed=0, parallel=2)
notes = tt_bench.MinariNotes(env=gym.spec("Pendulum-v1"), reference=(-9.0, 0.0))
tt_bench.write_minari(episodes, "test/steps-v0", notes)
from tt_bench.cli import main

sys.exit(main(sys.argv[1:]))
"""


def test_the_steps_of_the_page_make_a_method(tmp_path: Path) -> None:
    copied = Path(shutil.copytree(PACKAGE, tmp_path / "tt_bench"))
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (file,) = [text for language, text in blocks if language == "python"]
    lines, command = [t.splitlines() for language, t in blocks if language == "text"]
    assert command[0].startswith("tt-bench d4rl")
    assert "--mean.scale" in command[0]
    (copied / "methods" / "mean.py").write_text(file)
    table = copied / "methods" / "table.py"
    before = table.read_text()
    anchor = '        "random": baselines.RANDOM,\n'
    after = before.replace(anchor, f"{anchor}        {lines[1]}\n")
    assert after != before
    first = "from tt_bench.methods import"
    table.write_text(after.replace(first, f"{lines[0]}\n{first}", 1))
    env = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "MINARI_DATASETS_PATH": str(tmp_path / "minari"),
    }
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *RUN],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "mean: the mean action of the data, 1 x" in done.stdout
    (path,) = tmp_path.glob(".tt/*/results/mean-seed0-*.json")
    result = json.loads(path.read_text())
    assert result["settings"]["mean"] == {"scale": 0.5}
    assert result["lengths"] == [3, 3]
