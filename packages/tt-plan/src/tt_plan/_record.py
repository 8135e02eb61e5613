"""Record a planner once as a CUDA graph and replay it."""

import contextlib
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from tt_plan._checked import NoPlanError, missing_plans, no_plan
from tt_plan._history import Plan

Planner = Callable[[Tensor, torch.Generator], Plan]
_WARM_UPS = 2


class _Recording(NamedTuple):
    graph: torch.cuda.CUDAGraph
    generator: torch.Generator
    prefix: Tensor  # [E, T], read by the graph
    plan: Plan  # written by the graph


class Recorded:
    """Plan by replaying a CUDA graph: the device waits for no launch.

    The first prefix of a shape is planned a few times to warm up and then recorded,
    which takes seconds; later ones are replayed. Environments are padded with copies of
    the last one to the next power of two, so that few shapes occur. A plan is the same
    as without recording, and draws the same random numbers where nothing was padded.
    Prefixes on other devices are planned without recording.

    The model must not wait for the device and must keep its weights in place, as
    `tt_model` does on CUDA. Once a graph has been replayed, the scores are read to see
    that there is a plan; if not, the planner is asked again, to say why.
    """

    def __init__(self, planner: Planner) -> None:
        """Take planner(prefix [E, T], generator), such as a partial `beam_search`."""
        self._planner = planner
        self._recordings: dict[tuple[int, ...], _Recording] = {}

    def __call__(self, prefix: Tensor, generator: torch.Generator) -> Plan:
        """Return the plan for a prefix int64 [E, T]; advances the generator.

        Raises:
            ValueError: whatever the planner refuses, or an environment without a
                sequence of finite score.
        """
        if prefix.device.type != "cuda":
            return self._planner(prefix, generator)
        before, padded = generator.get_state(), _pad(prefix)
        recorded = self._replay(padded, generator)
        plan = Plan(*(part[: len(prefix)].clone() for part in recorded))
        missing = missing_plans(plan)
        if missing:
            self._planner(padded, generator.set_state(before))
            raise no_plan(missing, "planned again without the graph it has one")
        return plan

    def _replay(self, padded: Tensor, generator: torch.Generator) -> Plan:
        """Return the plan of the graph, which the next replay writes over."""
        key = tuple(padded.shape)
        if key not in self._recordings:
            self._recordings[key] = _record(self._planner, padded)
        recording = self._recordings[key]
        recording.prefix.copy_(padded)
        recording.generator.set_state(generator.get_state())
        recording.graph.replay()
        generator.set_state(recording.generator.get_state())
        return recording.plan


def _pad(prefix: Tensor) -> Tensor:
    """Repeat the last row up to a power of two."""
    missing = (1 << (len(prefix) - 1).bit_length()) - len(prefix)
    return torch.cat([prefix, prefix[-1:].expand(missing, -1)]) if missing else prefix


def _record(planner: Planner, prefix: Tensor) -> _Recording:
    given = prefix.clone()
    generator = torch.Generator(prefix.device).manual_seed(0)
    warm_up = torch.cuda.Stream(prefix.device)  # type: ignore[no-untyped-call]
    warm_up.wait_stream(torch.cuda.current_stream(prefix.device))
    with torch.cuda.stream(warm_up):  # buffers, tables and kernels are made before
        for _ in range(_WARM_UPS):
            with contextlib.suppress(NoPlanError):  # other draws may have a plan
                planner(given, generator)
    torch.cuda.current_stream(prefix.device).wait_stream(warm_up)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        plan = planner(given, generator)
    return _Recording(graph, generator, given, plan)
