"""The command `show`: play one episode with a trained model and draw its plans."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import attrs
import gymnasium
import tyro
from attrs.validators import ge, in_
from rich.console import Console

from tt_bench.cli.compare import D4rl, check_single, configure, load_options
from tt_bench.cli.progress import say, shown_on
from tt_bench.data import load_dataset
from tt_bench.evaluation import Rollout, episode_seeds, record
from tt_bench.interface import Notify, working
from tt_bench.methods import METHODS, Context, run_settings, untrained
from tt_bench.report import (
    choose_numbers,
    choose_renderer,
    draw_rollout,
    follow,
    recorded,
)
from tt_bench.runs import Experiment, Run, choose_threads, fit_budget, is_noted

_PLANNING = tuple(name for name in METHODS if "planner" in METHODS[name].needs)


@attrs.frozen
class Show:
    """Play one episode with a trained model and draw what it planned.

    It is the first episode of the run with --first-seed. Writes a picture, and with
    --video a video, into `rollouts` beside the results. Give the options that `d4rl`
    was given: they find the model.

    Attributes:
        method: Which method plans: tt, tt-uniform or tt+q.
        video: Record a video; needs `pip install tt-bench[video]`.
        numbers: Indices of the observation numbers to draw; by default those worth
            seeing where the environment is known, else the first.
        moments: Plans to draw at most, evenly apart in time.
        run: Options of `d4rl` but for suites; of --methods, --seeds and --episodes
            nothing is used, and --first-seed says whose model it is.
    """

    method: str = attrs.field(default="tt", validator=in_(_PLANNING))
    video: bool = False
    numbers: tuple[int, ...] | None = None
    moments: int = attrs.field(default=12, validator=ge(1))
    run: Annotated[D4rl, tyro.conf.arg(name="")] = attrs.field(factory=D4rl)


def run_show(options: Show, console: Console) -> None:
    """Play, draw and say where the files are."""
    context = _open(options)
    context.store.tidy()
    dataset = context.dataset
    size = dataset.episodes.observations.shape[1]
    numbers = choose_numbers(dataset.env_id, size, options.numbers)
    if options.run.threads is None:
        choose_threads()
    rollout = _play(context, options, shown_on(console))
    path = _picture_path(context, options)
    title = f"{dataset.name}, {options.method}: {_outcome(rollout)}"
    draw_rollout(rollout, numbers, path, title=title, moments=options.moments)
    for written in (path, *([_video_path(path)] if options.video else ())):
        say(console, str(written))


def _open(options: Show) -> Context:
    """Find the trained model, whose steps are those of the budget if one is given."""
    check_single(options.run)
    recipe, config = configure(options.run)
    dataset = load_dataset(options.run.dataset, **load_options(options.run))
    config = attrs.evolve(config, methods=(options.method,))
    experiment = Experiment.of(dataset, recipe, config)
    budget = options.run.budget
    if budget is not None:
        if not is_noted(experiment, budget):
            wanted = f"a budget of {budget:g} min whose steps are known"
            raise _missing(wanted, experiment, options)
        recipe = fit_budget(experiment, budget)
        experiment = attrs.evolve(experiment, recipe=recipe)
    context = experiment.context(Run(options.method, config.first_seed))
    missing = [net.name for net in untrained(context, METHODS[options.method])]
    if missing:
        wanted = f"a trained {' and '.join(missing)} of seed {context.seed}"
        raise _missing(wanted, experiment, options)
    return context


def _missing(wanted: str, experiment: Experiment, options: Show) -> ValueError:
    return ValueError(
        f"expected {wanted} with these settings in {experiment.store.folder}, found "
        f"none; train with `tt-bench d4rl --dataset {options.run.dataset} "
        f"--methods {options.method}` and the same settings"
    )


def _play(context: Context, options: Show, notify: Notify) -> Rollout:
    """Play the first episode of the run of a seed, recording it if asked to."""
    agent: Any = METHODS[options.method].prepare(context).agent
    steps, seed = context.task.steps, context.seed
    name = f"{options.method} seed {seed}, an episode"
    env = _make_env(context, options.video)
    try:
        with (
            _camera(env, context, options) as shoot,
            working(notify, name, steps) as advance,
        ):

            def on_step(step: int) -> None:
                shoot()
                advance(step, "")

            first = episode_seeds(seed, 1)[0]
            return record(agent, env, seed=first, steps=steps, on_step=on_step)
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
    env: gymnasium.Env[Any, Any], context: Context, options: Show
) -> Iterator[Callable[[], None]]:
    if not options.video:
        yield lambda: None
        return
    with recorded(env, _video_path(_picture_path(context, options))) as shoot:
        yield shoot


def _picture_path(context: Context, options: Show) -> Path:
    """Name the picture by all that the episode depends on."""
    settings = run_settings(context, METHODS[options.method].needs)
    evaluation = {
        "environment": context.dataset.env_id,
        "max_steps": options.run.max_steps,
    }
    return context.store.rollout_path(options.method, settings | evaluation)


def _video_path(picture: Path) -> Path:
    return picture.with_suffix(".mp4")


def _outcome(rollout: Rollout) -> str:
    earned = float(rollout.rewards.sum())
    return f"return {earned:.4g} in {len(rollout.rewards)} steps"
