"""The speed benchmark counts the work that the search does, and the cache pays off."""

import io
import time

import pytest
import torch
from rich.console import Console

from tt_bench.methods.costs import PlanShape, cached_work, naive_tokens
from tt_bench.speed import seeds
from tt_bench.speed.machine import Peaks, clock, peak_memory
from tt_bench.speed.plan import build, known, learned, naive_seconds, planner, rotary
from tt_bench.speed.record import Measurement
from tt_bench.speed.table import tabulate_speed

SMALL = PlanShape(observation=5, action=2, horizon=6, beam=16)


def test_a_hopper_plan_is_36939_token_forwards() -> None:
    shape = PlanShape()
    work = cached_work(shape, rotary(shape))
    assert work.tokens == 36_939
    assert work.operations == pytest.approx(70e9, rel=0.02)


def test_ten_environments_are_ten_times_the_work() -> None:
    shape = PlanShape()
    one, ten = (
        cached_work(shape._replace(environments=e), rotary(shape)) for e in (1, 10)
    )
    assert ten.tokens == 10 * one.tokens
    assert ten.operations == pytest.approx(10 * one.operations)


def test_without_a_cache_every_call_reads_the_window_again() -> None:
    shape = PlanShape(observation=1, action=1, horizon=2, beam=2, context=1)
    # 4 tokens a transition, prefix 1; 4 candidates step action and reward (lengths 2
    # and 3), then 2 survivors the value and the observation (4, 5), then 4 again (6, 7)
    assert naive_tokens(shape, rotary(shape)) == [
        (2, 1), (4, 2), (4, 3), (2, 4), (2, 5), (4, 6), (4, 7)
    ]  # fmt: skip


def test_learned_positions_never_read_more_than_the_window() -> None:
    shape = PlanShape()
    lengths = [length for _, length in naive_tokens(shape, learned(shape))]
    assert max(lengths) == 5 * shape.transition - 1


def test_a_plan_is_many_times_faster_than_full_passes() -> None:
    torch.set_num_threads(1)
    model, prefix = build(rotary(SMALL), "cpu"), known(SMALL, "cpu")
    plan = planner(model, SMALL, "cpu")
    cached = clock(lambda: plan(prefix), "cpu", repeats=2)
    naive, _ = naive_seconds(model, SMALL, "cpu")
    assert naive > 4 * cached


def test_the_clock_returns_the_median() -> None:
    pauses = iter([0.0, 0.02, 0.0, 0.03])
    assert 0.02 <= clock(lambda: time.sleep(next(pauses)), "cpu", repeats=3) < 0.03


def test_peak_memory_sees_what_was_freed_again() -> None:
    found = peak_memory(lambda: torch.ones(25_000_000).sum(), "cpu")
    assert found is None or found > 80e6


def test_seeds_at_once_are_timed_beside_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(seeds, "_SIZES", (8,))
    critics, clones = seeds.measure_seeds("cpu", Peaks(1e12, 1e12))
    assert critics.name == "IQL, 3 seeds at once, 8"
    assert clones.name == "clone, 3 seeds at once, 8"
    for row in (critics, clones):
        assert 1e-5 < row.seconds < 3 * row.reference_seconds


def test_the_table_names_ratio_and_distance_to_the_floor() -> None:
    row = Measurement("plan", 2.0, "naive", 90.0, floor=0.5, memory=3e6)
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(tabulate_speed([row]))
    text = console.export_text()
    assert "45.0" in text
    assert "4.0" in text
    assert "3 MB" in text


def test_the_table_fits_a_hundred_columns_with_nothing_cut() -> None:
    row = Measurement(
        *("10 plans together, hopper", 0.0598, "searchsorted", 59.8),
        floor=1e-4,
        rate="1,836,000 tokens/s",
        memory=1234e6,
    )
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(tabulate_speed([row]))
    text = console.export_text()
    for cell in (row.name, "59.8 ms", row.reference, "1000.0", row.rate, "1234 MB"):
        assert cell in text
    assert "…" not in text


def test_the_floor_is_the_longer_of_arithmetic_and_traffic() -> None:
    peaks = Peaks(operations=10.0, traffic=5.0)
    assert peaks.floor(20.0, 5.0) == 2.0
    assert peaks.floor(20.0, 15.0) == 3.0
