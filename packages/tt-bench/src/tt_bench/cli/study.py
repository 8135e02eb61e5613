"""The command `study`: a question asked of trained models, its picture and numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import attrs
import tyro
from attrs.validators import ge
from rich.console import Console

from tt_bench.cli.compare import (
    DEFAULT_DATASET,
    D4rl,
    check_single,
    configure,
    load_options,
)
from tt_bench.cli.datasets import load_shown
from tt_bench.cli.progress import say, shown_on
from tt_bench.files import read_json, write_json
from tt_bench.interface import Notify
from tt_bench.methods import (
    TRANSFORMER,
    Context,
    EnsembleSettings,
    Recipe,
    find_critic,
    run_settings,
)
from tt_bench.runs import Experiment, Run, choose_threads, run_all, within_budget
from tt_bench.studies import (
    Agreement,
    AttentionSettings,
    GoalSettings,
    HorizonSettings,
    by_likelihood,
    check_values,
    compare_imitators,
    draw_attention,
    draw_goals,
    draw_horizon,
    draw_imitation,
    draw_plans,
    error_ratios,
    imitating,
    study_attention,
    study_goals,
    study_horizon,
)
from tt_bench.tasks import open_maze


@attrs.frozen
class Study:
    """Ask something of trained models: writes a picture and its numbers as JSON.

    What is not trained yet is trained first; what was found before is found again.
    After Ctrl-C the same command continues. Files are in `studies` beside the results.

    Attributes:
        name: horizon: how wrong models are, the further they imagine; attention: where
            the transformer looks; imitation: what doing the likeliest thing earns;
            mazes: what a critic and plans are like in a maze; goals: how often the
            likeliest thing to do on the way to a goal leads there.
        starts: Of horizon: places in held-out episodes.
        particles: Of horizon: imagined from each place; their mean is the prediction.
        steps_ahead: Of horizon: how far.
        masked: Of horizon: hide half of each episode's numbers from all models.
        sequences: Of attention: held-out sequences that are averaged over.
        pairs: Of goals: starts and goals that are tried, which were never seen
            together.
        run: Options of `d4rl` but for suites; of --methods nothing is used. Without
            --dataset each study takes one that is made here and that suits it.
    """

    name: Annotated[
        Literal["horizon", "attention", "imitation", "goals", "mazes"],
        tyro.conf.Positional,
    ] = "horizon"
    starts: int = attrs.field(default=64, validator=ge(1))
    particles: int = attrs.field(default=16, validator=ge(1))
    steps_ahead: int = attrs.field(default=100, validator=ge(1))
    masked: bool = False
    sequences: int = attrs.field(default=256, validator=ge(1))
    pairs: int = attrs.field(default=50, validator=ge(1))
    run: Annotated[D4rl, tyro.conf.arg(name="")] = attrs.field(factory=D4rl)


def run_study(options: Study, console: Console) -> None:
    """Ask, draw, and say where the files are."""
    experiment = _open(options, notify := shown_on(console))
    found, path = _STUDIES[options.name].ask(options, experiment, notify)
    write_json(path.with_suffix(".json"), found)
    for name, value in found.items():
        if name in _SHOWN:
            say(console, f"{name}: {_short(value)}")
    for written in (path, path.with_suffix(".json")):
        say(console, str(written))


def _open(options: Study, notify: Notify) -> Experiment:
    """Load the data, and settle settings, threads and steps."""
    run = options.run
    check_single(run)
    dataset = load_shown(notify, run.dataset, **load_options(run))
    recipe, config = configure(run)
    if run.threads is None:
        choose_threads()
    kind = _STUDIES[options.name]
    if kind.adapt is not None:
        recipe = kind.adapt(recipe)
    config = attrs.evolve(config, methods=kind.methods)
    experiment = Experiment.of(dataset, recipe, config)
    if run.budget is None:
        return experiment
    return within_budget(experiment, run.budget, notify)


def _short(value: Any) -> Any:
    """Round all numbers in what a study found to four digits."""
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_short(one) for one in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


_SHOWN = (
    *("ratios", "markovian", "smoothing", "behaviour", "relative"),
    *("agreement", "returns", "success"),
)
_Found = tuple[dict[str, Any], Path]


def _horizon(options: Study, experiment: Experiment, notify: Notify) -> _Found:
    settings = HorizonSettings(
        starts=options.starts,
        particles=options.particles,
        steps=options.steps_ahead,
        masked=options.masked,
    )
    each = _each_seed(
        options, experiment, notify, settings, lambda c: study_horizon(c, settings)
    )
    path = _path(experiment, f"horizon{'-masked' if settings.masked else ''}")
    title = f"{experiment.dataset.name}{', half masked' if settings.masked else ''}"
    draw_horizon(each, path, title=title)
    return {"ratios": error_ratios(each), "seeds": each}, path


def _attention(options: Study, experiment: Experiment, notify: Notify) -> _Found:
    settings = AttentionSettings(options.sequences)
    each = _each_seed(
        options, experiment, notify, settings, lambda c: study_attention(c, settings)
    )
    path = _path(experiment, "attention")
    draw_attention(each[0], path, title=experiment.dataset.name)
    two = {name: [one[name] for one in each] for name in ("markovian", "smoothing")}
    return {**two, "seeds": each}, path


def _imitation(_: Study, experiment: Experiment, notify: Notify) -> _Found:
    results = run_all(experiment, notify)
    found = compare_imitators(results, experiment.dataset.episodes)
    path = _path(experiment, "imitation")
    draw_imitation(found, path, title=experiment.dataset.name)
    return found, path


def _goals(options: Study, experiment: Experiment, notify: Notify) -> _Found:
    settings = GoalSettings(pairs=options.pairs)
    each = _each_seed(
        options, experiment, notify, settings, lambda c: study_goals(c, settings)
    )
    path, dataset = _path(experiment, "goals"), experiment.dataset
    maze, _ = open_maze(dataset.make_env, 0)
    assert maze is not None
    draw_goals(each, maze, path, title=dataset.name)
    success = {name: [one[name]["success"] for one in each] for name in each[0]}
    return {"success": success, "seeds": each}, path


def _mazes(_: Study, experiment: Experiment, notify: Notify) -> _Found:
    """Draw the plans of the first seed, and check every seed's critic."""
    path, first = _path(experiment, "mazes"), experiment.config.first_seed
    iql, tt, tt_and_q = (
        experiment.context(Run(name, first), notify) for name in ("iql", "tt", "tt+q")
    )
    returns = draw_plans(iql, tt, tt_and_q, path)
    checked = [_agreement(one) for one in _contexts(experiment, "iql", notify)]
    agreed = [attrs.asdict(one) for one in checked if one]
    names = agreed[0] if agreed else ()
    agreement = {name: [one[name] for one in agreed] for name in names}
    return {"agreement": agreement, "returns": returns}, path


