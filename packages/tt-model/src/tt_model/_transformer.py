"""The network: from tokens to a distribution over the next token.

Axes: B batch, T time in tokens, n some of them, D features, P positions of a
transition, V bins. It remembers nothing; `cache` runs the same weights over what was
read.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tt_model._blocks import Block
from tt_model._config import TransformerConfig
from tt_model._inputs import TransitionInput
from tt_model._outputs import Head, RelativeHead
from tt_model._per_position import PositionLinear
from tt_model._positions import rotary_table, visible, with_padding
from tt_model._tokens import check_tokens, check_values


class TrajectoryTransformer(nn.Module):
    """Model sequences of trajectory tokens (arXiv 2106.02039).

    Every position of a transition has its own embedding rows and its own output
    head. Tokens at the masked positions (the value token) are never attended to.
    Sequences begin at a transition boundary; a row with less history is padded on
    the left with whole transitions of -1, which changes nothing for the rest.

    Every token costs a pass over all of them here; `Decoder` reads one at a time.
    """

    def __init__(self, config: TransformerConfig) -> None:
        """Allocate and initialise the network; randomness is torch's global one."""
        super().__init__()
        self.config = config
        if config.inputs == "token":
            rows = config.transition * config.vocabulary + 1
            self.tok_emb = nn.Embedding(rows, config.width)
        else:
            self.stem = TransitionInput(config)
        if config.positions == "learned":
            length = config.span * config.transition
            self.pos_emb = nn.Parameter(torch.zeros(1, length, config.width))
        self.drop = nn.Dropout(config.dropout)
        silent = config.layers - config.attending_layers
        self.blocks = nn.ModuleList(
            Block(config, attends=layer >= silent) for layer in range(config.layers)
        )
        self.ln_f = nn.LayerNorm(config.width)
        relative = config.outputs == "relative"
        self.head = RelativeHead(config) if relative else Head(config)
        self.apply(_initialise)
        if config.inputs == "transition":
            for block in self.layers:
                block.initialise_as_identity()

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits after every token.

        Args:
            tokens: Integers [B, T]; 0..V-1 bins, V stop, -1 left padding (in
                evaluation mode only).

        Returns:
            Logits [B, T, V + 1] for the token that follows each position.

        Raises:
            ValueError: If tokens has another rank, or is longer than learned
                positions reach; in evaluation mode if a token is none of these.
        """
        x, rest = self._features(tokens), -tokens.shape[1] % self.config.transition
        logits: Tensor = self.head(F.pad(x, (0, 0, 0, rest)), F.pad(tokens, (0, rest)))
        return logits[:, : tokens.shape[1]]

    @torch.no_grad()
    def next_logits(self, tokens: Tensor) -> Tensor:
        """Return the logits after the last token by one full pass, without a cache.

        This is the definition that a `Decoder` agrees with: "rotary" reads everything,
        "learned" the last `window * P - 1` tokens in whole transitions.

        Args:
            tokens: Integers [B, T].

        Returns:
            Logits [B, V + 1].
        """
        check_tokens(tokens)
        check_values(tokens, self.config)
        tokens = self.crop(tokens)
        position = (tokens.shape[1] - 1) % self.config.transition
        last = self.last_of_next(tokens)
        return self.head.at(self._features(tokens)[:, -1], position, last)

    @property
    def layers(self) -> list[Block]:
        """The blocks, first to last."""
        return cast(list[Block], list(self.blocks))

    def last_of_next(self, tokens: Tensor) -> Tensor | None:
        """Return the last token [B] of the column that follows tokens [B, T].

        It is -1 where there is none; None where the head asks for none at all.
        """
        size, length = self.config.transition, tokens.shape[1]
        if self.config.outputs == "table" or self.config.is_masked(length):
            return None
        known = tokens.long()[:, max(0, length - size)]
        return known if length >= size else torch.full_like(known, -1)

    def crop(self, tokens: Tensor) -> Tensor:
        """Drop the transitions that a "learned" model can't see while planning."""
        if self.config.positions == "rotary":
            return tokens
        size = self.config.transition
        excess = max(0, tokens.shape[1] - (self.config.window * size - 1))
        return tokens[:, math.ceil(excess / size) * size :]

    def embed(self, tokens: Tensor, start: int, pad: Tensor | None) -> Tensor:
        """Embed tokens [B, n] that stand at indices start, start + 1, ... [B, n, D].

        Where the input is more than a token's, they begin with a sequence: start is 0.
        pad [B] counts the padding tokens of each row; positions count from there.
        """
        if self.config.inputs == "transition":
            whole: Tensor = self.stem(tokens)
            return whole
        bins, length = self.config.vocabulary, tokens.shape[1]
        index: int | Tensor = start  # of one token, as a planner reads them
        if length > 1 or self.config.positions == "learned":
            index = torch.arange(start, start + length, device=tokens.device)
        rows = tokens + index % self.config.transition * bins
        real = (tokens >= 0) & (tokens < bins)
        x = self.tok_emb(torch.where(real, rows, self.tok_emb.num_embeddings - 1))
        if isinstance(index, Tensor) and self.config.positions == "learned":
            if pad is not None:
                index = (index - pad[:, None]).clamp(min=0)
            x = x + self.pos_emb[0, index]
        out: Tensor = x
        return out

    def _features(self, tokens: Tensor) -> Tensor:
        """Return the final features [B, T, D] by a full pass."""
        check_tokens(tokens)
        if not self.training:
            check_values(tokens, self.config)
        tokens, length = tokens.long(), tokens.shape[1]
        reach = self.config.span * self.config.transition
        if self.config.positions == "learned" and length > reach:
            raise ValueError(
                f"learned positions reach {reach} tokens (span={self.config.span} "
                f"transitions); got {length}: raise span or use rotary positions"
            )
        index = torch.arange(length, device=tokens.device)
        mask = visible(self.config, index, index)
        pad = None if self.training else (tokens < 0).sum(1)
        if pad is not None and pad.any():
            mask = with_padding(mask, pad)
        x = self.drop(self.embed(tokens, 0, pad))
        rotary = rotary_table(self.config, 0, length, x)
        for block in self.layers:
            x = block(x, rotary, mask)
        out: Tensor = self.ln_f(x)
        return out


def unwrap(model: nn.Module) -> TrajectoryTransformer:
    """Return the network within what `torch.compile` or a parallel module made of it.

    Raises:
        ValueError: If there is none.
    """
    inner: object = model
    while not isinstance(inner, TrajectoryTransformer):
        if not isinstance(inner, nn.Module):
            raise ValueError(
                "expected a TrajectoryTransformer, or what torch.compile or a parallel "
                f"module made of one; got a {type(model).__name__}"
            )
        inner = getattr(inner, "_orig_mod", getattr(inner, "module", None))
    return inner


def _initialise(module: nn.Module) -> None:
    if isinstance(module, TransitionInput | RelativeHead):  # after what they hold
        module.initialise()
    if isinstance(module, nn.Linear | nn.Embedding | Head | PositionLinear):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
