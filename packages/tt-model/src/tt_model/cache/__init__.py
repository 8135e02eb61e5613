"""Reading a token at a time, each once: keys and values of the past are kept."""

from tt_model.cache.decoder import Decoder, State

__all__ = ["Decoder", "State"]
