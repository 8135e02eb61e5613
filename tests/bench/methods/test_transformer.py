import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from tt_bench.data.episodes import Episodes
from tt_bench.methods.critic import reward_units
from tt_bench.methods.notes import read_notes
from tt_bench.methods.recipes import recipe_for
from tt_bench.methods.settings import (
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from tt_bench.methods.tokens import fit_bins, split
from tt_bench.methods.transformer import train_transformer
from tt_bench.methods.transformer_config import model_config, train_config
from tt_model.training.optimizer import Schedule, learning_rate
from tt_tokenize import Layout

TINY = Recipe(
    tokenizer=TokenizerSettings(bins=9),
    model=ModelSettings(layers=1, heads=1, width=8),
    training=TrainingSettings(steps=3, batch=4, transitions=3, action_weight=7.0),
)
LONGER = attrs.evolve(TINY, training=attrs.evolve(TINY.training, steps=7))
EARLIER = Path(__file__).parents[1] / "runs" / "earlier"


def episodes(count: int = 4, length: int = 5) -> Episodes:
    draws = np.random.default_rng(0)
    size = count * length
    return Episodes(
        observations=draws.normal(size=(size, 3)),
        actions=draws.normal(size=(size, 2)),
        rewards=np.ones(size),
        ends=np.arange(1, count + 1) * length,
        terminated=np.arange(count) % 2 == 0,
        final_observations=draws.normal(size=(count, 3)),
    )


def test_values_are_discounted_with_the_recipe_and_ends_cost_what_it_says() -> None:
    recipe = attrs.evolve(TINY, discount=0.5, termination_reward=-100.0)
    bins, layout, data = fit_bins(episodes(2, 3), recipe)
    decoded = bins.decode(data.tokens)
    # the first episode terminates: rewards 1, 1, -100; the second is cut: 1, 1, 1
    np.testing.assert_allclose(
        decoded[:, layout.reward_slice.start], [1, 1, -100, 1, 1, 1]
    )
    np.testing.assert_allclose(
        decoded[:, layout.value_slice.start], [-49, -100, 0, 1.5, 1, 0]
    )


def test_every_twentieth_episode_is_held_out() -> None:
    _, _, data = fit_bins(episodes(count=41), TINY)
    fitted, held_out = split(data)
    assert held_out is not None
    assert len(fitted.ends) == 39
    np.testing.assert_array_equal(held_out.ends, [5, 10])
    np.testing.assert_array_equal(held_out.tokens[:5], data.tokens[95:100])
    np.testing.assert_array_equal(held_out.tokens[5:], data.tokens[195:200])
    np.testing.assert_array_equal(held_out.terminated, data.terminated[[19, 39]])
    assert len(fitted.tokens) + len(held_out.tokens) == len(data.tokens)


def test_few_episodes_are_all_trained_on() -> None:
    _, _, data = fit_bins(episodes(), TINY)
    assert split(data) == (data, None)


def test_actions_weigh_more_and_the_window_is_the_training_sequence() -> None:
    bins, layout, _ = fit_bins(episodes(), TINY)
    settings = train_config(TINY, layout, windows=20, seed=0)
    assert settings.loss_weights == (1, 1, 1, 7, 7, 1, 1)
    config = model_config(TINY, layout, bins)
    assert (config.vocabulary, config.transition, config.window) == (9, 7, 3)


def test_the_settings_of_the_second_network_reach_it() -> None:
    bins, layout, _ = fit_bins(episodes(), TINY)
    chosen: dict[str, Any] = {
        "inputs": "transition",
        "outputs": "relative",
        "per_position": True,
    }
    model = attrs.evolve(TINY.model, **chosen, layers=2, attending=1)
    config = model_config(attrs.evolve(TINY, model=model), layout, bins)
    assert {name: getattr(config, name) for name in chosen} == chosen
    assert config.attending_layers == 1


def schedule(recipe: Recipe, transitions: int) -> Schedule:
    """Return the schedule of training on so many transitions of Hopper."""
    config = train_config(recipe, Layout(11, 3), windows=transitions, seed=0)
    return config.schedule(transitions)


def test_the_papers_schedule_ends_after_twenty_passes_over_the_data() -> None:
    recipe = recipe_for("hopper-medium-replay-v2")
    assert recipe.training.steps == 312_500  # 80 million sequences, 256 a step
    # a pass over 400,598 transitions takes 1,564.8 steps, twenty take 31,296.7
    made = schedule(recipe, 400_598)
    assert made == Schedule(6e-4, 1_565, 31_297, 0.1)
    assert learning_rate(1_564, made) == 6e-4
    assert learning_rate(31_297, made) == pytest.approx(6e-5)
    assert learning_rate(312_499, made) == learning_rate(31_297, made)


def test_shorter_training_ends_with_its_cosine() -> None:
    recipe = recipe_for("hopper-medium-replay-v2")
    short = attrs.evolve(recipe, training=attrs.evolve(recipe.training, steps=31_297))
    assert schedule(short, 400_598) == Schedule(6e-4, 1_565, 31_297, 0.1)
    short = attrs.evolve(recipe, training=attrs.evolve(recipe.training, steps=5_000))
    assert schedule(short, 400_598) == Schedule(6e-4, 500, 5_000, 0.1)
    small = recipe_for("hopper-medium-replay-v2", small=True)
    assert schedule(small, 400_598) == Schedule(4e-3, 1_200, 12_000, 0.0)


def test_the_end_of_the_cosine_can_be_set() -> None:
    training = attrs.evolve(TINY.training, steps=100, decay=2.5)
    # 40 transitions, 4 a step: a pass takes 10 steps
    assert schedule(attrs.evolve(TINY, training=training), 40).decay_steps == 25
    to_zero = attrs.evolve(TINY.training, learning_rate=1e-3, final_fraction=0.0)
    made = schedule(attrs.evolve(TINY, training=to_zero), 40)
    assert learning_rate(made.decay_steps, made) == pytest.approx(0.0, abs=1e-12)


def test_a_trained_model_is_found_again(tmp_path: Path) -> None:
    first = train_transformer(episodes(), TINY, tmp_path, seed=0, device="cpu")
    again = train_transformer(episodes(), TINY, tmp_path, seed=0, device="cpu")
    assert first.seconds == again.seconds
    assert (again.steps, again.layout) == (3, first.layout)
    np.testing.assert_array_equal(first.bins.middles, again.bins.middles)
    for one, other in zip(
        first.model.parameters(), again.model.parameters(), strict=True
    ):
        np.testing.assert_array_equal(one.detach(), other.detach())
    assert not (tmp_path / "checkpoint.safetensors").exists()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("plain", (1, 0)), ("minus-one", (1, -1)), ("spread", (250, 0))],
)
def test_the_critic_learns_in_the_units_of_its_recipe(
    kind: str, expected: tuple[float, float]
) -> None:
    data = episodes(2, 4)
    rewards = np.array([0, 0, 0, 1, 1, 1, 1, 2])  # returns 1 and 5
    units = reward_units(attrs.evolve(data, rewards=rewards), kind)
    assert units == pytest.approx(expected)


def test_a_training_tells_its_losses_and_what_they_took(tmp_path: Path) -> None:
    count: dict[str, Any] = {"seed": 0, "device": "cpu", "records": 2}
    trained = train_transformer(episodes(count=20), LONGER, tmp_path, **count)
    assert [losses.step for losses in trained.losses] == [3, 6, 7]
    spent = [losses.cpu_seconds for losses in trained.losses]
    assert 0.0 < spent[0] < spent[1] < spent[2]
    for losses in trained.losses:
        assert set(losses.held_out) == {"observation", "action", "reward", "value"}
        assert all(loss is not None and loss > 0 for loss in losses.held_out.values())
    again = train_transformer(episodes(count=20), LONGER, tmp_path, **count)
    assert again.losses == trained.losses


def test_notes_that_do_not_say_their_processor_time_are_read() -> None:
    (earlier, _) = sorted(EARLIER.glob("steps/transformer-*/training.json"))
    notes = read_notes(earlier)
    assert len(notes.losses) == len(json.loads(earlier.read_text())["losses"]) > 0
    assert {losses.cpu_seconds for losses in notes.losses} == {0.0}
