"""Searches over actions against brute force, Riccati's optimum and hand-made rounds."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from tt_plan import ActionPlan, DynamicsModel, cem, mppi, random_shooting
from tt_plan.testing import check_dynamics_model

SEARCHES = [random_shooting, cem, mppi]
Search = Callable[..., ActionPlan]


class Linear:
    """x' = A x + B u, which costs x Q x + u R u, and x P x at the end."""

    def __init__(self) -> None:
        self.a = torch.tensor([[1.0, 0.2], [0.0, 0.9]])
        self.b = torch.tensor([[0.1], [0.5]])
        self.q, self.r = torch.diag(torch.tensor([1.0, 0.1])), torch.tensor([[0.3]])
        self.p = torch.eye(2)

    def step(
        self, state: Tensor, actions: Tensor, generator: torch.Generator | None, /
    ) -> tuple[Tensor, Tensor]:
        cost = (state @ self.q * state).sum(1) + (actions @ self.r * actions).sum(1)
        return state @ self.a.mT + actions @ self.b.mT, -cost

    def value(self, state: Tensor, /) -> Tensor:
        return -(state @ self.p * state).sum(1)

    def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
        return state[rows]


def riccati(model: Linear, horizon: int, discount: float) -> tuple[Tensor, Tensor]:
    """Return the first gain K, u = -K x, and the matrix of the cost to go."""
    cost = model.p
    for _ in range(horizon):
        ahead = discount * cost
        shape = model.r + model.b.mT @ ahead @ model.b
        gain = torch.linalg.solve(shape, model.b.mT @ ahead @ model.a)
        cost = model.q + model.a.mT @ ahead @ (model.a - model.b @ gain)
    return gain, cost


STARTS = torch.tensor([[1.0, 0.0], [-0.5, 1.0], [0.0, -2.0], [2.0, 1.0]])
BOX = (torch.tensor([-4.0]), torch.tensor([4.0]))


def score(
    model: DynamicsModel[Tensor], state: Tensor, actions: Tensor, discount: float
) -> Tensor:
    total = torch.zeros(len(state))
    for t, chosen in enumerate(actions.unbind(1)):
        state, reward = model.step(state, chosen, None)
        total += discount**t * reward
    return total + discount ** actions.shape[1] * model.value(state)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("discount", [1.0, 0.8])
@pytest.mark.parametrize(
    ("search", "horizon"),
    [
        (partial(random_shooting, samples=50_000), 2),
        (partial(cem, iterations=10), 8),
        (mppi, 8),
    ],
    ids=["random", "cem", "mppi"],
)
def test_a_linear_quadratic_plan_is_within_a_hundredth_of_riccatis(
    search: Search, horizon: int, discount: float
) -> None:
    model = Linear()
    plan = search(
        model,
        STARTS,
        BOX,
        horizon=horizon,
        environments=4,
        discount=discount,
        generator=seeded(),
    )
    _, cost = riccati(model, horizon, discount)
    optimum = -(STARTS @ cost * STARTS).sum(1)
    for actions in (plan.actions, plan.best):
        reached = score(model, STARTS, actions, discount)
        assert (reached <= optimum + 1e-4).all()
        assert (reached >= 1.01 * optimum).all()
    torch.testing.assert_close(plan.score, score(model, STARTS, plan.best, discount))


@pytest.mark.parametrize("search", [cem, partial(mppi, temperature=0.05)])
def test_from_the_last_plan_one_small_round_a_step_is_nearly_the_best_policy(
    search: Search,
) -> None:
    model, generator = Linear(), seeded()
    gain, _ = riccati(model, 200, 1.0)
    plan = partial(
        search,
        model,
        bounds=BOX,
        horizon=10,
        environments=4,
        discount=1.0,
        generator=generator,
    )
    small = partial(
        plan, samples=64, elites=8, iterations=1, deviation=0.02, least_deviation=0.0
    )
    thorough = cem(
        model,
        STARTS,
        BOX,
        horizon=10,
        environments=4,
        iterations=10,
        discount=1.0,
        generator=generator,
    )

    def cost(act: Callable[[Tensor], Tensor]) -> Tensor:
        state, total = STARTS, torch.zeros(4)
        for _ in range(30):
            state, reward = model.step(state, act(state), None)
            total -= reward
        return total

    kept = [thorough.actions]

    def warm(state: Tensor) -> Tensor:
        made = small(state=state, start=kept[0])
        kept[0] = made.later()
        return made.actions[:, 0]

    def cold(state: Tensor) -> Tensor:
        made: ActionPlan = small(state=state, deviation=0.5)
        return made.actions[:, 0]

    best = cost(lambda state: -state @ gain.mT)
    from_last, from_nothing = cost(warm) / best - 1, cost(cold) / best - 1
    assert (from_last > -1e-3).all()
    assert from_last.mean() < 0.04
    assert from_last.mean() < from_nothing.mean() / 2


