import attrs
import pytest

from tt_bench.methods.costs import critic_operations, token_operations
from tt_bench.methods.critic import CRITIC
from tt_bench.methods.method import Network, model_file
from tt_bench.methods.settings import ModelSettings, Recipe, TokenizerSettings
from tt_bench.methods.transformer import TRANSFORMER
from tt_bench.runs.estimate import estimate_seconds
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run
from tt_bench.speed.machine import matmul_peak


def seconds(
    experiment: Experiment,
    runs: list[Run],
    recipe: Recipe | None = None,
    peak: float = 1e11,
) -> float:
    changed = attrs.evolve(experiment, recipe=recipe or experiment.recipe)
    return estimate_seconds(changed, runs, peak=peak)


def train(experiment: Experiment, network: Network) -> None:
    model_file(experiment.learning(), network).parent.mkdir(parents=True)
    model_file(experiment.learning(), network).touch()


def test_operations_of_a_token_are_counted_by_hand() -> None:
    # one layer of width 2: 3*2*2 + 2*2 of attention, 2*2*8 of the perceptron,
    # and a head of 5 + 1 rows: 12 * 4 + 12 weights, two operations each
    recipe = Recipe(
        model=ModelSettings(layers=1, width=2), tokenizer=TokenizerSettings(bins=5)
    )
    assert token_operations(recipe) == 2 * (12 * 4 + 12)


def test_operations_of_the_second_network_are_counted_by_hand() -> None:
    # as above, a layer more that does not attend, 2 * 5 - 1 distances, and into and out
    # of the two sums of the inputs, which are 4 wide, from 8 features and to 2
    recipe = Recipe(
        model=ModelSettings(
            2, width=2, inputs="transition", outputs="relative", attending=1
        ),
        tokenizer=TokenizerSettings(bins=5),
    )
    layers, head, inputs = 12 * 4 + 8 * 4, (6 + 9) * 2, 2 * (8 * 4 + 4 * 2)
    assert token_operations(recipe) == 2 * (layers + head + inputs)


def test_an_update_of_the_critic_is_counted_by_hand() -> None:
    # weights of a Q: (3 + 2) x 8 + 8 x 8 + 8 x 1, of V: 3 x 8 + 8 x 8 + 8 x 1, of the
    # policy: 3 x 8 + 8 x 8 + 8 x 2; three passes of those that learn, one of targets
    learnt, evaluated = 2 * 112 + 96 + 104, 2 * 112 + 96
    assert critic_operations(3, 2, width=8, batch=4) == 2 * 4 * (3 * learnt + evaluated)


def test_a_network_that_runs_share_is_trained_once_and_a_missing_one_only(
    experiment: Experiment,
) -> None:
    runs = [Run("tt", 0), Run("tt+q", 0)]
    context = experiment.learning()
    both = seconds(experiment, runs)
    train(experiment, CRITIC)
    one = seconds(experiment, runs)
    train(experiment, TRANSFORMER)
    none = seconds(experiment, runs)
    assert both - one == pytest.approx(CRITIC.seconds(context, 1e11))
    assert one - none == pytest.approx(TRANSFORMER.seconds(context, 1e11))
    assert none > seconds(experiment, runs[:1]) > 1
    assert seconds(experiment, []) == 0


def test_more_steps_take_longer_in_proportion(experiment: Experiment) -> None:
    recipe, runs = experiment.recipe, [Run("tt", 0)]
    steps = recipe.training.steps

    def took(factor: int) -> float:
        training = attrs.evolve(recipe.training, steps=factor * steps)
        return seconds(experiment, runs, attrs.evolve(recipe, training=training))

    assert took(3) - took(2) == pytest.approx(took(2) - took(1))
    assert took(2) > took(1)


def test_plans_and_clones_take_time_too(experiment: Experiment) -> None:
    recipe = experiment.recipe
    train(experiment, TRANSFORMER)
    wide = attrs.evolve(recipe, planner=attrs.evolve(recipe.planner, beam=256))
    tt = [Run("tt", 0)]
    assert seconds(experiment, tt, wide) > seconds(experiment, tt)
    cloning = attrs.evolve(recipe.cloning, steps=1_000)
    bc = seconds(experiment, [Run("bc", 0)], attrs.evolve(recipe, cloning=cloning))
    assert bc == pytest.approx(1 + 2.5)
    assert seconds(experiment, [Run("random", 0)]) == 1


def test_no_machine_is_so_fast_that_a_critic_takes_no_time(
    experiment: Experiment,
) -> None:
    took = seconds(experiment, [Run("iql", 0)], peak=1e30)
    assert took == pytest.approx(1 + 2.5e-4 * experiment.recipe.critic.steps)


def test_the_peak_of_this_machine_is_positive() -> None:
    assert matmul_peak("cpu", 512) == pytest.approx(1e11, rel=0.999)
