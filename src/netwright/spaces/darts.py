"""The cells of DARTS: a normal and a reduction cell of four nodes, stacked.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", arXiv 1806.09055; the
operations are those of its official code, without the auxiliary head and drop path. The space is
that of NASNet (Zoph et al., arXiv 1707.07012) with its operations cut to seven. As in the paper
each node reads two different earlier ones, so that there are (180 * 7 ** 8) ** 2 = 1.1e18 pairs of
cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from netwright.space import Answer, CellGraph, Cells, CellSize, Choose, Space
from netwright.space.cells import graph_of_pairs, pairs_of_graph, places
from netwright.spaces.input_shapes import check_sizes, image_shape
from netwright.spaces.ready import ready

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
_NODES = 4
CELL = CellSize(inputs=2, operations=2 * _NODES, longest=_NODES, shortest=1)
Edge = Callable[[int], nn.Module]


@ready
def darts(
    inputs: Sequence[int] = (3, 32, 32), classes: int = 10, channels: int = 16, cells: int = 8
) -> Space:
    """The space for images of shape `inputs` = (c, h, w).

    `channels` of the first cells and `cells` in all, those at one and two thirds of the depth
    halve the image. The paper searches with 16 and 8, and trains with 36 and 20.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    shape = image_shape("darts", inputs)
    check_sizes("darts", channels=channels, cells=cells)
    kinds = ("normal", "reduction") if cells > 2 else ("normal",)
    return Space(
        partial(network, channels=channels, cells=cells),
        shape,
        classes,
        name="darts",
        cells=Cells(dict.fromkeys(kinds, CELL), OPERATIONS, partial(read, kinds=kinds), write),
    )


def read(answers: Mapping[str, Answer], kinds: Sequence[str]) -> dict[str, CellGraph]:
    """The cells as graphs."""
    return {
        kind: graph_of_pairs(
            [
                [(i, str(answers[f"{name}.from{i}"])) for i in places(answers[f"{name}.inputs"])]
                for name in (f"{kind}.node{node}" for node in range(_NODES))
            ],
            range(_NODES),
            inputs=2,
        )
        for kind in kinds
    }


def write(graphs: Mapping[str, CellGraph]) -> dict[str, Answer]:
    """The answers of graphs that `read` gave."""
    answers: dict[str, Answer] = {}
    for kind, graph in graphs.items():
        for node, pair in enumerate(pairs_of_graph(graph, [2] * _NODES, inputs=2)):
            answers[f"{kind}.node{node}.inputs"] = tuple(sorted(i for i, _ in pair))
            answers |= {f"{kind}.node{node}.from{i}": operation for i, operation in pair}
    return answers


def network(
    choose: Choose, inputs: tuple[int, ...], classes: int, channels: int, cells: int
) -> nn.Module:
    """The declaration: all normal cells are one, and all reduction cells are."""
    return stack(inputs[0], classes, channels, cells, _NODES, partial(cell, choose))


def stack(
    inputs: int,
    classes: int,
    channels: int,
    cells: int,
    times: int,
    make: Callable[[int, int, int, bool, bool], nn.Module],
) -> nn.Module:
    """Stem, cells and head; the cells at one and two thirds halve the image and double the width.

    `make(before, last, width, halves, halved)` makes a cell that reads the outputs of the last cell
    but one, `before` wide and not yet halved if `halved`, and of the last one; it gives `times` as
    many channels as its own `width`.
    """
    stem = 3 * channels
    first = nn.Sequential(nn.Conv2d(inputs, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem))
    made: list[nn.Module] = []
    before, last, width, halved = stem, stem, channels, False
    for place in range(cells):
        halves = place in (cells // 3, 2 * cells // 3) and cells > 2
        width = 2 * width if halves else width
        made.append(make(before, last, width, halves, halved))
        before, last, halved = last, times * width, halves
    return Stack(first, made, last, classes)


def cell(
    choose: Choose, before: int, last: int, width: int, halves: bool, halved: bool
) -> nn.Module:
    """A cell that reads the outputs of the last cell but one (`before` wide) and the last one."""
    kind = "reduction" if halves else "normal"
    nodes = []
    for node in range(_NODES):
        name = f"{kind}.node{node}"

        def edge(i: int, name: str = name) -> nn.Module:
            stride = 2 if halves and i < 2 else 1
            options = {o: partial(operation, o, width, stride) for o in OPERATIONS}
            made: nn.Module = choose.one_of(f"{name}.from{i}", **options)
            return made

        nodes.append(choose.inputs(f"{name}.inputs", node + 2, 2, 2, edge=edge))
    old = FactorizedReduction(before, width) if halved else relu_conv_norm(before, width)
    return Cell(old, relu_conv_norm(last, width), nodes)


class Cell(nn.Module):
    """Each node sums what it reads; the output is all nodes side by side."""

    def __init__(self, old: nn.Module, new: nn.Module, nodes: Sequence[nn.Module]) -> None:
        super().__init__()
        self.old, self.new = old, new
        self.nodes = nn.ModuleList(nodes)

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """(b, c, h, w) of each of the two cells before, to (b, 4 width, h / stride, w / stride)."""
        states = [self.old(before), self.new(last)]
        for node in self.nodes:
            first, second = node(states)
            states.append(first + second)
        return torch.cat(states[2:], 1)


class Stack(nn.Module):
    """Cells, each of which reads the two before it, and the head."""

    def __init__(
        self, stem: nn.Module, cells: Sequence[nn.Module], width: int, classes: int
    ) -> None:
        super().__init__()
        self.stem = stem
        self.cells = nn.ModuleList(cells)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to (b, classes)."""
        before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        out: Tensor = self.classifier(self.pool(last).flatten(1))
        return out


def operation(name: str, width: int, stride: int) -> nn.Module:
    """An operation that keeps the width; with a stride of 2 it halves the image.

    Its name ends in the size of the window.
    """
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduction(width, width)
    size = int(name[-1])
    if name.startswith("sep"):
        first = _separable(width, size, stride, 1, size // 2)
        return nn.Sequential(*first, *_separable(width, size, 1, 1, size // 2))
    if name.startswith("dil"):
        return nn.Sequential(*_separable(width, size, stride, 2, size - 1))
    pool = (
        nn.MaxPool2d(size, stride, size // 2)
        if name.startswith("max_pool")
        else nn.AvgPool2d(size, stride, size // 2, count_include_pad=False)
    )
    return nn.Sequential(pool, nn.BatchNorm2d(width))


def relu_conv_norm(inputs: int, outputs: int) -> nn.Module:
    """ReLU, 1 x 1 convolution, batch normalisation."""
    return nn.Sequential(
        nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
    )


class FactorizedReduction(nn.Module):
    """Halves the image by two convolutions that read every other pixel, one shifted by one."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.pad = nn.ZeroPad2d((0, 1, 0, 1))
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, ceil(h / 2), ceil(w / 2))."""
        x = torch.relu(x)
        shifted = self.pad(x)[:, :, 1:, 1:]
        out: Tensor = self.norm(torch.cat([self.even(x), self.odd(shifted)], 1))
        return out


def _separable(
    width: int, size: int, stride: int, dilation: int, padding: int
) -> tuple[nn.Module, ...]:
    """ReLU, depthwise and pointwise convolution, batch normalisation."""
    depthwise = nn.Conv2d(width, width, size, stride, padding, dilation, groups=width, bias=False)
    pointwise = nn.Conv2d(width, width, 1, bias=False)
    return nn.ReLU(), depthwise, pointwise, nn.BatchNorm2d(width)
