"""Laws of tt_bench: settings, episodes, agents, results."""

import io
import math
from typing import Any

import numpy as np
from rich.console import Console

import tt_bench
from torture import tiny
from torture.arrays import array, flags, near
from torture.laws.law import Law
from torture.values import (
    Parameter,
    choice,
    just,
    maybe,
    options,
    paths,
    real,
    small,
    texts,
    whole,
)
from tt_bench import (
    CloningConfig,
    Episodes,
    FunctionAgent,
    RandomAgent,
    Recipe,
    RunConfig,
    RunResult,
    TransformerAgent,
)

_ENDS = near(np.array(tiny.ENDS))
_EPISODES = {
    "observations": array(12, 2),
    "actions": array(12, 1),
    "rewards": array(12),
    "ends": _ENDS,
    "terminated": flags(3),
    "final_observations": array(3, 2),
}


def _strict(parameter: Parameter) -> Parameter:
    """Take NumPy's arrays only, as agents do: lists are converted by nobody."""
    return parameter._replace(types=(np.ndarray, np.generic))


_LOW = _strict(near(np.array([-1.0], np.float32)))
_HIGH = _strict(near(np.array([1.0], np.float32)))
_LEAST, _MOST = np.full(1, -1, np.float32), np.ones(1, np.float32)
_AGENTS = just(
    lambda _: RandomAgent(_LEAST, _MOST),
    (RandomAgent, FunctionAgent),
    FunctionAgent(lambda seen: seen * math.nan, _LEAST, _MOST),
    FunctionAgent(lambda seen: seen, _LEAST, _MOST),
)
_ENVS = just(lambda _: tiny.Slide, ())
_SEEDS = options(
    *([3, 2**40], range(2), [2**32]),
    odd=((), [-1], [2**64], np.arange(2), np.arange(2.0), [None], [[1]]),
    types=(list, tuple, range, np.ndarray),
)


def _plain(right: Any, *odd: Any) -> Parameter:
    return options(right, odd=odd, types=(type(right),))


def _evaluate(agent: Any, make_env: Any, seeds: Any, max_steps: Any) -> Any:
    return tt_bench.evaluate(agent, make_env, seeds, max_steps=max_steps).returns


def _collect(agent: Any, make_env: Any, **numbers: Any) -> Any:
    return tt_bench.collect(agent, make_env, **numbers).rewards


def _act(context: Any, low: Any, high: Any, every: Any, seen: Any, rewards: Any) -> Any:
    agent = TransformerAgent(
        tiny.bins(),
        tiny.LAYOUT,
        tiny.plan,
        context=context,
        low=low,
        high=high,
        plan_every=every,
    )
    active = np.ones(3, np.bool_)
    agent.start(3, 0)
    action = agent.act(seen, active)
    agent.observe(action, rewards, active)
    return agent.act(seen, active)


def _act_at_random(low: Any, high: Any, seed: Any) -> Any:
    agent = RandomAgent(low, high)
    agent.start(2, seed)
    return agent.act(np.zeros((2, 2), np.float32), np.ones(2, np.bool_))


def _clone(episodes: Any, config: Any, seed: Any) -> Any:
    return tt_bench.clone(episodes, config, seed=seed).state_dict()


def _clone_all(episodes: Any, config: Any, seeds: Any) -> Any:
    policies = tt_bench.clone_all(episodes, config, seeds=seeds)
    return [policy.state_dict() for policy in policies]


_RESULT = {
    "method": texts("random"),
    "seed": whole(0, 9),
    "environment": _plain({"id": "Slide-v0"}, {}),
    "dataset": _plain(
        {"name": "a", "source": "b", "transitions": 3, "episodes": 1}, {}
    ),
    "settings": _plain({}, {"critic": 3, "training": {}}),
    "budget": _plain({"steps": 2, "minutes": 0.5}, {"steps": math.nan}, {}),
    "seconds": _plain({"train": 1.0}, {"train": "a"}),
    "returns": _plain([1.0, 2.0], [math.nan], ["a"], [[]], []),
    "lengths": _plain([3, 4], []),
    "successes": maybe(_plain([True, False], [None], [])),
    "scores": maybe(_plain([1.0, 2.0], [math.inf], [None], [])),
    "reference": maybe(_plain([0.0, 1.0], [1.0], [1.0, 0.0], [])),
}


def _print(**entries: Any) -> Any:
    tt_bench.print_report(Console(file=io.StringIO()), [RunResult(**entries)])


def _keep(path: Any, **entries: Any) -> Any:
    tt_bench.save_result(RunResult(**entries), path)
    return tt_bench.load_result(path).returns


def _read_hdf5(path: Any, env: Any, columns: Any) -> Any:
    return tt_bench.read_hdf5(path, env, columns=columns).episodes.rewards


