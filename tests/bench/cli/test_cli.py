import json
from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import numpy as np
import pytest
import torch

import tt_critic
import tt_model
from tt_bench.cli import collect, compare, datasets, messages
from tt_bench.cli.compare import D4rl
from tt_bench.cli.main import main, parse
from tt_bench.data import sources
from tt_bench.data.episodes import Episodes
from tt_bench.data.minari_write import MinariNotes, write_minari
from tt_bench.methods import cloning, pace
from tt_bench.methods import trained as trained_module
from tt_bench.runs import comparison
from tt_bench.runs.budget import fit_budget
from tt_bench.speed.machine import matmul_peak

DATASET = "test/pendulum-v0"
METHODS = ("random", "behaviour", "bc", "bc-10", "iql", "tt", "tt-uniform", "tt+q")
TINY = [
    *("--seeds", "1", "--episodes", "2", "--max-steps", "3", "--training.steps", "2"),
    *("--tokenizer.bins", "8", "--model.layers", "1", "--model.heads", "1"),
    *("--model.width", "8", "--training.batch", "4", "--training.transitions", "3"),
    *("--planner.context", "2", "--planner.horizon", "2", "--planner.beam", "2"),
    *("--cloning.steps", "2", "--cloning.width", "4"),
    *("--critic.steps", "2", "--critic.width", "4", "--critic.batch", "4"),
    *("--methods", *METHODS),
]


