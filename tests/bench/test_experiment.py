from tt_bench._experiment import Experiment
from tt_bench._methods import critic_folder
from tt_bench._progress import silent
from tt_bench._run_config import Run


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
