"""Run torch on one thread: tests are small, and threads that wait slow them tenfold."""

from importlib.util import find_spec

if find_spec("torch"):  # tt-tokenize is tested without it
    import torch

    torch.set_num_threads(1)
