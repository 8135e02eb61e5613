"""What `ring_step.step` does, in one call of a compiled library: see step.cpp."""

import ctypes

import torch
from torch import Tensor

from tt_model._positions import rotary_table
from tt_model._transformer import TrajectoryTransformer
from tt_model.cache.library import load_library
from tt_model.cache.places import list_seen, place
from tt_model.cache.recent import Recent
from tt_model.cache.ring_step import RingState, begin_step
from tt_model.cache.weights import Weights, read_weights

ROWS_OF_A_THREAD = 256  # at least, where there are several threads
_NAMES = {torch.float32: "step_float", torch.float64: "step_double"}


class _Step(ctypes.Structure):
    _fields_ = [
        *(
            (name, ctypes.c_void_p)
            for name in (
                *("layers", "x", "out", "norm", "shift", "cosine", "sine"),
                *("table", "pad", "keys", "values", "seen", "ages"),
            )
        ),
        *(
            (name, ctypes.c_int64)
            for name in (
                *("count", "depth", "rows", "room", "slots", "width", "heads"),
                *("hidden", "size", "transition", "slot", "threads"),
            )
        ),
        ("epsilon", ctypes.c_double),
    ]


def prepare(model: TrajectoryTransformer) -> Weights | None:
    """Lay out the weights for `step`; None where the network can't be stepped so."""
    weight = model.head.weight
    if weight.device.type != "cpu" or weight.dtype not in _NAMES:
        return None
    library = load_library()
    if library is None:
        return None
    return read_weights(model, ctypes.c_int64.in_dll(library, "panel_bytes").value)


def _count_threads(rows: int) -> int:
    """Return how many threads read a token a row: new ones take long to begin."""
    return max(1, min(torch.get_num_threads(), rows // ROWS_OF_A_THREAD))


def step(
    model: TrajectoryTransformer, tokens: Tensor, state: RingState
) -> tuple[Tensor, Recent]:
    """Do what `ring_step.step` does, with the weights of the state."""
    library, weights = load_library(), state.weights
    assert library is not None
    assert weights is not None
    x, recent = begin_step(model, tokens, state)
    x, out = x.contiguous(), torch.empty_like(x, memory_format=torch.contiguous_format)
    config, index = model.config, state.position
    rotary = rotary_table(config, index, index + 1, x)
    here, (seen, ages) = place(config, index), list_seen(config, index, x.device)
    called = _Step(
        layers=ctypes.addressof(weights.at(index)),
        x=x.data_ptr(),
        out=out.data_ptr(),
        norm=weights.last[0].data_ptr(),
        shift=weights.last[1].data_ptr(),
        cosine=rotary.cosine.data_ptr(),
        sine=None if rotary.sine is None else rotary.sine.data_ptr(),
        table=state.table.data_ptr(),
        pad=state.pad.data_ptr(),
        keys=state.keys.data_ptr(),
        values=state.values.data_ptr(),
        seen=seen.data_ptr(),
        ages=ages.data_ptr(),
        count=seen.shape[0],
        depth=config.layers,
        rows=state.rows,
        room=state.keys.shape[2],
        slots=state.keys.shape[1],
        width=config.width,
        heads=config.heads,
        hidden=4 * config.width,
        size=config.transition,
        transition=here.transition,
        slot=-1 if here.slot is None else here.slot,
        threads=_count_threads(state.rows),
        epsilon=model.ln_f.eps,
    )
    getattr(library, _NAMES[x.dtype])(ctypes.byref(called))
    return out, recent
