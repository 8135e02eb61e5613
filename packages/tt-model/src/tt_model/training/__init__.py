"""From tokens of episodes to a trained network, in runs that can be resumed."""

from tt_model.training.config import TrainConfig
from tt_model.training.data import Sequences
from tt_model.training.history import Epoch, Progress
from tt_model.training.train import train

__all__ = ["Epoch", "Progress", "Sequences", "TrainConfig", "train"]
