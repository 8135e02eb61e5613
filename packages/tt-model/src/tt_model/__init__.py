"""A distribution over token sequences: network, cache and training."""

from tt_model._cache import State
from tt_model._config import TransformerConfig
from tt_model._original import load_original
from tt_model._transformer import TrajectoryTransformer

__all__ = ["State", "TrajectoryTransformer", "TransformerConfig", "load_original"]
