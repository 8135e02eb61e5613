"""What acts: start, act, observe. Knows tokens and planners, no training, no files."""

from tt_bench.agents.chunked import ChunkAgent
from tt_bench.agents.continuing import ContinuingAgent
from tt_bench.agents.device import check_device
from tt_bench.agents.simple import FunctionAgent, RandomAgent
from tt_bench.agents.transformer import TransformerAgent

__all__ = [
    "ChunkAgent",
    "ContinuingAgent",
    "FunctionAgent",
    "RandomAgent",
    "TransformerAgent",
    "check_device",
]
