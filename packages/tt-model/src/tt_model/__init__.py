"""A distribution over token sequences: network, cache and training."""

from tt_model._config import TransformerConfig
from tt_model._model_file import load, save
from tt_model._original import load_original
from tt_model._transformer import TrajectoryTransformer
from tt_model.cache import Decoder, State
from tt_model.training import Epoch, Progress, Sequences, TrainConfig, train

__all__ = [
    "Decoder",
    "Epoch",
    "Progress",
    "Sequences",
    "State",
    "TrainConfig",
    "TrajectoryTransformer",
    "TransformerConfig",
    "load",
    "load_original",
    "save",
    "train",
]