@pytest.fixture(autouse=True)
def short_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time steps for a moment: how many fit is not of interest here."""
    monkeypatch.setattr(pace, "_ENOUGH", 0.2)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    angles = draws.uniform(-np.pi, np.pi, 60)
    seen = [np.cos(angles), np.sin(angles), draws.uniform(-8, 8, 60)]
    episodes = Episodes(
        observations=np.stack(seen, axis=1),
        actions=draws.uniform(-2, 2, (60, 1)),
        rewards=-np.arange(60) / 10,
        ends=np.arange(3, 61, 3),
        terminated=np.zeros(20, np.bool_),
        final_observations=np.tile([1, 0, 0], (20, 1)),
    )
    spec = gym.spec("Pendulum-v1")
    notes = MinariNotes(env=spec, reference=(-20.0, 0.0))
    write_minari(episodes, DATASET, notes)
    return ["d4rl", "--dataset", DATASET, *TINY]


def results(tmp_path: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in (tmp_path / ".tt").glob("*/results/*.json"):
        content = json.loads(path.read_text())
        found[content["method"]] = content
    return found


def test_every_method_runs_and_is_reported(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    printed = capsys.readouterr().out
    for part in ("Pendulum-v1", DATASET, *METHODS, "60 trans"):
        assert part in printed
    assert "returns of the dataset's own episodes" in printed
    found = results(tmp_path)
    assert set(found) == set(METHODS)
    assert found["tt"]["lengths"] == [3, 3]
    assert found["tt"]["settings"]["planner"]["beam"] == 2
    assert len(found["behaviour"]["returns"]) == 20


def test_finished_runs_are_reused_and_only_new_settings_are_run(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(command) == 0
    first = results(tmp_path)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a finished training was repeated")

    monkeypatch.setattr(tt_model, "train", refuse)
    monkeypatch.setattr(tt_critic, "train_critic", refuse)
    monkeypatch.setattr(cloning, "clone", refuse)
    assert main(command) == 0
    assert "all finished before" in capsys.readouterr().out
    assert results(tmp_path) == first
    assert main([*command, "--methods", "tt", "--planner.horizon", "1"]) == 0
    assert len(list((tmp_path / ".tt").glob("*/results/tt-seed*.json"))) == 2


def test_after_an_interrupt_the_same_command_continues(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = [*command, "--methods", "tt", "--steps", "20"]
    straight = tmp_path / "straight"
    assert main([*command, "--output", str(straight)]) == 0
    train = tt_model.train

    def interrupted(*args: Any, **options: Any) -> Any:
        def stop(progress: tt_model.Progress) -> None:
            if progress.step == 10:
                raise KeyboardInterrupt

        return train(*args, **(options | {"on_progress": stop}))

    monkeypatch.setattr(tt_model, "train", interrupted)
    assert main(command) == 130
    assert "same command continues" in capsys.readouterr().out
    assert not results(tmp_path)
    monkeypatch.setattr(tt_model, "train", train)
    assert main(command) == 0
    resumed, expected = weights(tmp_path / ".tt"), weights(straight)
    assert resumed.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(resumed[name], values)
    assert not list(tmp_path.glob(".tt/*/*/checkpoint*"))


def weights(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("*/*/model.safetensors")
    return tt_model.load(path).state_dict()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--methods", "tt", "magic"],
            "methods out of random, behaviour, bc, bc-10",
        ),
        (["--dataset", "tt/nowhere-v0"], "tt/nowhere-v0"),
        (["--env", "Hopper-v5"], "expected data that fits Hopper-v5"),
        (["--device", "abacus"], "expected a device"),
        (["--seeds", "0"], "seeds"),
        (["--episodes", "0"], "episodes"),
        (["--max-steps", "0"], "max_steps"),
        (["--max-steps", "-1"], "max_steps"),
        (["--output", "taken"], "expected a folder as --output, got taken: taken is"),
        (["--output", "taken/new"], "a folder as --output, got taken/new: taken is"),
        (["--steps", "2", "--budget", "1"], "expected --steps or --budget, got both"),
    ],
)
def test_what_cannot_be_run_gives_one_line_and_status_2(
    command: list[str],
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("taken").touch()
    assert main([*command, *options]) == 2
    assert not list(Path.cwd().glob("*/*/results")), "something was run first"
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.startswith("error: ")
    assert len(printed.splitlines()) == 1


def spoil(monkeypatch: pytest.MonkeyPatch, network: str) -> None:
    """Let the training of a network end with NaN in all its weights."""
    places: dict[str, tuple[Any, str]] = {
        "transformer": (tt_model, "train"),
        "critic": (tt_critic, "train_critic"),
        "policy": (cloning, "clone"),
        "actor": (trained_module, "train_in"),
    }
    module, name = places[network]
    train = getattr(module, name)

    def diverge(*args: Any, **options: Any) -> Any:
        made = train(*args, **options)
        trained = {
            "transformer": lambda: list(args[0].parameters()),
            "critic": lambda: [made.networks],
            "policy": lambda: list(made.parameters()),
            "actor": lambda: list(args[2].modules["networks"].parameters()),
        }[network]()
        with torch.no_grad():
            for weights in trained:
                weights.fill_(torch.nan)
        return made

    monkeypatch.setattr(module, name, diverge)


@pytest.mark.parametrize(
    ("method", "network", "message"),
    [
        ("tt", "transformer", "diverged"),
        ("tt-uniform", "transformer", "diverged"),
        ("tt+q", "transformer", "diverged"),
        ("tt+q", "critic", "diverged"),
        ("iql", "critic", "diverged"),
        ("bc", "policy", "NaN or infinity from the agent"),
        ("td3+bc", "actor", "NaN or infinity from the agent"),
    ],
)
def test_a_network_of_nan_is_one_error_and_no_score(
    command: list[str],
    method: str,
    network: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(monkeypatch, network)
    command = [*command, "--methods", method, "--td3-bc.steps", "2"]
    assert main(command) == 2
    assert not results(tmp_path)
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert len(printed.splitlines()) == 1
    assert message in printed
    assert main(command) == 2, "the network that was saved is still NaN"
    assert not results(tmp_path)


@pytest.mark.parametrize("seed", [20240101, 2**32, 2**40, 2**53 - 1])
def test_seeds_of_more_than_32_bits_are_seeds(command: list[str], seed: int) -> None:
    assert main([*command, "--first-seed", str(seed)]) == 0


def test_a_damaged_result_is_named_with_the_fix(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*command, "--methods", "random"]
    assert main(command) == 0
    (path,) = (tmp_path / ".tt").glob("*/results/random-*.json")
    path.write_text(path.read_text()[:50])
    assert main(command) == 2
    assert f"delete {path.name}" in capsys.readouterr().err


def test_the_defaults_are_those_of_the_dataset_and_each_can_be_set() -> None:
    small, large = parse(["d4rl"]), parse(["d4rl", "--dataset=mujoco/hopper/medium-v0"])
    assert isinstance(small, D4rl)
    assert isinstance(large, D4rl)
    assert small.recipe.termination_reward is None
    assert large.recipe.termination_reward == -100.0
    assert large.recipe.planner.beam == 128
    changed = parse(["d4rl", "--planner.beam", "3", "--planner.action-tail", "None"])
    assert isinstance(changed, D4rl)
    assert (changed.recipe.planner.beam, changed.recipe.planner.action_tail) == (
        3,
        None,
    )


def test_help_names_the_commands_and_the_settings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for arguments, words in (
        (["--help"], ("d4rl", "collect")),
        (["d4rl", "--help"], ("--dataset", "--planner.beam", "default: 16")),
    ):
        with pytest.raises(SystemExit) as caught:
            parse(arguments)
        assert caught.value.code == 0
        printed = capsys.readouterr().out
        assert all(word in printed for word in words)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--discount", "2"], "'discount' must be <= 1.0"),
        (["--executed", "3"], "at most the 1 steps of a chunk, got 3"),
        (["--chunk", "2", "--planner.context", "2"], "--executed equal to --chunk"),
    ],
)
def test_settings_of_the_recipe_that_do_not_fit_are_one_error(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["d4rl", *options]) == 2
    assert reason in capsys.readouterr().err


def test_collect_refuses_what_it_cannot_make(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["collect", "mujoco/hopper/medium-v0"]) == 2
    assert "tt/pointmaze/umaze-v0" in capsys.readouterr().err


def test_collect_says_what_it_will_do_and_does_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    name = "tt/pendulum/mixed-v0"
    small = attrs.evolve(sources.SOURCES[name], transitions=4_000, pace=20.0)
    for module in (sources, messages, collect, datasets):
        monkeypatch.setattr(module, "SOURCES", {name: small})
    assert main(["collect", name]) == 0
    assert f"{name} will be collected: 4,000 transitions, about 3 min" in (
        capsys.readouterr().out
    )
    assert main(["collect", name]) == 0
    again = capsys.readouterr().out
    assert "will be collected" not in again
    assert f"{name}: 4,000 transitions" in again


def test_a_sample_says_how_episodes_go_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    name = "tt/pendulum/mixed-v0"
    assert main(["collect", name, "--sample", "300"]) == 0
    said = capsys.readouterr().out
    assert f"{name}: 4,000 transitions in 20 episodes" in said
    assert "0.0% of the episodes terminated" in said
    assert f"181 to 200 steps {40 * '#'} 20" in said
    assert list(tmp_path.iterdir()) == []
    assert main(["collect", "tt/antmaze/umaze-v0", "--sample", "300"]) == 2
    assert "use tt/antmaze/umaze-diverse-v0" in capsys.readouterr().err


def test_a_budget_becomes_steps_that_a_second_run_finds_again(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*command, "--methods", "tt", "iql", "--budget", "0.005"]
    assert main(command) == 0
    steps = {name: run["budget"]["steps"] for name, run in results(tmp_path).items()}
    noted = [json.loads(p.read_text()) for p in (tmp_path / ".tt").glob("*/budgets/*")]
    assert sorted(note["steps"] for note in noted) == sorted(steps.values())
    assert main(command) == 0
    assert "all finished before" in capsys.readouterr().out


def test_the_settings_that_are_printed_are_those_that_are_used(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*command, "--methods", "tt-uniform", "--budget", "0.005"]
    assert main(command) == 0
    steps = results(tmp_path)["tt-uniform"]["budget"]["steps"]
    printed = capsys.readouterr().out
    assert f"  1 layers of width 8, {steps:,.0f} steps of 4 x 3 transitions" in printed
    assert f"budget: {steps:,.0f} steps of a transformer\n" in printed


def test_a_budget_says_so_where_it_sets_nothing(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--methods", "bc", "--budget", "1"]) == 0
    printed = capsys.readouterr().out
    assert "timing" not in printed
    assert "budget: sets nothing here" in printed
    assert not list((tmp_path / ".tt").glob("*/budgets/*"))


def test_a_budget_is_timed_and_foretold_with_the_threads_that_train(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noting(name: str, work: Any) -> Any:
        def noted(*arguments: Any) -> Any:
            done.append(name)
            return work(*arguments)

        return noted

    monkeypatch.setattr(compare, "choose_threads", lambda: done.append("choose"))
    monkeypatch.setattr(comparison, "fit_budget", noting("fit", fit_budget))
    monkeypatch.setattr(messages, "matmul_peak", noting("look", matmul_peak))
    assert main([*command, "--methods", "tt", "--budget", "0.005"]) == 0
    first = list(dict.fromkeys(done))
    assert first == ["choose", "fit", "look"]


def test_a_download_of_unknown_size_says_how_much_has_come() -> None:
    said: list[str] = []
    shown: list[tuple[int, str]] = []
    follow = datasets.follow_bytes(lambda *now: shown.append(now), said.append)
    for megabytes in (0, 30, 60, 90, 120):
        follow(megabytes * 1_000_000, 0)
    assert shown[-1] == (0, "120 MB")
    assert said == ["  60 MB so far", "  120 MB so far"]
    follow(30_000_000, 120_000_000)
    assert shown[-1] == (25, "30 of 120 MB")


def test_a_look_at_the_machine_that_something_disturbs_counts_for_nothing(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    looks = iter([1.0, 1e15, 1.0, 1e3, 1.0])
    monkeypatch.setattr(messages, "matmul_peak", lambda *_: next(looks))
    assert main([*command, "--methods", "tt"]) == 0
    assert "about 1 min for the rest" in capsys.readouterr().out


def test_methods_adapt_the_recipe_to_their_row(
    command: list[str], tmp_path: Path
) -> None:
    assert main([*command, "--methods", "bc", "bc-10", "tt", "tt-uniform"]) == 0
    settings = {name: run["settings"] for name, run in results(tmp_path).items()}
    assert settings["bc"]["cloning"]["fraction"] == 1.0
    assert settings["bc-10"]["cloning"]["fraction"] == 0.1
    assert settings["tt"]["tokenizer"]["kind"] == "quantile"
    assert settings["tt-uniform"]["tokenizer"]["kind"] == "uniform"
