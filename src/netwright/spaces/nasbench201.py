"""NAS-Bench-201: a cell of four nodes and five operations, stacked in three stages.

Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search",
arXiv 2001.00326; the operations, their order and the network around the cell are those of its
official code. The size space of NATS-Bench (Dong, Liu, Musial and Gabrys, arXiv 2009.00437), which
searches the widths of the best cell, is here too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.space import Answer, Architecture, CellGraph, Cells, CellSize, Choose, Space
from netwright.space.cells import INPUT, OUTPUT
from netwright.spaces.input_shapes import check_sizes, image_shape
from netwright.spaces.ready import ready

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""The operations in the order of the benchmark's tables."""

EDGES = tuple((source, target) for target in (1, 2, 3) for source in range(target))
"""(source, target) in the order of the official string."""

_GRAPH = frozenset(
    [(0, i) for i, (source, _) in enumerate(EDGES, 1) if source == 0]
    + [(i, j) for i, (_, t) in enumerate(EDGES, 1) for j, (s, _) in enumerate(EDGES, 1) if t == s]
    + [(i, len(EDGES) + 1) for i, (_, target) in enumerate(EDGES, 1) if target == 3]
)

BEST_SIZE_CELL = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)
"""The cell whose widths the size space searches."""

_BLOCKS = 5  # of the size space: cell, reduction, cell, reduction, cell

_STRING = re.compile(r"\|([a-z0-9_]+)~(\d)")


@ready
def nasbench201(
    inputs: Sequence[int] = (3, 32, 32), classes: int = 10, channels: int = 16, cells: int = 5
) -> Space:
    """The topology space for images of shape `inputs` = (c, h, w): 15,625 cells.

    `channels` of the first stage and `cells` in each stage; the benchmark has 16 and 5.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    shape = image_shape("nasbench201", inputs)
    check_sizes("nasbench201", channels=channels, cells=cells)
    declared = partial(topology, channels=channels, cells=cells)
    cell = CellSize(inputs=1, operations=len(EDGES), longest=3, shortest=1)
    cells_ = Cells({"cell": cell}, OPERATIONS, read, write)
    return Space(declared, shape, classes, name="nasbench201", cells=cells_)


def read(answers: Mapping[str, Answer]) -> dict[str, CellGraph]:
    """The cell as a graph, each edge a node; `none` is an operation as any other."""
    operations = tuple(str(answers[_edge(*edge)]) for edge in EDGES)
    return {"cell": CellGraph((INPUT, *operations, OUTPUT), _GRAPH)}


def write(graphs: Mapping[str, CellGraph]) -> dict[str, Answer]:
    """The answers of a graph that `read` gave."""
    operations = graphs["cell"].operations[1:-1]
    return {_edge(*edge): operation for edge, operation in zip(EDGES, operations, strict=True)}


@ready
def nats_size(
    inputs: Sequence[int] = (3, 32, 32), classes: int = 10, cell: str = BEST_SIZE_CELL
) -> Space:
    """The size space: five widths of eight options each, 32,768 networks of one cell.

    The widths are those of the five blocks: cell, reduction, cell, reduction, cell.

    Raises:
        SettingError: A shape that is no image, or a cell that is no official string.
    """
    shape = image_shape("nats_size", inputs)
    operations = tuple(_operations(cell).values())
    return Space(partial(size, operations=operations), shape, classes, name="nats_size")


def to_string(architecture: Architecture) -> str:
    """The official string of a cell, `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`."""
    nodes = []
    for target in (1, 2, 3):
        given = (f"{architecture[_edge(source, target)]}~{source}" for source in range(target))
        nodes.append(f"|{'|'.join(given)}|")
    return "+".join(nodes)


def from_string(text: str, space: Space) -> Architecture:
    """The architecture of an official string.

    Raises:
        SettingError: The text is no such string.
    """
    return space.architecture(_operations(text))


def from_widths(text: str, space: Space) -> Architecture:
    """The network of the size space of an official text such as `64:8:16:24:32`.

    Raises:
        SettingError: The text is no such text.
        SpaceError: A width is none of the space.
    """
    widths = text.split(":")
    if len(widths) != _BLOCKS or not all(width.isdecimal() for width in widths):
        raise SettingError(
            f"A network of the size space must be a text such as '64:8:16:24:32', got {text!r}."
        )
    return space.architecture({f"width{i}": int(width) for i, width in enumerate(widths)})


def canonical_string(architecture: Architecture) -> str:
    """A text that is equal for cells that are equal up to isomorphism; 6,466 in all.

    As the official code has it: what a node computes is the sorted list of what it adds up, a skip
    is what it skips from, and zero takes everything that follows it on its path.
    """
    nodes = ["0"]
    for target in (1, 2, 3):
        terms = []
        for source in range(target):
            operation = architecture[_edge(source, target)]
            if operation == "none" or nodes[source] == "#":
                terms.append("#")
            elif operation == "skip_connect":
                terms.append(nodes[source])
            else:
                terms.append(f"({nodes[source]})@{operation}")
        nodes.append("+".join(sorted(terms)))
    return nodes[3]


class Zero(nn.Module):
    """Gives zeros in the shape of its input."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        return x * 0.0


