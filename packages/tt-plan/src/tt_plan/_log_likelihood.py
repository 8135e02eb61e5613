"""Judge by how likely the model finds the tokens."""

import torch
from torch import Tensor

from tt_plan._interface import Outcome


class LogLikelihood:
    """Take the log-likelihood, in nats, of a transition's tokens as the reward.

    The probability is the model's own, the stop token's share included, computed in
    float32 at least. Plan with a discount of 1. An ended row earns nothing more, the
    end itself included; `likelihood_search` counts it, and branches at every token.
    """

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the log-likelihood [R] as reward, and a value of 0."""
        precision = torch.promote_types(logits.dtype, torch.float32)
        likelihoods = logits.log_softmax(-1, dtype=precision)
        reward = likelihoods.gather(-1, tokens[..., None]).sum((1, 2))
        return Outcome(reward, torch.zeros_like(reward))
