"""Implicit Q-learning's policy (arXiv 2110.06169)."""

from functools import partial

from tt_bench.agents import FunctionAgent
from tt_bench.interface import Agent, FloatArray
from tt_bench.methods.critic import CRITIC, find_critic
from tt_bench.methods.method import Context, Method, Prepared, stepwise
from tt_critic import Critic


def _iql(context: Context) -> Prepared:
    trained = find_critic(context, partial(_agent, context))
    agent = _agent(context, trained.critic)
    return Prepared(agent, trained.steps, trained.seconds)


def _agent(context: Context, critic: Critic) -> Agent:
    def act(observations: FloatArray) -> FloatArray:
        actions: FloatArray = critic.act(observations).cpu().numpy()
        return actions

    agent = FunctionAgent(act, context.joined.low, context.joined.high)
    return stepwise(context, agent)


IQL = Method(
    _iql,
    "implicit Q-learning's policy",
    networks=(CRITIC,),
    parts=("executed",),
    published_as=lambda _: "IQL",
)
