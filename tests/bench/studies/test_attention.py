"""Attention against what the network computes with it, and its shares by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tt_bench.studies.attention import mean_attention, shares
from tt_model import TrajectoryTransformer, TransformerConfig
from tt_tokenize import Layout


def test_values_weighed_by_it_are_what_the_network_mixes() -> None:
    torch.manual_seed(0)
    config = TransformerConfig(
        vocabulary=6, transition=4, layers=2, heads=2, width=8, window=3, span=3
    )
    model = TrajectoryTransformer(config).eval()
    tokens = torch.randint(6, (1, 12))
    seen: list[tuple[Tensor, Tensor]] = []

    def keep(attention: Any, given: Any, out: Tensor) -> None:
        _, _, values = attention.project(given[0], given[1], 0)
        seen.append((values, out))

    hooks = [block.attn.register_forward_hook(keep) for block in model.layers]
    weights = mean_attention(model, tokens)
    for hook in hooks:
        hook.remove()
    assert weights.shape == (2, 2, 12, 12)
    np.testing.assert_allclose(weights.sum(3), 1, rtol=1e-5)
    assert (np.triu(weights, 1) == 0).all()
    for layer, (values, out) in enumerate(seen):
        mixed = np.einsum("hqk,khd->qhd", weights[layer], values[0].numpy())
        projection = model.layers[layer].attn.proj
        expected = projection(torch.from_numpy(mixed).float().flatten(1))
        torch.testing.assert_close(out[0], expected, rtol=1e-4, atol=1e-5)


def test_shares_are_of_the_transition_before_and_of_earlier_actions() -> None:
    """Three transitions of an observation, an action, a reward and a value."""
    weights = np.zeros((1, 1, 12, 12))
    weights[0, 0, range(12), range(12)] = 1.0
    # the second observation is foretold at 3, the third at 7
    weights[0, 0, 3] = np.eye(12)[2] * 0.5 + np.eye(12)[3] * 0.5  # all of the first
    weights[0, 0, 7] = np.eye(12)[0] * 0.8 + np.eye(12)[6] * 0.2
    # the second action is foretold at 4, the third at 8
    weights[0, 0, 4] = np.eye(12)[1] * 0.6 + np.eye(12)[0] * 0.4
    weights[0, 0, 8] = np.eye(12)[1] * 0.1 + np.eye(12)[5] * 0.2 + np.eye(12)[7] * 0.7
    found = shares(weights, Layout(1, 1))
    assert found["markovian"] == pytest.approx((1.0 + 0.2) / 2)
    assert found["smoothing"] == pytest.approx((0.6 + 0.3) / 2)
