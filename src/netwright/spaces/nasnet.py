"""Cells of pairs: each node reads two earlier ones, each through an operation, and adds them.

The space of NASNet (Zoph, Vasudevan, Shlens and Le, "Learning Transferable Architectures for
Scalable Image Recognition", arXiv 1707.07012), with which three papers differ in their operations:
NASNet itself, PNAS (Liu et al., arXiv 1712.00559) and the micro space of ENAS (Pham et al., arXiv
1802.03268, section 2.4).

Nodes that no other reads are the output of the cell. As in the code of ENAS each of them has its
own 1 x 1 convolution and these are added, which is what one convolution of all of them side by side
computes. Nodes always add: NASNet also offered to concatenate, which no cell that it found did. The
two sides of a node may change places, so that they stand in one order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import comb, isqrt, prod
from typing import Any

import torch
from torch import Tensor, nn

from netwright.space import Answer, CellGraph, Cells, CellSize, Choose, Space
from netwright.space.cells import graph_of_pairs, pairs_of_graph, places
from netwright.spaces.darts import FactorizedReduction, relu_conv_norm, stack
from netwright.spaces.darts import operation as darts_operation
from netwright.spaces.input_shapes import check_sizes, image_shape
from netwright.spaces.ready import ready

NASNET = (
    "skip_connect",
    "conv_1x3_3x1",
    "conv_1x7_7x1",
    "dil_conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "conv_1x1",
    "conv_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
)
PNAS = (
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "conv_1x7_7x1",
    "skip_connect",
    "avg_pool_3x3",
    "max_pool_3x3",
    "dil_conv_3x3",
)
ENAS = ("skip_connect", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")

_NODES = 5
_SIDES = ("left", "right")
CELL = CellSize(inputs=2, operations=2 * _NODES, longest=_NODES, shortest=1)


@ready
def nasnet(
    inputs: Sequence[int] = (3, 32, 32), classes: int = 10, channels: int = 32, cells: int = 8
) -> Space:
    """NASNet's space for images of shape `inputs` = (c, h, w): a normal and a reduction cell.

    `channels` of the first cells and `cells` in all, those at one and two thirds of the depth
    halve the image. With every order of the two sides there are (26 * 39 * 52 * 65 * 78) ** 4 =
    5.1e33 pairs of cells, without 6.2e30.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    return _space("nasnet", inputs, classes, channels, cells, NASNET, ("normal", "reduction"))


@ready
def pnas(
    inputs: Sequence[int] = (3, 32, 32), classes: int = 10, channels: int = 48, cells: int = 9
) -> Space:
    """The space of PNAS for images of shape `inputs` = (c, h, w): one cell for both places.

    `channels` and `cells` as in `nasnet`. The paper counts 5.6e14 cells with every order of the
    two sides; without these there are 2.1e13.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    return _space("pnas", inputs, classes, channels, cells, PNAS, ("cell", "cell"))


@ready
def enas_micro(
    inputs: Sequence[int] = (3, 32, 32), classes: int = 10, channels: int = 20, cells: int = 8
) -> Space:
    """The micro space of ENAS for images of shape `inputs` = (c, h, w).

    A normal and a reduction cell of five nodes; `channels` and `cells` as in `nasnet`.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    return _space("enas_micro", inputs, classes, channels, cells, ENAS, ("normal", "reduction"))


def _space(
    name: str,
    inputs: Sequence[int],
    classes: int,
    channels: int,
    cells: int,
    operations: tuple[str, ...],
    kinds: tuple[str, str],
) -> Space:
    shape = image_shape(name, inputs)
    check_sizes(name, channels=channels, cells=cells)
    declared = partial(network, channels=channels, cells=cells, operations=operations, kinds=kinds)
    asked = {kinds[0]} | ({kinds[1]} if cells > 2 else set())
    each = prod(comb((node + 2) * len(operations) + 1, 2) for node in range(_NODES))
    return Space(
        declared,
        shape,
        classes,
        name=name,
        normal_form=partial(normal_form, operations=operations, kinds=sorted(asked)),
        members=each ** len(asked),
        member=partial(member, operations=operations, kinds=sorted(asked)),
        cells=Cells(
            dict.fromkeys(sorted(asked), CELL),
            operations,
            partial(read, kinds=sorted(asked)),
            write,
        ),
    )


def normal_form(
    answers: Mapping[str, Answer], operations: Sequence[str], kinds: Sequence[str]
) -> Mapping[str, Answer]:
    """The same cells with the sides of each node in order: by what they read, then by operation."""
    found = dict(answers)
    for kind in kinds:
        for node in range(_NODES):
            names = [f"{kind}.node{node}.{side}" for side in _SIDES]
            read = [(answers[f"{name}.input"], answers[f"{name}.operation"]) for name in names]
            read.sort(key=lambda each: (each[0], operations.index(str(each[1]))))
            for name, (source, operation) in zip(names, read, strict=True):
                found[f"{name}.input"], found[f"{name}.operation"] = source, operation
    return found


def member(place: int, operations: Sequence[str], kinds: Sequence[str]) -> Mapping[str, Answer]:
    """The answers of the member at this place: the last node of the last cell changes first."""
    found: dict[str, Answer] = {}
    for kind in reversed(kinds):
        for node in reversed(range(_NODES)):
            place, pair = divmod(place, comb((node + 2) * len(operations) + 1, 2))
            high = (isqrt(8 * pair + 1) - 1) // 2  # 0 0, 0 1, 1 1, 0 2, 1 2, 2 2, ...
            for side, read in zip(_SIDES, (pair - comb(high + 1, 2), high), strict=True):
                source, operation = divmod(read, len(operations))
                found[f"{kind}.node{node}.{side}.input"] = (source,)
                found[f"{kind}.node{node}.{side}.operation"] = operations[operation]
    return found