class Hills:
    """Rewards of two actions' places: a low hill that is wide, and a high one."""

    def step(
        self, state: Tensor, actions: Tensor, generator: torch.Generator | None, /
    ) -> tuple[Tensor, Tensor]:
        state = state + actions
        wide = -(state + 0.6).square().sum(1)
        high = 3 * (-8 * (state - 1.1).square().sum(1)).exp()
        return state, wide + high

    def value(self, state: Tensor, /) -> Tensor:
        return 0.5 * state[:, 0]

    def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
        return state[rows]


@pytest.mark.parametrize(
    "search", [partial(random_shooting, samples=20_000), cem, mppi]
)
def test_brute_force_finds_nothing_better(search: Search) -> None:
    places = torch.linspace(-1, 1, 41)
    every = torch.tensor(list(itertools.product(places.tolist(), repeat=2)))[..., None]
    starts = torch.tensor([[0.0], [0.7], [-0.5]])
    plan = search(
        Hills(),
        starts,
        (-torch.ones(1), torch.ones(1)),
        horizon=2,
        environments=3,
        generator=seeded(),
    )
    for row, start in enumerate(starts):
        found = score(Hills(), start.expand(len(every), 1), every, 0.99)
        assert plan.score[row] > found.max() - 0.02
        close = every[found.argmax()] - plan.best[row]
        assert close.abs().max() < 0.1


@pytest.mark.parametrize("search", SEARCHES)
def test_actions_stay_within_their_bounds(search: Search) -> None:
    bounds = torch.tensor([-0.2, 3.0]), torch.tensor([0.1, 3.0])

    class Far(Linear):
        def step(self, state: Tensor, actions: Tensor, generator: Any, /) -> Any:
            assert (actions >= bounds[0]).all()
            assert (actions <= bounds[1]).all()
            return state, actions.sum(1)

    plan = search(Far(), STARTS[:1], bounds, horizon=3, generator=seeded())
    high = bounds[1].expand(1, 3, 2)
    torch.testing.assert_close(plan.actions, high, rtol=0, atol=0.08)


class Recorded(Hills):
    """Remember what was imagined in the one round that there is."""

    def __init__(self) -> None:
        self.actions: list[Tensor] = []

    def step(self, state: Tensor, actions: Tensor, generator: Any, /) -> Any:
        self.actions.append(actions)
        return super().step(state, actions, generator)

    def imagined(self) -> tuple[Tensor, Tensor]:
        actions = torch.stack(self.actions, 1)
        start = torch.zeros(len(actions), 1)
        return actions, score(Hills(), start, actions, 0.99)


BOX_OF_TWO = -torch.full((1,), 2.0), torch.full((1,), 2.0)


def test_cem_moves_to_the_mean_of_the_elites() -> None:
    model, start = Recorded(), torch.tensor([[[0.4], [-0.2]]])
    search = partial(cem, samples=16, elites=4, iterations=1, smoothing=0.25)
    plan = search(
        model, torch.zeros(1, 1), BOX_OF_TWO, horizon=2, start=start, generator=seeded()
    )
    actions, scores = model.imagined()
    best = scores.argsort(descending=True)[:4]
    expected = 0.75 * actions[best].mean(0) + 0.25 * start[0]
    torch.testing.assert_close(plan.actions[0], expected)
    torch.testing.assert_close(plan.best[0], actions[best[0]])
    torch.testing.assert_close(actions[0], start[0])  # the start itself is imagined


def test_mppi_averages_by_the_exponential_of_the_scores() -> None:
    model = Recorded()
    search = partial(mppi, samples=16, elites=16, iterations=1, temperature=0.7)
    plan = search(model, torch.zeros(1, 1), BOX_OF_TWO, horizon=2, generator=seeded())
    actions, scores = model.imagined()
    weights = (scores / 0.7).softmax(0)
    expected = (weights[:, None, None] * actions).sum(0)
    torch.testing.assert_close(plan.actions[0], expected)


def test_a_proposal_sees_imagined_states_and_is_mixed_with_the_last_plan() -> None:
    """Without noise: a = 0.75 (s / 2) + 0.25 T, and s' = s + a."""

    def half(state: Tensor, generator: torch.Generator | None, /) -> Tensor:
        return state / 2

    start = torch.tensor([[[0.4], [-0.8]]])
    plan = mppi(
        Hills(),
        torch.ones(1, 1),
        BOX_OF_TWO,
        horizon=2,
        samples=3,
        elites=3,
        iterations=1,
        deviation=0.0,
        least_deviation=0.0,
        proposal=half,
        inertia=0.25,
        start=start,
    )
    first = 0.75 * 0.5 + 0.25 * 0.4
    second = 0.75 * (1 + first) / 2 + 0.25 * -0.8
    torch.testing.assert_close(plan.actions, torch.tensor([[[first], [second]]]))


