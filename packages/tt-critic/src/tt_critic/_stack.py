"""Perceptrons of one shape, evaluated together as batched matrix products.

A stack is a matrix with one network a row. Networks that need fewer inputs or outputs
than the widest get zeros as inputs and leave outputs unread, so their spare weights
never move. Features come before the batch: K networks, B batch.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import attrs
import torch
from torch import Tensor, nn


class Layer(NamedTuple):
    """Hold one layer of every network of a stack, or its gradient.

    Attributes:
        weight: [K, out, in].
        bias: [K, out, 1].
    """

    weight: Tensor
    bias: Tensor


@attrs.frozen
class Shape:
    """Describe the networks of a stack.

    Attributes:
        inputs: Number of inputs of the widest network.
        hidden: Widths of the hidden layers.
        outputs: Number of outputs of the widest network.
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(in, out) of each layer."""
        return list(pairwise((self.inputs, *self.hidden, self.outputs)))

    @property
    def size(self) -> int:
        """Number of parameters of one network."""
        return sum(outputs * (inputs + 1) for inputs, outputs in self.pairs)

    def layers(self, rows: Tensor) -> list[Layer]:
        """View rows [K, size] as layers: each layer's weight, row by row, then bias."""
        found, start = [], 0
        for inputs, outputs in self.pairs:
            middle, stop = start + outputs * inputs, start + outputs * (inputs + 1)
            weight = rows[:, start:middle].view(-1, outputs, inputs)
            found.append(Layer(weight, rows[:, middle:stop, None]))
            start = stop
        return found


@torch.no_grad()
def to_row(shape: Shape, perceptron: nn.Sequential) -> Tensor:
    """Lay a perceptron out as a row, with zeros for what it does not use: [size].

    Args:
        shape: With the perceptron's hidden layers, and no fewer inputs and outputs.
        perceptron: Linear layers with ReLU between them.
    """
    linears = [module for module in perceptron if isinstance(module, nn.Linear)]
    row = linears[0].weight.new_zeros(1, shape.size)
    for layer, linear in zip(shape.layers(row), linears, strict=True):
        outputs, inputs = linear.weight.shape
        layer.weight[0, :outputs, :inputs] = linear.weight
        layer.bias[0, :outputs, 0] = linear.bias
    return row[0]


def evaluate(layers: Sequence[Layer], inputs: Tensor) -> Tensor:
    """Evaluate K networks.

    Args:
        layers: As made by `Shape.layers`.
        inputs: [K, in, B]; fewer inputs than the shape's are the first of them.

    Returns:
        [K, out, B].
    """
    values = inputs
    for layer in layers[:-1]:
        weight = layer.weight[..., : values.shape[1]]
        values = torch.baddbmm(layer.bias, weight, values).relu_()
    weight = layers[-1].weight[..., : values.shape[1]]
    return torch.baddbmm(layers[-1].bias, weight, values)


class Workspace:
    """Evaluate a stack and differentiate its last networks in memory kept for it.

    A fresh buffer costs several times what it costs to write into one that exists, so
    all of them are made once, for one batch size.
    """

    def __init__(
        self, shape: Shape, rows: Tensor, gradient: Tensor, batch: int
    ) -> None:
        """Make the buffers.

        Args:
            shape: Of the networks.
            rows: [K, size], all networks.
            gradient: [T, size], where the gradients of the last T networks go.
            batch: Size of every batch.
        """
        trained = len(gradient)
        self._first = len(rows) - trained
        self._layers = shape.layers(rows)
        self._gradient = shape.layers(gradient)
        widths = [outputs for _, outputs in shape.pairs]
        self.inputs = rows.new_zeros(len(rows), shape.inputs, batch)
        self._values = [rows.new_zeros(len(rows), width, batch) for width in widths]
        self._hidden_gradients = [
            rows.new_zeros(trained, width, batch) for width in widths[:-1]
        ]

    @property
    def outputs(self) -> Tensor:
        """What the last evaluation gave: [K, out, B]."""
        return self._values[-1]

    def evaluate(self) -> Tensor:
        """Evaluate all networks at ``inputs``: [K, out, B], overwritten by the next."""
        below = self.inputs
        for layer, values in zip(self._layers, self._values, strict=True):
            torch.baddbmm(layer.bias, layer.weight, below, out=values)
            below = values if values is self.outputs else values.relu_()
        return self.outputs

    def differentiate(self, output_gradient: Tensor) -> None:
        """Carry a loss's gradient at the trained outputs back to their parameters.

        Uses up the hidden values of the last evaluation.

        Args:
            output_gradient: [T, out, B].
        """
        gradient = output_gradient
        for index in reversed(range(len(self._layers))):
            below = (self._values[index - 1] if index else self.inputs)[self._first :]
            torch.bmm(gradient, below.mT, out=self._gradient[index].weight)
            torch.sum(gradient, 2, keepdim=True, out=self._gradient[index].bias)
            if index:
                weight = self._layers[index].weight[self._first :]
                hidden = self._hidden_gradients[index - 1]
                gradient = torch.bmm(weight.mT, gradient, out=hidden)
                gradient.mul_(below.sign_())  # of rectified values: the derivative
