import attrs
import pytest

from tt_bench.methods.critic import CRITIC
from tt_bench.methods.method import model_folder, untrained
from tt_bench.methods.settings import CriticSettings, Recipe
from tt_bench.methods.table import METHODS
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run


def missing(experiment: Experiment, method: str, seed: int = 0) -> list[str]:
    context = experiment.context(Run(method, seed))
    return [network.name for network in untrained(context, METHODS[method])]


def test_methods_say_which_networks_are_not_trained(experiment: Experiment) -> None:
    assert missing(experiment, "bc") == []
    assert missing(experiment, "iql") == ["critic"]
    assert missing(experiment, "tt") == ["transformer"]
    assert missing(experiment, "tt+q") == ["transformer", "critic"]


def test_a_network_that_is_there_is_not_trained_again(experiment: Experiment) -> None:
    folder = model_folder(experiment.context(Run("iql", 1)), CRITIC)
    (folder / "checkpoint.safetensors").touch()
    assert missing(experiment, "iql", seed=1) == ["critic"]
    (folder / "critic.safetensors").touch()
    assert missing(experiment, "iql", seed=1) == []
    assert missing(experiment, "tt+q", seed=1) == ["transformer"]
    assert missing(experiment, "iql", seed=0) == ["critic"]


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
    rest = tuple(name for name in METHODS if CRITIC not in METHODS[name].networks)
    config = attrs.evolve(experiment.config, methods=rest)
    assert Experiment.of(experiment.dataset, recipe, config).recipe == recipe
