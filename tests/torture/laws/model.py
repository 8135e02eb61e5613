"""Laws of tt_model."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tt_model
from torture import tiny
from torture.arrays import as_tensor, flags, integers, near
from torture.laws.law import Law
from torture.values import (
    choice,
    just,
    maybe,
    options,
    paths,
    real,
    record,
    small,
    whole,
)
from tt_model import Decoder, Sequences, TrainConfig, TransformerConfig

_TOKENS = as_tensor(integers(2, 6, low=0, high=tiny.BINS))
_SEQUENCES = record(
    Sequences,
    tokens=integers(12, 5, low=0, high=7, dtype=np.uint8),
    ends=near(np.array(tiny.ENDS)),
    terminated=flags(3),
)
_DEVICES = choice("cpu", torch.device("cpu"))
_MODELS = just(
    lambda draws: tiny.model("rotary" if draws.random() < 0.5 else "learned"),
    tt_model.TrajectoryTransformer,
)


_RIGHT_MODELS = _MODELS._replace(nasty=_MODELS.right)


def _first(model: Any, plain: Any) -> Any:
    return Decoder(model, plain=plain).start(torch.ones(1, 3).long())[0]


def _step(tokens: Any) -> Any:
    decoder = tiny.decoder()
    _, state = decoder.start(torch.zeros(3, 6, dtype=torch.int64))
    return decoder.step(tokens, state)[0]


def _train(data: Any, steps: Any, batch: Any, held_out: Any, parts: Any) -> Any:
    config = TrainConfig(steps=steps, batch=batch, transitions=2, report_every=1)
    model = tt_model.TrajectoryTransformer(tiny.model().config)
    tt_model.train(model, data, config, held_out=held_out, parts=parts)
    return model.state_dict()


def _load(path: Any, device: Any) -> Any:
    tt_model.save(tiny.model(), Path("m.safetensors"))
    return tt_model.load(path, device=device).state_dict()


LAWS = [
    Law(
        "tt_model.TransformerConfig",
        TransformerConfig,
        {
            "vocabulary": whole(2, 9),
            "transition": whole(2, 5),
            "layers": whole(1, 2),
            "heads": whole(1, 2),
            "width": choice(8, 16),
            "positions": choice("rotary", "learned"),
            "window": whole(1, 3),
            "span": whole(3, 4),
            "masked": options(
                *((-1,), (), (1,)), odd=((0,), (9,), (0.5,), (-9,)), types=(tuple,)
            ),
            "dropout": real(0, 0.9),
        },
    ),
    Law(
        "tt_model.TrainConfig",
        TrainConfig,
        {
            "steps": whole(1, 9),
            "batch": whole(1, 9),
            "transitions": whole(1, 3),
            "learning_rate": real(0.001, 1),
            "betas": options(
                (0.9, 0.95),
                odd=((2, 1), (0.9,), (-1.0, 0.5), (math.nan, 0.5)),
                types=(tuple,),
            ),
            "weight_decay": real(0, 1),
            "gradient_norm": real(0.1, 1),
            "warmup_steps": maybe(whole(0, 1)),
            "decay_steps": maybe(whole(2, 3)),
            "final_fraction": real(0, 1),
            "loss_weights": options(
                *(None, (1.0, 5.0)),
                odd=((), (-1.0,), (math.nan,), (0.0, 0.0), (math.inf,)),
                types=(tuple, type(None)),
            ),
            "steps_per_epoch": maybe(whole(1, 9)),
            "checkpoint_every": whole(1, 9),
            "report_every": whole(1, 9),
            "seed": whole(0, 2**40),
            "precision": choice("32-true", "tf32", "bf16-mixed"),
            "compile": choice(False, True),
        },
    ),
    Law(
        "tt_model.TrajectoryTransformer",
        lambda config: tt_model.TrajectoryTransformer(config).state_dict(),
        {"config": just(lambda _: tiny.model().config, TransformerConfig)},
    ),
    Law(
        "tt_model.TrajectoryTransformer.forward",
        lambda model, tokens: model(tokens),
        {"model": _RIGHT_MODELS, "tokens": _TOKENS},
    ),
    Law(
        "tt_model.TrajectoryTransformer.next_logits",
        lambda model, tokens: model.next_logits(tokens),
        {"model": _RIGHT_MODELS, "tokens": _TOKENS},
    ),
    Law(
        "tt_model.Decoder",
        _first,
        {"model": _MODELS, "plain": choice(True, False)},
    ),
    Law(
        "tt_model.Decoder.start",
        lambda plain, prefix: Decoder(tiny.model(), plain=plain).start(prefix)[0],
        {"plain": choice(True, False), "prefix": _TOKENS},
    ),
    Law(
        "tt_model.Decoder.step",
        _step,
        {"tokens": as_tensor(integers(3, low=0, high=tiny.BINS))},
    ),
    Law(
        "tt_model.train",
        _train,
        {
            "data": _SEQUENCES,
            "steps": small(1, 2),
            "batch": small(1, 4),
            "held_out": maybe(_SEQUENCES),
            "parts": options(
                *(None, {"all": slice(0, 5)}),
                odd=(
                    {"none": slice(0, 0)},
                    {"far": slice(9, 12)},
                    {"back": slice(4, 1)},
                ),
                types=(dict, type(None)),
            ),
        },
    ),
    Law(
        "tt_model.save",
        tt_model.save,
        {"model": _MODELS, "path": paths("model.safetensors")},
        (ValueError, OSError),
    ),
    Law(
        "tt_model.load",
        _load,
        {"path": paths("m.safetensors"), "device": _DEVICES},
        (ValueError, OSError),
    ),
    Law(
        "tt_model.load_original",
        tt_model.load_original,
        {
            "source": paths("original.pt"),
            "heads": whole(1, 2),
            "window": whole(1, 2),
        },
        (ValueError, OSError),
    ),
]
