"""Judge by how likely the model finds the tokens."""

import torch
from torch import Tensor

from tt_plan._interface import Outcome


class LogLikelihood:
    """Take the log-likelihood, in nats, of a transition's tokens as the reward.

    The probability is the model's own, the stop token's share included. Plan with a
    discount of 1. An ended row earns nothing more, the end itself included;
    `likelihood_search` counts the end, and branches at every token.
    """

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the log-likelihood [R] as reward, and a value of 0."""
        likelihood = logits.log_softmax(-1).gather(-1, tokens[..., None])
        reward = likelihood.sum((1, 2))
        return Outcome(reward, torch.zeros_like(reward))
