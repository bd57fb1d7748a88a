"""NAS-Bench-101: cells that are graphs of up to seven vertices and nine edges.

Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", arXiv 1902.09635. The
graph hash, the channels of the vertices and the network around the cell are those of its official
code; 423,624 cells differ.

An architecture answers 21 edges and five operations. Its normal form has no vertex that is not on
a path from the input to the output, the vertices in the order with the least code, and the first
operation at the places that are left over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.space import Answer, Architecture, CellGraph, Cells, CellSize, Choose, Space
from netwright.space.cells import INPUT, OUTPUT
from netwright.spaces.input_shapes import check_sizes, image_shape
from netwright.spaces.nasbench101_graphs import (
    COUNT,
    OPERATIONS,
    VERTICES,
    Graph,
    bits_of,
    every_cell,
    least_order,
    on_a_path,
    trimmed,
)
from netwright.spaces.ready import ready

_NUMBER: dict[Answer, int] = {name: place for place, name in enumerate(OPERATIONS)}

_INNER = range(1, VERTICES - 1)
_PAIRS = tuple((i, j) for j in range(1, VERTICES) for i in range(j))
_NAMES = tuple(f"edge{i}{j}" for i, j in _PAIRS)
_by_row = itemgetter(*(f"edge{i}{j}" for i in range(6) for j in range(i + 1, 7)))
_CELL = CellSize(inputs=1, operations=VERTICES - 2, longest=VERTICES - 2)
_PLACE = {pair: place for place, pair in enumerate(_PAIRS)}


@ready
def nasbench101(
    inputs: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    channels: int = 128,
    stacks: int = 3,
    cells: int = 3,
) -> Space:
    """The space for images of shape `inputs` = (c, h, w).

    `channels` of the stem, which each of the later `stacks` of `cells` doubles; the benchmark has
    128, 3 and 3.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    shape = image_shape("nasbench101", inputs)
    check_sizes("nasbench101", channels=channels, stacks=stacks, cells=cells)
    declared = partial(network, channels=channels, stacks=stacks, cells=cells)
    return Space(
        declared,
        shape,
        classes,
        name="nasbench101",
        normal_form=normal_form,
        members=COUNT,
        member=member,
        cells=Cells({"cell": _CELL}, OPERATIONS, read, write),
    )


# -- cells as graphs -------------------------------------------------------------------------------


def from_graph(
    matrix: Sequence[Sequence[int]], operations: Sequence[str], space: Space
) -> Architecture:
    """The architecture of an upper-triangular matrix and the operations of its inner vertices.

    Raises:
        SettingError: They are no such cell, of at most 7 vertices.
    """
    m = np.asarray(matrix)
    n = len(m)
    if m.shape != (n, n) or not 2 <= n <= VERTICES or len(operations) != n - 2:
        raise SettingError(
            "A NAS-Bench-101 cell must be an n x n matrix and n - 2 operations with n from 2 to 7, "
            f"got shape {m.shape} and {len(operations)} operations."
        )
    if not np.isin(m, (0, 1)).all() or np.tril(m).any() or {*operations} - {*OPERATIONS}:
        raise SettingError(
            "A NAS-Bench-101 cell must be upper-triangular with entries 0 and 1, and operations of "
            f"{', '.join(OPERATIONS)}, got {m.tolist()} and {list(operations)}."
        )
    return space.architecture(_answers(m, [OPERATIONS.index(name) for name in operations]))


def to_graph(architecture: Architecture) -> tuple[list[list[int]], list[str]]:
    """The matrix and the operations of the inner vertices, without vertices that are left over."""
    matrix, operations = _graph(architecture.answers)
    kept = on_a_path(bits_of(_rows(architecture.answers)))
    names = [OPERATIONS[operations[v - 1]] for v in _INNER if v in kept]
    return matrix[np.ix_(kept, kept)].tolist(), names


def read(answers: Mapping[str, Answer]) -> dict[str, CellGraph]:
    """The cell as a graph, without vertices that are left over."""
    kept, matrix = trimmed(_rows(answers))
    operations = (str(answers[f"operation{v}"]) for v in kept[1:-1])
    edges = ((i, j) for i, row in enumerate(matrix) for j, edge in enumerate(row) if edge)
    return {"cell": CellGraph((INPUT, *operations, OUTPUT), frozenset(edges))}


def write(graphs: Mapping[str, CellGraph]) -> dict[str, Answer]:
    """The answers of a graph that `read` gave."""
    graph = graphs["cell"]
    matrix = np.zeros((len(graph.operations),) * 2, dtype=np.int64)
    for i, j in graph.edges:
        matrix[i, j] = 1
    return _answers(matrix, [OPERATIONS.index(name) for name in graph.operations[1:-1]])


def member(place: int) -> Mapping[str, Answer]:
    """The answers of the cell at this place of `graphs`."""
    shapes, where, operations = every_cell()
    matrix = shapes[where[place]]
    return _answers(matrix, operations[place][: len(matrix) - 2].tolist())


def normal_form(answers: Mapping[str, Answer]) -> Mapping[str, Answer] | None:
    """The answers that stand for all equal cells; None for a cell that is none."""
    kept, graph = trimmed(_rows(answers))
    if not graph:
        return None
    return _ordered(graph, tuple(_NUMBER[answers[f"operation{v}"]] for v in kept[1:-1]))


@lru_cache(maxsize=1 << 16)
def _ordered(graph: Graph, operations: tuple[int, ...]) -> dict[str, Answer]:
    """The answers of a cell with its inner vertices in the order of the least code."""
    order = least_order(graph, operations)
    place = [0, *(1 + i for i in order), len(graph) - 1]
    return _answers(np.array(graph)[np.ix_(place, place)], [operations[i] for i in order])


