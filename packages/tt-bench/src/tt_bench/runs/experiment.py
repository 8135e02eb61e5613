"""Run methods with several seeds on a dataset, reusing what is finished."""

from pathlib import Path
from typing import Any

import attrs
import numpy as np

from tt_bench.data import Dataset, Episodes, chunk_episodes, describe, fingerprint
from tt_bench.evaluation import (
    Evaluation,
    OtherEpisodesError,
    ResumingAgent,
    Step,
    episode_seeds,
    evaluate,
)
from tt_bench.interface import Agent, Notify, RememberingAgent, silent, working
from tt_bench.methods import (
    METHODS,
    VERSIONS,
    Context,
    Prepared,
    Recipe,
    Task,
    Watching,
    default_settings,
    find_task,
    run_settings,
)
from tt_bench.results import RunResult, Store, normalise, save_result
from tt_bench.runs.machine import describe_machine
from tt_bench.runs.run_config import Run, RunConfig
from tt_bench.runs.termination import termination_interrupts


@attrs.frozen(eq=False)
class Experiment:
    """A dataset, the settings and the place for results, checked and ready to run.

    `episodes` are those of the dataset as the recipe's chunks, to learn from.
    """

    dataset: Dataset
    episodes: Episodes
    recipe: Recipe
    config: RunConfig
    store: Store
    identity: dict[str, Any]
    task: Task

    @classmethod
    def of(cls, dataset: Dataset, recipe: Recipe, config: RunConfig) -> "Experiment":
        """Check that the data fits the environment and what is to be trained on it.

        Raises:
            ValueError: the environment is unknown, its sizes are not the data's, or a
                method needs a network that can't be trained.
        """
        experiment = cls(
            dataset,
            chunk_episodes(dataset.episodes, recipe.chunk),
            recipe,
            config,
            Store.of(config.output, dataset.name, default_settings(), VERSIONS),
            {"name": dataset.name, "fingerprint": fingerprint(dataset)},
            find_task(dataset, config.max_steps),
        )
        for name in config.methods:
            for network in METHODS[name].networks:
                network.check(experiment.context(Run(name, config.first_seed)))
        return experiment

    def finished(self, run: Run) -> RunResult | None:
        """Find the result of a run that was finished before."""
        settings = self._settings(run, self.context(run))
        return self.store.find_result(run.method, settings)

    def execute(self, run: Run, notify: Notify = silent) -> RunResult:
        """Train, evaluate and save one run, or find it finished.

        What killed processes left unfinished of others' is deleted.
        """
        self.store.tidy()
        context = self.context(run, notify)
        settings = self._settings(run, context)
        found = self.store.find_result(run.method, settings)
        recording = self.store.recording_path(run.method, settings, self.config.device)
        if found is not None:
            recording.unlink(missing_ok=True)  # of a process that was killed meanwhile
            return found
        prepared = METHODS[run.method].prepare(context)
        if prepared.agent is None:
            result = self._from_data(run, settings)
        else:
            outcome = self._play_on(run, prepared.agent, recording, notify)
            result = self._result(run, settings, prepared, outcome)
        save_result(result, self.store.result_path(run.method, settings))
        recording.unlink(missing_ok=True)
        return result

    def context(self, run: Run, notify: Notify = silent) -> Context:
        """Return what the method of a run has to work with."""
        learning = self.learning(notify)
        return attrs.evolve(
            learning,
            recipe=METHODS[run.method].adapt(self.recipe),
            seed=run.seed,
            watching=attrs.evolve(learning.watching, method=run.method),
        )

    def learning(self, notify: Notify = silent) -> Context:
        """Return what networks are trained with, of no method and seed 0."""
        return Context(
            dataset=self.dataset,
            episodes=self.episodes,
            identity=self.identity,
            recipe=self.recipe,
            seed=0,
            device=self.config.device,
            store=self.store,
            notify=notify,
            task=self.task,
            watching=Watching(
                to=self.config.log,
                every=self.config.evaluate_every,
                episodes=self.config.episodes,
                max_steps=self.config.max_steps,
            ),
        )

    def _settings(self, run: Run, context: Context) -> dict[str, Any]:
        evaluation = {
            "environment": self.dataset.env_id,
            "episodes": self.config.episodes,
            "max_steps": self.config.max_steps,
        }
        settings = run_settings(context, METHODS[run.method].needs)
        return settings | {"method": run.method, "evaluation": evaluation}

    def _play_on(
        self, run: Run, agent: Agent, recording: Path, notify: Notify
    ) -> Evaluation:
        """Play the episodes of a run, from where it was stopped if it was."""
        if not isinstance(agent, RememberingAgent):
            return self._evaluate(run, agent, notify)
        resuming = ResumingAgent(agent, recording)
        with termination_interrupts():
            try:
                outcome = self._evaluate_again(run, resuming, recording, notify)
            except KeyboardInterrupt:
                resuming.save()
                raise
        acting = np.asarray(resuming.recording.act_seconds, np.float32)
        return attrs.evolve(outcome, act_seconds=acting, seconds=resuming.seconds())

    def _evaluate_again(
        self, run: Run, resuming: ResumingAgent, recording: Path, notify: Notify
    ) -> Evaluation:
        """Repeat what was played and go on; play anew where it can't be repeated."""
        try:
            return self._evaluate(run, resuming, notify)
        except OtherEpisodesError:
            recording.unlink(missing_ok=True)
            return self._evaluate(run, resuming, notify)

    def _evaluate(self, run: Run, agent: Agent, notify: Notify) -> Evaluation:
        name = f"{run.method} seed {run.seed}, {self.config.episodes} episodes"
        with working(notify, name, self.task.steps) as advance:

            def on_step(step: Step) -> None:
                advance(
                    step.step, f"{step.running} running, return {step.mean_return:.2f}"
                )

            return evaluate(
                agent,
                self.dataset.make_env,
                episode_seeds(run.seed, self.config.episodes),
                max_steps=self.config.max_steps,
                on_step=on_step,
            )

    def _result(
        self,
        run: Run,
        settings: dict[str, Any],
        prepared: Prepared,
        outcome: Evaluation,
    ) -> RunResult:
        successes = outcome.successes
        return RunResult(
            **self._common(run, settings, outcome.returns),
            budget={"steps": prepared.steps, "minutes": prepared.seconds / 60},
            seconds={
                "train": prepared.seconds,
                "evaluate": outcome.seconds,
                "act": float(outcome.act_seconds.mean()),
            },
            lengths=outcome.lengths.tolist(),
            successes=None if successes is None else successes.tolist(),
        )

    def _from_data(self, run: Run, settings: dict[str, Any]) -> RunResult:
        """Take the returns of the data's own episodes."""
        episodes = self.dataset.episodes
        return RunResult(
            **self._common(run, settings, episodes.returns()),
            budget={"steps": 0, "minutes": 0.0},
            seconds={},
            lengths=episodes.lengths.tolist(),
            successes=None,
            note="returns of the dataset's own episodes, nothing was played",
        )

    def _common(
        self, run: Run, settings: dict[str, Any], returns: Any
    ) -> dict[str, Any]:
        reference = self.dataset.reference
        scores = None if reference is None else normalise(returns, reference).tolist()
        return {
            "method": run.method,
            "seed": run.seed,
            "environment": {"id": self.dataset.env_id},
            "dataset": describe(self.dataset) | self.identity,
            "settings": settings,
            "returns": [float(value) for value in returns],
            "scores": scores,
            "reference": None if reference is None else list(reference),
            "machine": describe_machine(self.config.device),
        }
