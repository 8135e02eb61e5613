"""The command `speed`: measure, print and keep the numbers."""

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import torch
from rich.console import Console

from tt_bench.agents import check_device
from tt_bench.files import remove_strays, write_json
from tt_bench.runs import as_path
from tt_bench.speed import (
    Measurement,
    Peaks,
    measure_critic,
    measure_growth,
    measure_peaks,
    measure_plans,
    measure_seeds,
    measure_tokenizer,
    measure_training,
    tabulate_growth,
    tabulate_speed,
)

_PARTS: dict[str, Callable[[str, Peaks], Iterator[Measurement]]] = {
    "tokenize": measure_tokenizer,
    "plan": measure_plans,
    "train": measure_training,
    "critic": measure_critic,
    "seeds": measure_seeds,
}


@attrs.frozen
class Speed:
    """Time planning, training, tokenizing and the critic; about 4 minutes.

    Every row has a reference measured in the same run, and the floor: the least time
    that its arithmetic takes at this machine's matmul peak, or its memory traffic at
    the bandwidth of a copy, whichever is longer.

    Attributes:
        device: Where to plan and train, such as cpu or cuda.
        parts: What to measure: tokenize, plan, train, critic, seeds.
        growth: Also measure how a plan's time grows with its size; 5 minutes more.
        output: JSON file for the numbers.
    """

    device: str = "cpu"
    parts: tuple[str, ...] = tuple(_PARTS)
    growth: bool = False
    output: Path = attrs.field(default=Path(".tt/speed.json"), converter=as_path)


def run_speed(options: Speed, console: Console) -> None:
    """Measure, print the table and write the numbers."""
    unknown = sorted(set(options.parts) - set(_PARTS))
    if unknown:
        raise ValueError(
            f"expected parts out of {', '.join(_PARTS)}; got {', '.join(unknown)}"
        )
    check_device(options.device)
    began = time.perf_counter()
    peaks = measure_peaks(options.device)
    console.print(
        f"{options.device}, {torch.get_num_threads()} threads: matmul peak "
        f"{peaks.operations / 1e9:.0f} GFLOP/s, copy {peaks.traffic / 1e9:.0f} GB/s; "
        "about 4 minutes",
        highlight=False,
    )
    found: list[Measurement] = []
    for part in options.parts:
        with console.status(f"{part} ..."):
            found.extend(_PARTS[part](options.device, peaks))
    console.print(tabulate_speed(found), highlight=False)
    for row in found:
        if row.note:
            console.print(f"{row.name}: {row.note}", highlight=False)
    growth = _grow(options, console)
    _write(options, peaks, found, growth)
    console.print(
        f"{time.perf_counter() - began:.0f} s; numbers in {options.output}",
        highlight=False,
    )


def _grow(options: Speed, console: Console) -> list[dict[str, Any]]:
    if not options.growth:
        return []
    with console.status("growth ..."):
        curves = list(measure_growth(options.device))
    console.print(tabulate_growth(curves), highlight=False)
    return [curve._asdict() for curve in curves]


def _write(
    options: Speed, peaks: Peaks, rows: Sequence[Measurement], growth: list[Any]
) -> None:
    content = {
        "device": options.device,
        "threads": torch.get_num_threads(),
        "machine": platform.platform(),
        "torch": torch.__version__,
        "peaks": peaks._asdict(),
        "rows": [row._asdict() for row in rows],
        "growth": growth,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    remove_strays(options.output.parent)
    write_json(options.output, content)