# -- the network -----------------------------------------------------------------------------------


def network(
    choose: Choose,
    inputs: tuple[int, ...],
    classes: int,
    channels: int,
    stacks: int,
    cells: int,
) -> nn.Module:
    """The declaration: the same cell everywhere, asked as edges and operations."""
    edges = [choose.value(name, (0, 1)) for name in _NAMES]
    layers: list[nn.Module] = [*_conv(inputs[0], channels, 3)]
    width = channels
    for stack in range(stacks):
        if stack:
            layers.append(nn.MaxPool2d(2, 2))
        for place in range(cells):
            out = 2 * width if stack and place == 0 else width
            layers.append(Cell(choose, edges, width, out))
            width = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


class Cell(nn.Module):
    """A cell: inner vertices add what they read, the output is those that lead to it, side by side.

    `edges` are the 21 bits in the order of the choices.
    """

    def __init__(self, choose: Choose, edges: Sequence[int], inputs: int, outputs: int) -> None:
        super().__init__()
        self.edges, self.outputs = list(edges), outputs
        counts = range(outputs + 1)
        self.widths = [
            choose.computed(partial(vertex_width, v, outputs), *edges, possible=counts)
            for v in _INNER
        ]
        self.vertices, self.projections = nn.ModuleList(), nn.ModuleList()
        for v in _INNER:
            width = self.widths[v - 1]
            options = {name: partial(vertex, choose, name, width) for name in OPERATIONS}
            self.vertices.append(choose.one_of(f"operation{v}", **options))
        for target in range(1, VERTICES):
            width = outputs if target == VERTICES - 1 else self.widths[target - 1]
            self.projections.append(
                choose.when(
                    edges[_PLACE[0, target]] == 1,
                    partial(projection, inputs, width),
                    nn.Identity,
                )
            )

    def reads(self, source: int, target: int) -> bool:
        """Whether there is this edge."""
        return self.edges[_PLACE[source, target]] == 1

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h, w)."""
        last = VERTICES - 1
        made: dict[int, Tensor] = {}
        for v in _INNER:
            width = self.widths[v - 1]
            terms = [made[u][:, :width] for u in range(1, v) if self.reads(u, v)]
            if self.reads(0, v):
                terms.append(self.projections[v - 1](x))
            if terms:
                total = terms[0]
                for term in terms[1:]:
                    total = total + term
                made[v] = self.vertices[v - 1](total)
        ends = [made[v] for v in _INNER if self.reads(v, last)]
        if not ends:
            out: Tensor = self.projections[last - 1](x)
            return out
        out = torch.cat(ends, 1) if len(ends) > 1 else ends[0]
        return out + self.projections[last - 1](x) if self.reads(0, last) else out


def vertex(choose: Choose, name: str, width: int) -> nn.Module:
    """The operation of a vertex; none for one that is left over."""
    made: nn.Module = choose.when(width > 0, partial(operation, name, width), nn.Identity)
    return made


def operation(name: str, width: int) -> nn.Module:
    """An operation that keeps width and size."""
    if name == "maxpool3x3":
        return nn.MaxPool2d(3, 1, 1)
    return nn.Sequential(*_conv(width, width, 3 if name.startswith("conv3x3") else 1))


def projection(inputs: int, width: int) -> nn.Module:
    """What changes the width of the cell's input."""
    return nn.Sequential(*_conv(inputs, width, 1))


def vertex_width(vertex: int, outputs: int, *edges: int) -> int:
    """The channels of an inner vertex: a share of the output's, or the most of those it feeds."""
    last = VERTICES - 1
    ends = [v for v in _INNER if edges[_PLACE[v, last]]]
    widths = dict.fromkeys(_INNER, 0)
    for rank, v in enumerate(ends):
        widths[v] = outputs // len(ends) + (rank < outputs % len(ends))
    for v in reversed(_INNER):
        if v not in ends:
            fed = [widths[u] for u in range(v + 1, last) if edges[_PLACE[v, u]]]
            widths[v] = max(fed, default=0)
    return widths[vertex]


def _conv(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, ...]:
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return layer, nn.BatchNorm2d(outputs), nn.ReLU()


# -- inside ----------------------------------------------------------------------------------------


def _graph(answers: Mapping[str, Answer]) -> tuple[NDArray[np.int64], list[int]]:
    matrix = np.zeros((VERTICES, VERTICES), dtype=np.int64)
    for (i, j), name in zip(_PAIRS, _NAMES, strict=True):
        matrix[i, j] = answers[name] == 1
    return matrix, [OPERATIONS.index(str(answers[f"operation{v}"])) for v in _INNER]


def _answers(matrix: NDArray[np.int64], operations: Sequence[int]) -> dict[str, Answer]:
    """The answers of a cell of n vertices: the inner ones first, the output at the last place."""
    n = len(matrix)
    spread = [*range(n - 1), VERTICES - 1]
    answers: dict[str, Answer] = dict.fromkeys(_NAMES, 0)
    for i, j in zip(*np.nonzero(matrix), strict=True):
        answers[f"edge{spread[i]}{spread[j]}"] = 1
    for v in _INNER:
        place = operations[v - 1] if v <= len(operations) else 0
        answers[f"operation{v}"] = OPERATIONS[place]
    return answers


def _rows(answers: Mapping[str, Answer]) -> bytes:
    """All edges, 0 or 1: those of vertex 0 come first, of each vertex the one to the next."""
    return bytes(_by_row(answers))
