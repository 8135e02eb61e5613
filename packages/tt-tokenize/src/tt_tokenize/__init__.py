"""Turn numbers into tokens and back."""

from tt_tokenize._bins import Bins
from tt_tokenize._layout import Layout, join
from tt_tokenize._quantile import QuantileBins
from tt_tokenize._returns import reward_to_go
from tt_tokenize._store import load, save
from tt_tokenize._uniform import UniformBins

__all__ = [
    "Bins",
    "Layout",
    "QuantileBins",
    "UniformBins",
    "join",
    "load",
    "reward_to_go",
    "save",
]