def read(answers: Mapping[str, Answer], kinds: Sequence[str]) -> dict[str, CellGraph]:
    """The cells as graphs."""
    found = {}
    for kind in kinds:
        nodes: list[list[tuple[int, str]]] = []
        for node in range(_NODES):
            names = [f"{kind}.node{node}.{side}" for side in _SIDES]
            sources = [places(answers[f"{name}.input"])[0] for name in names]
            operations = [str(answers[f"{name}.operation"]) for name in names]
            nodes.append(list(zip(sources, operations, strict=True)))
        used = [(source,) for pair in nodes for source, _ in pair]
        ends = [node for node in range(_NODES) if is_loose(node, *used)]
        found[kind] = graph_of_pairs(nodes, ends, inputs=2)
    return found


def write(graphs: Mapping[str, CellGraph]) -> dict[str, Answer]:
    """The answers of graphs that `read` gave."""
    answers: dict[str, Answer] = {}
    for kind, graph in graphs.items():
        for node, pair in enumerate(pairs_of_graph(graph, [2] * _NODES, inputs=2)):
            for side, (source, operation) in zip(_SIDES, pair, strict=True):
                answers[f"{kind}.node{node}.{side}.input"] = (source,)
                answers[f"{kind}.node{node}.{side}.operation"] = operation
    return answers


# -- the network -----------------------------------------------------------------------------------


def network(
    choose: Choose,
    inputs: tuple[int, ...],
    classes: int,
    channels: int,
    cells: int,
    operations: Sequence[str],
    kinds: tuple[str, str],
) -> nn.Module:
    """The declaration: all normal cells are one, and all reduction cells are."""
    make = partial(cell, choose, operations, kinds)
    return stack(inputs[0], classes, channels, cells, 1, make)


def cell(
    choose: Choose,
    operations: Sequence[str],
    kinds: tuple[str, str],
    before: int,
    last: int,
    width: int,
    halves: bool,
    halved: bool,
) -> nn.Module:
    """A cell; the rest is as `stack` has it."""
    kind, stride = (kinds[1], 2) if halves else (kinds[0], 1)
    old = FactorizedReduction(before, width) if halved else relu_conv_norm(before, width)
    inputs = nn.ModuleList([old, relu_conv_norm(last, width)])
    nodes: list[nn.Module] = []
    read: list[Any] = []
    for node in range(_NODES):
        for side in _SIDES:
            name, count = f"{kind}.node{node}.{side}", node + 2
            edge = partial(_edge, choose, f"{name}.operation", operations, width, stride)
            read.append(choose.inputs(f"{name}.input", count))
            nodes.append(choose.inputs(f"{name}.input", count, edge=edge))
    loose = [
        choose.computed(partial(is_loose, node), *read, possible=(0, 1)) for node in range(_NODES)
    ]
    outputs = [
        choose.when(each == 1, partial(nn.Conv2d, width, width, 1, bias=False), nn.Identity)
        for each in loose
    ]
    return Cell(inputs, nodes, loose, outputs, width)


def _edge(
    choose: Choose, name: str, operations: Sequence[str], width: int, stride: int, source: int
) -> nn.Module:
    """What a node reads an earlier one through; the two inputs of the cell may be halved there."""
    each = stride if source < 2 else 1
    options: dict[str, Callable[[], nn.Module]] = {
        option: partial(operation, option, width, each) for option in operations
    }
    made: nn.Module = choose.one_of(name, **options)
    return made


def is_loose(node: int, *read: tuple[int, ...]) -> int:
    """1 for a node that no later one reads, 0 for others."""
    return int(all(node + 2 not in each for each in read))


class Cell(nn.Module):
    """Each node adds its two sides; what no node reads is added at the end.

    `nodes` are the sides, left and right of each node in turn; `loose` has a 1 for each node that
    is part of the output, through its module of `outputs`.
    """

    def __init__(
        self,
        inputs: nn.ModuleList,
        nodes: Sequence[nn.Module],
        loose: Sequence[int],
        outputs: Sequence[nn.Module],
        width: int,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.nodes, self.outputs = nn.ModuleList(nodes), nn.ModuleList(outputs)
        self.loose = list(loose)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """(b, c, h, w) of each of the two cells before, to (b, width, h / stride, w / stride)."""
        states = [self.inputs[0](before), self.inputs[1](last)]
        for node in range(len(self.loose)):
            (left,), (right,) = self.nodes[2 * node](states), self.nodes[2 * node + 1](states)
            states.append(left + right)
        ends = [
            output(torch.relu(state))
            for output, state, loose in zip(self.outputs, states[2:], self.loose, strict=True)
            if loose
        ]
        total = ends[0]
        for end in ends[1:]:
            total = total + end
        out: Tensor = self.norm(total)
        return out


def operation(name: str, width: int, stride: int) -> nn.Module:
    """An operation that keeps the width; with a stride of 2 it halves the image."""
    if not name.startswith("conv"):
        return darts_operation(name, width, stride)
    layers: list[nn.Module] = [nn.ReLU()]
    for part in name.removeprefix("conv_").split("_"):
        size = (int(part[0]), int(part[2]))
        down, across = (stride if side > 1 or size == (1, 1) else 1 for side in size)
        layers += [
            nn.Conv2d(width, width, size, (down, across), (size[0] // 2, size[1] // 2), bias=False),
            nn.BatchNorm2d(width),
        ]
    return nn.Sequential(*layers)