LAWS = [
    Law("tt_bench.Episodes", lambda **parts: Episodes(**parts).returns(), _EPISODES),
    Law(
        "tt_bench.evaluate",
        _evaluate,
        {
            "agent": _AGENTS,
            "make_env": _ENVS,
            "seeds": _SEEDS,
            "max_steps": maybe(whole(1, 9)),
        },
    ),
    Law(
        "tt_bench.collect",
        _collect,
        {
            "agent": _AGENTS,
            "make_env": _ENVS,
            "transitions": small(1, 9),
            "seed": whole(0, 2**40),
            "parallel": small(1, 3),
        },
    ),
    Law(
        "tt_bench.TransformerAgent",
        _act,
        {
            "context": small(1, 3),
            "low": _LOW,
            "high": _HIGH,
            "every": small(1, 2),
            "seen": _strict(array(3, 2)),
            "rewards": _strict(array(3)),
        },
    ),
    Law(
        "tt_bench.RandomAgent",
        _act_at_random,
        {"low": _LOW, "high": _HIGH, "seed": whole(0, 9)},
    ),
    Law(
        "tt_bench.FunctionAgent",
        lambda function, low, high: FunctionAgent(function, low, high).act(
            np.zeros((2, 2), np.float32), np.ones(2, np.bool_)
        ),
        {
            "function": just(lambda _: lambda seen: seen[:, :1], ()),
            "low": _LOW,
            "high": _HIGH,
        },
    ),
    Law(
        "tt_bench.clone",
        _clone,
        {
            "episodes": just(lambda _: tiny.episodes(), Episodes),
            "config": just(
                lambda _: CloningConfig(steps=2, batch=3, width=3), CloningConfig
            ),
            "seed": whole(0, 2**40),
        },
    ),
    Law(
        "tt_bench.clone_all",
        _clone_all,
        {
            "episodes": just(lambda _: tiny.episodes(), Episodes),
            "config": just(
                lambda _: CloningConfig(steps=2, batch=3, width=3), CloningConfig
            ),
            "seeds": _SEEDS,
        },
    ),
    Law(
        "tt_bench.save_result",
        _keep,
        {**_RESULT, "path": paths("r.json")},
        (ValueError, OSError),
    ),
    Law(
        "tt_bench.load_result",
        tt_bench.load_result,
        {"path": paths("none.json")},
        (ValueError, OSError),
    ),
    Law(
        "tt_bench.summarise",
        lambda **entries: tt_bench.summarise([RunResult(**entries)]).mean,
        _RESULT,
    ),
    Law(
        "tt_bench.tabulate",
        lambda **entries: bool(tt_bench.tabulate([RunResult(**entries)])),
        _RESULT,
    ),
    Law("tt_bench.print_report", _print, _RESULT),
    Law(
        "tt_bench.plan_runs",
        lambda config: len(tt_bench.plan_runs(config)),
        {"config": just(lambda _: RunConfig(), RunConfig)},
    ),
    Law(
        "tt_bench.normalise",
        tt_bench.normalise,
        {
            "returns": array(4),
            "reference": options(
                (0.0, 1.0),
                # no texts, which no typed program passes as numbers
                odd=((1, 0), (0, 0), (math.nan, 1), (0, math.inf), (0,)),
                types=(tuple,),
            ),
        },
    ),
    Law("tt_bench.find_d4rl", tt_bench.find_d4rl, {"name": texts("hopper-medium-v2")}),
    Law("tt_bench.published", tt_bench.published, {"name": texts("hopper-medium-v2")}),
    Law(
        "tt_bench.reference_returns",
        tt_bench.reference_returns,
        {"env_id": texts("Hopper-v5")},
    ),
    Law(
        "tt_bench.recipe_for",
        tt_bench.recipe_for,
        {"dataset": texts("tt/pointmaze/umaze-v0"), "small": choice(True, False)},
    ),
    Law(
        "tt_bench.load_dataset",
        lambda **given: tt_bench.load_dataset(**given).episodes.rewards,
        {
            "name": texts("some/thing-v0"),
            "env": maybe(texts("Pendulum-v1")),
            "keys": maybe(
                options(["observation"], odd=([1], ["", "a/b"]), types=(list,))
            ),
        },
        (ValueError, OSError),
    ),
    Law(
        "tt_bench.load_d4rl",
        lambda **given: tt_bench.load_d4rl(**given).episodes.rewards,
        {"name": texts("hopper-medium-v2"), "env": maybe(texts("Hopper-v5"))},
        (ValueError, OSError),
    ),
    Law(
        "tt_bench.read_minari",
        lambda **given: tt_bench.read_minari(**given).episodes.rewards,
        {"dataset_id": texts("some/thing-v0"), "env": maybe(texts("Pendulum-v1"))},
        (ValueError, OSError),
    ),
    Law(
        "tt_bench.read_hdf5",
        _read_hdf5,
        {
            "path": paths("none.hdf5"),
            "env": maybe(texts("Pendulum-v1")),
            "columns": maybe(whole(1, 3)),
        },
        (ValueError, OSError),
    ),
    Law(
        "tt_bench.write_minari",
        lambda **given: str(tt_bench.write_minari(**given)),
        {
            "episodes": just(lambda _: tiny.episodes(), Episodes),
            "dataset_id": texts("torture/slide-v0"),
            "notes": just(lambda _: tt_bench.MinariNotes(), tt_bench.MinariNotes),
        },
        (ValueError, OSError),
    ),
    Law(
        "tt_bench.compare",
        lambda **given: tt_bench.compare(**given)[0].returns,
        {
            "dataset": just(
                lambda _: tiny.dataset(),
                (tt_bench.Dataset, str),
                "nowhere",
                "some/thing-v0",
            ),
            "methods": options(
                ["random"], ["behaviour"], odd=([], ["x"], [1]), types=(list,)
            ),
            "recipe": just(lambda _: tiny.RECIPE, Recipe),
            "seeds": small(1, 2),
            "first_seed": whole(0, 9),
            "episodes": small(1, 2),
            "max_steps": maybe(small(1, 3)),
            "budget": maybe(real(0.01, 1)),
            "device": choice("cpu"),
            "output": paths("out"),
        },
        (ValueError, OSError),
    ),
]
