"""The command `show`: play one episode with a trained model and draw its plans."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import gymnasium
import tyro
from attrs.validators import ge
from rich.console import Console

from tt_bench._commands import D4rl, configure
from tt_bench._experiment import Experiment, episode_seeds
from tt_bench._interface import Track
from tt_bench._load import load_dataset
from tt_bench._method import Context
from tt_bench._methods import METHODS, untrained
from tt_bench._progress import say, shown_on, silent
from tt_bench._rollout import Rollout, play
from tt_bench._rollout_picture import choose_numbers, draw_rollout
from tt_bench._run_config import Run
from tt_bench._threads import choose_threads
from tt_bench._video import choose_renderer, follow, recorded


@attrs.frozen
class Show:
    """Play one episode with the model of seed 0 and draw what it planned.

    Writes rollout.png, and with --video rollout.mp4, into the folder of the results.
    Give the options that `d4rl` was given: they find the model.

    Attributes:
        method: Which method plans.
        video: Record a video; needs `pip install tt-bench[video]`.
        numbers: Indices of the observation numbers to draw; by default those worth
            seeing where the environment is known, else the first.
        moments: Plans to draw at most, evenly apart in time.
        run: Options of `d4rl`; of --methods, --seeds and --episodes nothing is used.
    """

    method: Literal["tt", "tt+q"] = "tt"
    video: bool = False
    numbers: tuple[int, ...] | None = None
    moments: int = attrs.field(default=12, validator=ge(1))
    run: Annotated[D4rl, tyro.conf.arg(name="")] = attrs.field(factory=D4rl)


def run_show(options: Show, console: Console) -> None:
    """Play, draw and say where the files are."""
    recipe, config = configure(options.run)
    dataset = load_dataset(options.run.dataset, env=options.run.env)
    experiment = Experiment.of(dataset, recipe, config)
    context = experiment.context(Run(options.method, 0), silent)
    _check_trained(context, options)
    size = dataset.episodes.observations.shape[1]
    numbers = choose_numbers(dataset.env_id, size, options.numbers)
    if options.run.threads is None:
        choose_threads()
    rollout = _play(context, options, shown_on(console))
    path = context.store.folder / "rollout.png"
    title = f"{dataset.name}, {options.method}: {_outcome(rollout)}"
    draw_rollout(rollout, numbers, path, title=title, moments=options.moments)
    for written in (path, *([_video_path(context)] if options.video else ())):
        say(console, str(written))


def _check_trained(context: Context, options: Show) -> None:
    missing = untrained(context, options.method)
    if missing:
        raise ValueError(
            f"expected a trained {' and '.join(missing)} of seed 0 with these settings "
            f"in {context.store.folder}, found none; train with `python -m tt_bench "
            f"d4rl --dataset {options.run.dataset} --methods {options.method}` and the "
            "same settings"
        )


def _play(context: Context, options: Show, track: Track) -> Rollout:
    """Play the first episode of the runs with seed 0, recording it if asked to."""
    agent: Any = METHODS[options.method].prepare(context).agent
    steps = context.task.steps
    env = _make_env(context, options.video)
    try:
        with (
            _camera(env, context, options.video) as shoot,
            track(f"{options.method} seed 0, an episode", steps) as advance,
        ):

            def on_step(step: int) -> None:
                shoot()
                advance(step, "")

            seed = episode_seeds(0, 1)[0]
            return play(agent, env, seed=seed, steps=steps, on_step=on_step)
    finally:
        env.close()


def _make_env(context: Context, video: bool) -> gymnasium.Env[Any, Any]:
    if not video:
        return context.dataset.make_env()
    choose_renderer()
    env = context.dataset.make_env(render_mode="rgb_array")
    follow(env)
    return env


@contextmanager
def _camera(
    env: gymnasium.Env[Any, Any], context: Context, video: bool
) -> Iterator[Callable[[], None]]:
    if not video:
        yield lambda: None
        return
    with recorded(env, _video_path(context)) as shoot:
        yield shoot


def _video_path(context: Context) -> Path:
    return context.store.folder / "rollout.mp4"


def _outcome(rollout: Rollout) -> str:
    earned = float(rollout.rewards.sum())
    return f"return {earned:.4g} in {len(rollout.rewards)} steps"
