"""Which recipe a dataset's name asks for."""

import attrs
import pytest

from tt_bench.methods.cql import CQLSettings
from tt_bench.methods.decision_network import DecisionSettings
from tt_bench.methods.decision_transformer import AskedSettings
from tt_bench.methods.rebrac import ReBRACSettings
from tt_bench.methods.recipes import recipe_for
from tt_bench.methods.td3_bc import TD3BCSettings

SMALL = recipe_for("my/data-v0")


@pytest.mark.parametrize(
    "name",
    [
        "mujoco/hopper/medium-v0",
        "mujoco/ant/expert-v0",
        "mine/walker2d-v1",
        "Hopper.h5",
    ],
)
def test_locomotion_is_known_by_the_word_for_its_body(name: str) -> None:
    recipe = recipe_for(name)
    assert recipe.termination_reward == -100.0
    assert recipe.critic.rewards == "spread"
    assert recipe.model.layers == 4


@pytest.mark.parametrize(
    "name",
    [
        "/home/grant/pendulum.hdf5",
        "/data/ant/pendulum.hdf5",
        "/data/hopper/pendulum.hdf5",
        "/home/x/antmaze/pendulum.hdf5",
        "pointmaze-sparse/pendulum.hdf5",
        "mujoco/reacher/medium-v0",
        "mujoco/invertedpendulum/medium-v0",
        "elegant/data-v0",
    ],
)
def test_folders_and_parts_of_words_choose_no_recipe(name: str) -> None:
    assert recipe_for(name) == SMALL


def test_mazes_are_known_by_their_names() -> None:
    ant = recipe_for("D4RL/antmaze/umaze-v1")
    assert recipe_for("tt/antmaze/umaze-v0") == ant  # data from earlier versions
    assert ant.critic.rewards == "minus-one"
    dense, sparse = (
        recipe_for(f"tt/pointmaze/umaze{kind}-v0") for kind in ("", "-sparse")
    )
    assert recipe_for("D4RL/pointmaze/large-v2") == dense
    assert sparse.critic.temperature > dense.critic.temperature
    assert recipe_for("x/my-antmaze-run.hdf5") == ant


@pytest.mark.parametrize("name", ["umaze-v1", "medium-play-v0", "large-diverse-v0"])
def test_data_of_d4rls_ant_get_the_published_critic(name: str) -> None:
    recipe = recipe_for(f"tt/antmaze/{name}")
    paper = recipe_for("antmaze-large-play-v2")
    assert recipe.critic == attrs.evolve(paper.critic, tanh=True)
    assert recipe.critic.steps == 1_000_000
    assert (recipe.chunk, recipe.executed, recipe.discount) == (1, 1, 0.99)
    assert recipe_for(f"tt/antmaze/{name}", small=True) == recipe


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("hopper-medium-replay-v2", 3_600.0),
        ("walker2d-medium-v2", 5_000.0),
        ("halfcheetah-medium-v2", 6_000.0),
        ("halfcheetah-medium-expert-v2", 12_000.0),
        ("ant-medium-v2", None),
        ("mine/hopper-medium-expert.hdf5", None),  # other data: the best of them
    ],
)
def test_decision_transformers_are_asked_what_is_published(
    name: str, asked: float | None
) -> None:
    full, small = recipe_for(name), recipe_for(name, small=True)
    assert full.part(AskedSettings).target == asked
    assert small.part(AskedSettings).target == asked
    assert full.part(DecisionSettings) == DecisionSettings(scale=1_000.0)
    assert small.part(DecisionSettings).width == 64
    assert small.part(DecisionSettings).scale == 1_000.0


def test_rebracs_penalties_are_those_published_for_the_set() -> None:
    def penalties(name: str, *, small: bool = False) -> tuple[float, float]:
        found = recipe_for(name, small=small).part(ReBRACSettings)
        return found.actor_penalty, found.critic_penalty

    assert penalties("hopper-medium-replay-v2") == (0.05, 0.5)
    assert penalties("mine/hopper-medium-expert.hdf5", small=True) == (0.1, 0.01)
    assert penalties("mine/hopper-mixed.hdf5") == (0.01, 0.01)
    maze = recipe_for("antmaze-large-play-v2").part(ReBRACSettings)
    assert (maze.actor_penalty, maze.critic_penalty) == (0.002, 0.001)
    assert (maze.scale, maze.batch, maze.critic_rate) == (100.0, 256, 5e-5)
    assert recipe_for("walker2d-medium-v2", small=True).part(ReBRACSettings) == (
        ReBRACSettings(40_000, 256, actor_penalty=0.05, critic_penalty=0.1)
    )


def test_actors_that_stay_near_the_data_learn_as_long_as_published() -> None:
    def steps(name: str, *, small: bool = False) -> int:
        found: int = recipe_for(name, small=small).part(TD3BCSettings).steps
        return found

    assert steps("hopper-medium-v2") == steps("door-human-v1") == 1_000_000
    assert (
        steps("hopper-medium-v2", small=True) == steps("hopper-mixed.hdf5") == 100_000
    )


def test_conservative_q_learning_has_the_settings_of_published_runs() -> None:
    bodies = recipe_for("hopper-medium-v2").part(CQLSettings)
    mazes = recipe_for("antmaze-umaze-v2").part(CQLSettings)
    assert (bodies.weight, bodies.gap, bodies.layers, bodies.best_of) == (
        *(10.0, None, 3, False),
    )
    assert (mazes.weight, mazes.gap, mazes.layers, mazes.best_of) == (5.0, 0.8, 5, True)
    assert (mazes.scale, mazes.shift, mazes.least) == (10.0, -5.0, -200.0)
    assert recipe_for("hopper-mixed.hdf5", small=True).part(CQLSettings).actions == 4
