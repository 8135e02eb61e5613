"""Checkpoints of the paper's code give the same logits here.

`reference` is the original architecture written a second time, from its description
alone and straight from the state dict: absolute positions, value keys masked, one
bias-free output per position of a transition.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tt_model import Decoder, load_original

V, P, D, HEADS, LAYERS, LENGTH = 11, 6, 32, 4, 3, 35


def state_dict() -> dict[str, Tensor]:
    """Draw weights under the original names and shapes."""
    torch.manual_seed(0)
    weights = {
        "tok_emb.weight": torch.randn(V * P + 1, D),
        "pos_emb": torch.randn(1, LENGTH, D),
        "head.weight": torch.randn(P, V + 1, D),
    }
    linear = {f"attn.{n}": (D, D) for n in ("key", "query", "value", "proj")}
    linear |= {"mlp.0": (4 * D, D), "mlp.2": (D, 4 * D)}
    norms = ["ln_f"]
    for i in range(LAYERS):
        norms += [f"blocks.{i}.ln1", f"blocks.{i}.ln2"]
        for name, shape in linear.items():
            weights[f"blocks.{i}.{name}.weight"] = torch.randn(shape) / shape[1] ** 0.5
            weights[f"blocks.{i}.{name}.bias"] = torch.randn(shape[0])
        mask = torch.tril(torch.ones(LENGTH, LENGTH))
        mask[:, P - 1 :: P] = 0
        weights[f"blocks.{i}.attn.mask"] = mask.view(1, 1, LENGTH, LENGTH)
    for name in norms:
        weights[f"{name}.weight"] = torch.rand(D) + 0.5
        weights[f"{name}.bias"] = torch.randn(D)
    return weights


def reference(weights: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """Return logits [T, V + 1] for tokens [T], one query and head at a time."""
    length = len(tokens)
    rows = [
        V * P if token == V else int(token) + V * (t % P)
        for t, token in enumerate(tokens.tolist())
    ]
    x = weights["tok_emb.weight"][rows] + weights["pos_emb"][0, :length]
    for i in range(LAYERS):

        def apply(name: str, h: Tensor, i: int = i) -> Tensor:
            prefix = f"blocks.{i}.{name}"
            return F.linear(h, weights[prefix + ".weight"], weights[prefix + ".bias"])

        def norm(name: str, h: Tensor) -> Tensor:
            return F.layer_norm(
                h, (D,), weights[name + ".weight"], weights[name + ".bias"]
            )

        h = norm(f"blocks.{i}.ln1", x)
        q, k, v = (apply(f"attn.{name}", h) for name in ("query", "key", "value"))
        mixed = torch.zeros(length, D)
        for head in range(HEADS):
            part = slice(head * D // HEADS, (head + 1) * D // HEADS)
            for t in range(length):
                keys = [j for j in range(t + 1) if j % P != P - 1]
                scores = k[keys, part] @ q[t, part] / (D // HEADS) ** 0.5
                mixed[t, part] = scores.softmax(0) @ v[keys, part]
        x = x + apply("attn.proj", mixed)
        h = norm(f"blocks.{i}.ln2", x)
        x = x + apply("mlp.2", F.gelu(apply("mlp.0", h)))
    x = F.layer_norm(x, (D,), weights["ln_f.weight"], weights["ln_f.bias"])
    return torch.stack([weights["head.weight"][t % P] @ x[t] for t in range(length)])


def test_the_logits_are_those_of_the_original(tmp_path: Path) -> None:
    weights = state_dict()
    torch.save(weights, tmp_path / "state_1.pt")
    model = load_original(tmp_path / "state_1.pt", heads=HEADS)
    tokens = torch.randint(0, V + 1, (LENGTH,))
    torch.testing.assert_close(
        model(tokens[None])[0], reference(weights, tokens), atol=1e-4, rtol=1e-4
    )


def test_planning_crops_as_the_original_does() -> None:
    weights = state_dict()
    model = load_original(weights, heads=HEADS, window=3)
    tokens = torch.randint(0, V, (40,))
    decoder = Decoder(model)
    logits, state = decoder.start(tokens[None, :10])
    seen = tokens[:10]
    for token in tokens[10:]:
        torch.testing.assert_close(
            logits[0], reference(weights, seen)[-1], atol=1e-4, rtol=1e-4
        )
        logits, state = decoder.step(token[None], state)
        seen = torch.cat([seen, token[None]])
        while len(seen) > 3 * P - 1:  # at most context * P - 1 tokens, in transitions
            seen = seen[P:]


def test_a_foreign_state_dict_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lacks \['tok_emb.weight'"):
        load_original({"weight": torch.zeros(1)})


def test_rows_that_do_not_fit_the_head_are_refused() -> None:
    weights = state_dict() | {"tok_emb.weight": torch.zeros(5, D)}
    with pytest.raises(ValueError, match="asks for 67 rows"):
        load_original(weights)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.pt").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(ValueError, match=r"broken.pt is not a state dict"):
        load_original(tmp_path / "broken.pt")


def spoilt(name: str, change: Callable[[Tensor], Any]) -> dict[str, Any]:
    weights: dict[str, Any] = state_dict()
    weights[name] = change(weights[name])
    return weights


@pytest.mark.parametrize("name", [n for n in state_dict() if "mask" not in n])
def test_a_lost_weight_is_named_with_its_file(tmp_path: Path, name: str) -> None:
    weights = state_dict()
    del weights[name]
    torch.save(weights, tmp_path / "lost.pt")
    with pytest.raises(ValueError, match=rf"lost.pt: .*{re.escape(name)}"):
        load_original(tmp_path / "lost.pt", heads=HEADS)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("head.weight", lambda w: w[0], "head.weight must have 3 axes"),
        ("pos_emb", lambda w: w[0], "pos_emb must have 3 axes"),
        ("head.weight", lambda w: w[:0], "head.weight must have 3 axes"),
        ("pos_emb", lambda w: w[..., :4], r"pos_emb must have shape \[1, 36, 32\]"),
        ("tok_emb.weight", lambda w: w[:, :4], r"tok_emb.weight must have shape"),
        ("blocks.1.mlp.0.bias", lambda w: w[:4], "mlp.0.bias must have shape"),
        ("blocks.1.attn.key.bias", lambda w: w[:4], "attn.key.bias, .* of one shape"),
        ("blocks.2.ln1.bias", lambda w: w * float("nan"), "not finite"),
        ("ln_f.bias", lambda w: w.cfloat(), "one floating-point type expected"),
        ("ln_f.bias", lambda w: "text", "got str under 'ln_f.bias'"),
        ("ln_f.bias", lambda w: w.to_sparse(), "got Tensor under 'ln_f.bias'"),
        (
            "head.weight",
            lambda w: torch.zeros(1, 1, 1).expand(10**4, 10**4, 10**4),
            "head.weight claims the shape .* too few numbers",
        ),
    ],
)
def test_a_weight_of_another_kind_is_named_with_its_file(
    tmp_path: Path, name: str, change: Callable[[Tensor], Any], message: str
) -> None:
    torch.save(spoilt(name, change), tmp_path / "odd.pt")
    with pytest.raises(ValueError, match=rf"odd.pt: .*{message}"):
        load_original(tmp_path / "odd.pt", heads=HEADS)


def test_names_that_are_no_text_and_layers_without_end_are_refused() -> None:
    odd: Any = state_dict() | {3: torch.zeros(1)}
    with pytest.raises(ValueError, match="got Tensor under 3"):
        load_original(odd)
    far = state_dict() | {"blocks.999999999.ln1.bias": torch.zeros(D)}
    with pytest.raises(ValueError, match=r"lacks .*blocks.3.ln1.weight"):
        load_original(far)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_weights_of_another_precision_are_read_in_float32(dtype: torch.dtype) -> None:
    weights = {name: weight.to(dtype) for name, weight in state_dict().items()}
    model = load_original(weights, heads=HEADS)
    expected = load_original({n: w.float() for n, w in weights.items()}, heads=HEADS)
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, expected.state_dict()[name]), name
        assert weight.dtype == torch.float32
