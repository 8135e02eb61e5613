import torch
from torch import Tensor, nn

from tt_critic import perceptron
from tt_critic._stack import Shape, Workspace, evaluate, to_row


def network(inputs: int, hidden: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Draw a perceptron in float64 with every weight and bias away from 0."""
    generator = torch.Generator().manual_seed(inputs + outputs)
    modules = perceptron(inputs, hidden, outputs, generator).double()
    for parameter in modules.parameters():
        nn.init.normal_(parameter, generator=generator)
    return modules


def rows(count: int, shape: Shape) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, shape.size, dtype=torch.float64, generator=generator)


def test_a_stack_equals_separate_networks_with_fewer_inputs_and_outputs() -> None:
    shape = Shape(5, (16, 8), 3)
    sizes = [(5, 3), (5, 1), (2, 2)]
    networks = [network(inputs, shape.hidden, outputs) for inputs, outputs in sizes]
    stack = torch.stack([to_row(shape, modules) for modules in networks])
    values = torch.randn(7, 5, dtype=torch.float64)
    together = evaluate(shape.layers(stack), values.mT.expand(3, -1, -1)).mT
    for modules, (inputs, outputs), found in zip(
        networks, sizes, together, strict=True
    ):
        expected = modules(values[:, :inputs])
        torch.testing.assert_close(found[:, :outputs], expected)
        assert found[:, outputs:].count_nonzero() == 0


def test_the_workspace_agrees_with_automatic_differentiation() -> None:
    shape = Shape(4, (16, 8), 3)
    networks = rows(5, shape)
    gradient = torch.empty(2, shape.size, dtype=torch.float64)
    workspace = Workspace(shape, networks, gradient, batch=6)
    workspace.inputs.normal_(generator=torch.Generator().manual_seed(1))
    leaf = networks.clone().requires_grad_()
    expected = evaluate(shape.layers(leaf), workspace.inputs)
    torch.testing.assert_close(workspace.evaluate(), expected)
    output_gradient = torch.randn(2, 3, 6, dtype=torch.float64)
    (automatic,) = torch.autograd.grad(expected[3:], leaf, output_gradient)
    workspace.differentiate(output_gradient)
    torch.testing.assert_close(gradient, automatic[3:])


def test_fewer_inputs_are_the_same_as_zeros_after_them() -> None:
    shape = Shape(4, (8,), 1)
    layers = shape.layers(rows(2, shape))
    few = torch.randn(2, 3, 6, dtype=torch.float64)
    padded = torch.cat([few, torch.zeros(2, 1, 6, dtype=torch.float64)], 1)
    torch.testing.assert_close(evaluate(layers, few), evaluate(layers, padded))
