"""Actions from -1 to 1, for methods that are told of no other bounds."""

from collections.abc import Callable

import torch
from torch import Tensor

from tt_bench.agents import FunctionAgent
from tt_bench.interface import FloatArray
from tt_bench.methods.critic import Units, judged_transitions
from tt_bench.methods.method import Context
from tt_bench.methods.task import Task
from tt_critic import Batch, as_batch


def _box(task: Task, device: torch.device) -> tuple[Tensor, Tensor]:
    low, high = torch.from_numpy(task.low), torch.from_numpy(task.high)
    return ((high + low) / 2).to(device), ((high - low) / 2).to(device)


def to_unit(actions: Tensor, task: Task) -> Tensor:
    """Map actions [..., Da] within the bounds of a task to -1 to 1."""
    middle, reach = _box(task, actions.device)
    return (actions - middle) / reach


def from_unit(actions: Tensor, task: Task) -> Tensor:
    """Map actions [..., Da] from -1 to 1 to the bounds of a task."""
    middle, reach = _box(task, actions.device)
    return middle + reach * actions


def unit_batch(context: Context, units: Units) -> Batch:
    """Put all transitions on the device, with rewards in units and unit actions."""
    task = context.joined
    transitions = judged_transitions(context.episodes, task, units)
    data = as_batch(transitions, (task.low, task.high), context.device)
    return data._replace(actions=to_unit(data.actions, task))


def policy_agent(context: Context, policy: Callable[[Tensor], Tensor]) -> FunctionAgent:
    """Act by a policy from observations [B, Do] to actions [B, Da]."""

    @torch.no_grad()
    def act(observations: FloatArray) -> FloatArray:
        seen = torch.from_numpy(observations).to(context.device)
        actions: FloatArray = policy(seen).cpu().numpy()
        return actions

    return FunctionAgent(act, context.joined.low, context.joined.high)


def unit_agent(context: Context, policy: Callable[[Tensor], Tensor]) -> FunctionAgent:
    """Act by a policy from observations [B, Do] to actions [B, Da] from -1 to 1."""
    return policy_agent(context, lambda seen: from_unit(policy(seen), context.joined))
