"""A distribution over token sequences: network, cache and training."""

from tt_model._checkpoint import load, save
from tt_model._config import TransformerConfig
from tt_model._data import Sequences
from tt_model._history import Epoch, Progress
from tt_model._original import load_original
from tt_model._train_config import TrainConfig
from tt_model._training import train
from tt_model._transformer import State, TrajectoryTransformer

__all__ = [
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