def test_some_sequences_follow_a_proposal_and_others_do_not() -> None:
    model = Recorded()

    def far(state: Tensor, generator: torch.Generator | None, /) -> Tensor:
        return torch.full_like(state, 9.0)

    search = partial(mppi, samples=8, elites=8, iterations=1, proposal=far, proposals=3)
    search(model, torch.zeros(1, 1), BOX_OF_TWO, horizon=2, generator=seeded())
    actions, _ = model.imagined()
    assert (actions[:3] == 2.0).all()  # clipped
    assert (actions[3:].abs() < 2.0).any(1).all()


class Broken(Linear):
    """Score everything above a limit by what is no number."""

    def __init__(self, wrong: float, limit: float) -> None:
        super().__init__()
        self.wrong, self.limit = wrong, limit

    def step(self, state: Tensor, actions: Tensor, generator: Any, /) -> Any:
        wrong = torch.full_like(actions[:, 0], self.wrong)
        return state, torch.where(actions[:, 0] > self.limit, wrong, actions[:, 0])


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
def test_what_is_no_finite_score_never_wins(search: Search, wrong: float) -> None:
    model = Broken(wrong, limit=1.0)
    plan = search(model, STARTS[:2], BOX, horizon=1, environments=2, generator=seeded())
    assert plan.score.isfinite().all()
    assert (plan.best <= 1.0).all()
    assert (plan.actions <= 1.0).all()
    with pytest.raises(ValueError, match="environment 0 has no continuation"):
        search(Broken(wrong, -9.0), STARTS[:1], BOX, horizon=1, generator=seeded())


def test_the_rest_of_a_plan_repeats_its_last_action() -> None:
    actions = torch.arange(6.0).view(1, 3, 2)
    plan = ActionPlan(actions, actions, torch.zeros(1))
    assert plan.later().tolist() == [[[2, 3], [4, 5], [4, 5]]]
    assert plan.later(9).tolist() == [[[4, 5], [4, 5], [4, 5]]]


WRONG: list[tuple[Search, dict[str, Any], str]] = [
    (cem, {"bounds": (torch.ones(1), -torch.ones(1))}, "in order"),
    (cem, {"bounds": (torch.ones(1), torch.full((1,), torch.inf))}, r"at most 1e\+15"),
    (cem, {"horizon": 0}, "horizon must be at least 1"),
    (cem, {"elites": 65, "samples": 64}, "elites must be at most the 64 samples"),
    (cem, {"smoothing": 1.0}, "smoothing"),
    (cem, {"discount": 1.5}, "discount"),
    (cem, {"start": torch.zeros(1, 2, 1)}, r"start must be finite actions \[1, 3, 1\]"),
    (cem, {"start": torch.full((1, 3, 1), torch.nan)}, "start must be finite"),
    (cem, {"least_deviation": 1.0}, "least_deviation"),
    (mppi, {"temperature": 0.0}, "temperature"),
    (mppi, {"inertia": 0.5}, "there is none"),
    (mppi, {"proposal": lambda state, _: state}, r"\[512, 1\]"),
    (mppi, {"proposal": lambda s, _: s[:, :1], "proposals": 600}, "at most the 512"),
    (random_shooting, {"samples": 0}, "samples must be at least 1"),
]


@pytest.mark.parametrize(("search", "changes", "message"), WRONG)
def test_what_does_not_fit_is_refused(
    search: Search, changes: dict[str, Any], message: str
) -> None:
    bounds = changes.get("bounds", BOX)
    settings = {"horizon": 3} | {k: v for k, v in changes.items() if k != "bounds"}
    with pytest.raises(ValueError, match=message):
        search(Linear(), STARTS[:1], bounds, **settings)


def test_a_model_of_other_shapes_is_refused() -> None:
    class Wide(Linear):
        def value(self, state: Tensor, /) -> Tensor:
            return state

    with pytest.raises(ValueError, match=r"`value` .* \[512\]"):
        cem(Wide(), STARTS[:1], BOX, horizon=1)


def test_a_model_that_keeps_the_laws_passes_and_others_do_not() -> None:
    actions = torch.randn(4, 3, 1, generator=seeded())
    check_dynamics_model(Linear(), STARTS, actions)

    class Together(Linear):
        def step(self, state: Tensor, actions: Tensor, generator: Any, /) -> Any:
            state, reward = super().step(state, actions, generator)
            return state, reward - reward.mean()

    class Deaf(Linear):
        def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
            return state[: len(rows)] if len(rows) <= len(state) else state[rows]

    for model in (Together(), Deaf()):
        with pytest.raises(AssertionError, match="rows"):
            check_dynamics_model(model, STARTS, actions)
