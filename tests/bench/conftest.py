import pytest
from matplotlib.figure import Figure

from tt_bench import _maze_picture, _rollout_picture


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Collect the figures that are drawn, in place of writing them."""
    figures: list[Figure] = []
    for module in (_maze_picture, _rollout_picture):
        monkeypatch.setattr(module, "save_figure", lambda made, _: figures.append(made))
    return figures
