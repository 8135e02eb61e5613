import torch
from torch import Tensor, nn

from tt_critic._stack import Shape, Workspace, evaluate, initial_row


def network(shape: Shape, row: Tensor) -> nn.Sequential:
    modules: list[nn.Module] = []
    for weight, bias in shape.layers(row[None]):
        linear = nn.Linear(weight.shape[2], weight.shape[1], dtype=row.dtype)
        linear.weight.data, linear.bias.data = weight[0].clone(), bias[0, :, 0].clone()
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def rows(count: int, shape: Shape) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, shape.size, dtype=torch.float64, generator=generator)


def test_a_stack_of_twins_equals_two_separate_networks() -> None:
    shape = Shape(5, (16, 8), 3)
    twins = rows(2, shape)
    inputs = torch.randn(7, 5, dtype=torch.float64)
    together = evaluate(shape.layers(twins), inputs.mT.expand(2, -1, -1))
    for row, outputs in zip(twins, together, strict=True):
        torch.testing.assert_close(outputs.mT, network(shape, row)(inputs))


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


def test_a_first_network_predicts_near_zero_and_leaves_spare_weights_at_zero() -> None:
    shape = Shape(6, (32, 32), 4)
    row = initial_row(shape, 4, 1, torch.Generator().manual_seed(0))
    first, _, last = shape.layers(row[None])
    assert first.weight[0, :, 4:].abs().max() == 0
    assert last.weight[0, 1:].abs().max() == 0
    columns = first.weight[0, :, :4]
    torch.testing.assert_close(columns.T @ columns, 2 * torch.eye(4))
    outputs = evaluate(shape.layers(row[None]), torch.randn(1, 4, 100))
    assert outputs.abs().max() < 0.2