def _agreement(context: Context) -> Agreement | None:
    find_critic(context)
    return check_values(context)


class _Kind(NamedTuple):
    """What sets a study apart from the others."""

    ask: Callable[[Study, Experiment, Notify], _Found]
    dataset: str = DEFAULT_DATASET
    methods: tuple[str, ...] = ("tt",)
    adapt: Callable[[Recipe], Recipe] | None = None
    parts: tuple[str, ...] = ()  # of the recipe, besides what all need
    version: int = 1  # raised where it comes to ask otherwise: older answers are lost


_STUDIES = {
    "horizon": _Kind(_horizon, version=2),
    "attention": _Kind(_attention),
    "imitation": _Kind(_imitation, methods=("bc", "tt"), adapt=imitating),
    "goals": _Kind(
        _goals,
        dataset="tt/fourrooms/wander-v0",
        adapt=by_likelihood,
        parts=("cloning", "planner"),
    ),
    "mazes": _Kind(
        _mazes,
        dataset="tt/pointmaze/umaze-sparse-v0",
        methods=("iql", "tt", "tt+q"),
    ),
}


def usual_dataset(study: str) -> str:
    """Return the dataset of a study that is told none."""
    return _STUDIES[study].dataset if study in _STUDIES else DEFAULT_DATASET


def _each_seed(
    options: Study,
    experiment: Experiment,
    notify: Notify,
    settings: Any,
    ask: Callable[[Context], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Ask the models of every seed, or find what they answered before."""
    found, kind = [], _STUDIES[options.name]
    asked = attrs.asdict(settings)
    if kind.version > 1:  # so that the first ones are found without
        asked["version"] = kind.version
    parts = (*TRANSFORMER.parts, EnsembleSettings, *kind.parts)
    for context in _contexts(experiment, "tt", notify):
        known = {**run_settings(context, parts), "study": asked}
        path = experiment.store.study_path(options.name, known)
        if not path.exists():
            write_json(path, ask(context))
        found.append(read_json(path))
    return found


def _contexts(experiment: Experiment, method: str, notify: Notify) -> list[Context]:
    first, count = experiment.config.first_seed, experiment.config.seeds
    seeds = range(first, first + count)
    return [experiment.context(Run(method, seed), notify) for seed in seeds]


def _path(experiment: Experiment, name: str) -> Path:
    return experiment.store.folder / "studies" / f"{name}.png"
