"""Implicit Q-learning's policy (arXiv 2110.06169)."""

from tt_bench.agents import FunctionAgent
from tt_bench.interface import FloatArray
from tt_bench.methods.critic import CRITIC, find_critic
from tt_bench.methods.method import Context, Method, Prepared, stepwise


def _iql(context: Context) -> Prepared:
    trained = find_critic(context)
    critic = trained.critic

    def act(observations: FloatArray) -> FloatArray:
        actions: FloatArray = critic.act(observations).cpu().numpy()
        return actions

    agent = FunctionAgent(act, context.joined.low, context.joined.high)
    return Prepared(stepwise(context, agent), trained.steps, trained.seconds)


IQL = Method(
    _iql,
    "implicit Q-learning's policy",
    networks=(CRITIC,),
    parts=("executed",),
    published_as=lambda _: "IQL",
)
