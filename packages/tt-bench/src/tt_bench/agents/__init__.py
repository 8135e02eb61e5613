"""What acts: start, act, observe. Knows tokens and planners, no training, no files."""

from tt_bench.agents.chunked import ChunkAgent
from tt_bench.agents.device import check_device
from tt_bench.agents.simple import FunctionAgent, RandomAgent
from tt_bench.agents.transformer import TransformerAgent

__all__ = [
    "ChunkAgent",
    "FunctionAgent",
    "RandomAgent",
    "TransformerAgent",
    "check_device",
]
