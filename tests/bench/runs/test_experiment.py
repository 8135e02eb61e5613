import attrs
import pytest

from tt_bench.cli.progress import silent
from tt_bench.methods.settings import CriticSettings, Recipe
from tt_bench.methods.table import METHODS, critic_folder
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run


def test_a_model_that_several_runs_need_is_trained_once(experiment: Experiment) -> None:
    runs = [Run(method, 0) for method in ("bc", "iql", "tt", "tt-uniform", "tt+q")]
    found = experiment.untrained(runs)
    assert found == ["critic", "transformer", "transformer"]
    assert experiment.untrained([Run("tt", 0), Run("tt", 1)]) == (["transformer"] * 2)


def test_a_model_that_is_there_is_not_trained_again(experiment: Experiment) -> None:
    runs = [Run("iql", 0), Run("iql", 1)]
    folder = critic_folder(experiment.context(runs[1], silent))
    (folder / "checkpoint.safetensors").touch()
    assert experiment.untrained(runs) == ["critic", "critic"]
    (folder / "critic.safetensors").touch()
    assert experiment.untrained(runs) == ["critic"]


@pytest.mark.parametrize("method", ["iql", "tt+q"])
@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Recipe(discount=1.0), "'discount' must be < 1.0"),
        (Recipe(critic=CriticSettings(rewards="spread")), "returns must differ"),
    ],
)
def test_what_a_critic_refuses_is_refused_before_anything_is_trained(
    experiment: Experiment, method: str, recipe: Recipe, message: str
) -> None:
    config = attrs.evolve(experiment.config, methods=("bc", method))
    with pytest.raises(ValueError, match=message):
        Experiment.of(experiment.dataset, recipe, config)
    rest = tuple(name for name in METHODS if "critic" not in METHODS[name].parts)
    config = attrs.evolve(experiment.config, methods=rest)
    assert Experiment.of(experiment.dataset, recipe, config).recipe == recipe