class ReluConvNorm(nn.Sequential):
    """ReLU, convolution without bias, batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        )


class Cell(nn.Module):
    """Every node is the sum of its edges; the last one is the output.

    `edges` are in the order of `EDGES`.
    """

    def __init__(self, edges: Sequence[nn.Module]) -> None:
        super().__init__()
        self.edges = nn.ModuleList(edges)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to (b, c', h, w)."""
        e = self.edges
        first = e[0](x)
        second = e[1](x) + e[2](first)
        out: Tensor = e[3](x) + e[4](first) + e[5](second)
        return out


class Reduction(nn.Module):
    """A residual block that halves the image; an odd side is rounded up on both ways."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_a = ReluConvNorm(inputs, outputs, 3, stride=2)
        self.conv_b = ReluConvNorm(outputs, outputs, 3)
        self.downsample = nn.Sequential(
            nn.AvgPool2d(2, 2, ceil_mode=True), nn.Conv2d(inputs, outputs, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h / 2, w / 2)."""
        out: Tensor = self.downsample(x) + self.conv_b(self.conv_a(x))
        return out


def operation(name: str, inputs: int, outputs: int) -> nn.Module:
    """An operation from one width to another; those without weights keep the width."""
    if name == "nor_conv_1x1":
        return ReluConvNorm(inputs, outputs, 1)
    if name == "nor_conv_3x3":
        return ReluConvNorm(inputs, outputs, 3)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return nn.Identity() if name == "skip_connect" else Zero()


def topology(
    choose: Choose, inputs: tuple[int, ...], classes: int, channels: int, cells: int
) -> nn.Module:
    """The declaration of the topology space: the same six questions in every cell."""

    def cell(width: int) -> Cell:
        def edge(source: int, target: int) -> nn.Module:
            options = {name: partial(operation, name, width, width) for name in OPERATIONS}
            made: nn.Module = choose.one_of(_edge(source, target), **options)
            return made

        return Cell([edge(*pair) for pair in EDGES])

    widths = (channels, 2 * channels, 4 * channels)
    layers: list[nn.Module] = [*_stem(inputs[0], channels)]
    for stage, width in enumerate(widths):
        if stage:
            layers.append(Reduction(widths[stage - 1], width))
        layers += [cell(width) for _ in range(cells)]
    return nn.Sequential(*layers, *_head(widths[-1], classes))


def size(
    choose: Choose, inputs: tuple[int, ...], classes: int, operations: Sequence[str]
) -> nn.Module:
    """The declaration of the size space."""
    widths = [choose.width(f"width{i}", 8, 64, step=8) for i in range(_BLOCKS)]

    def edge(source: int, name: str, before: int, width: int) -> nn.Module:
        inputs = width if source else before
        if name != "skip_connect":
            return operation(name, inputs, width)
        made: nn.Module = choose.when(
            inputs == width,
            nn.Identity,
            lambda: nn.Sequential(nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)),
        )
        return made

    def cell(before: int, width: int) -> Cell:
        pairs = zip(EDGES, operations, strict=True)
        return Cell([edge(source, name, before, width) for (source, _), name in pairs])

    layers: list[nn.Module] = [*_stem(inputs[0], widths[0])]
    for place, width in enumerate(widths):
        before = widths[max(0, place - 1)]
        layers.append(Reduction(before, width) if place % 2 else cell(before, width))
    return nn.Sequential(*layers, *_head(widths[4], classes))


def _stem(inputs: int, width: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)


def _head(width: int, classes: int) -> tuple[nn.Module, ...]:
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.BatchNorm2d(width), nn.ReLU(), pool, nn.Flatten(), nn.Linear(width, classes)


def _edge(source: int, target: int) -> str:
    return f"edge{source}{target}"


def _operations(text: str) -> dict[str, str]:
    """Edge to operation."""
    found = _STRING.findall(text)
    places = [int(source) for _, source in found]
    known = all(name in OPERATIONS for name, _ in found)
    rebuilt = "+".join(
        "|" + "".join(f"{name}~{source}|" for name, source in found[first:last])
        for first, last in ((0, 1), (1, 3), (3, 6))
    )
    if places != [0, 0, 1, 0, 1, 2] or not known or rebuilt != text:
        raise SettingError(
            "A NAS-Bench-201 cell must be a string such as |nor_conv_3x3~0|+|none~0|none~1|+"
            f"|skip_connect~0|none~1|none~2| with operations of {', '.join(OPERATIONS)}, "
            f"got {text!r}."
        )
    return {_edge(*pair): name for pair, (name, _) in zip(EDGES, found, strict=True)}
