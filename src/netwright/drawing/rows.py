"""A network's rows for drawing: cells as one row, equal rows folded, stages of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netwright.drawing.branches import Cell, find_cells
from netwright.drawing.node import Node
from netwright.drawing.runs import Fold, fold_runs
from netwright.drawing.sketch import Sketch

_MOST = 0.5  # of all rows: a module that holds more is no block but holds blocks
_BACK = 3  # rows that a folded row may read


@dataclass(frozen=True)
class Run:
    """The unit of `period` rows from row `first` on stands for `copies` of it."""

    first: int
    period: int
    copies: int


@dataclass(frozen=True)
class Stage:
    """Rows `first` to `last`, both included, whose blocks give one shape."""

    first: int
    last: int
    title: str


@dataclass(frozen=True)
class Outline:
    """The rows of a network after folding; their sources are places of rows, -1 is the input.

    `taken` is what is written of the input. `runs` come from the inside out: a unit may hold
    others.
    """

    inputs: tuple[int, ...]
    taken: str
    rows: tuple[Node, ...]
    runs: tuple[Run, ...]
    stages: tuple[Stage, ...]
    cells: tuple[Cell, ...]
    params: int


@dataclass(frozen=True)
class _Block:
    path: str
    shape: tuple[int, ...]


def outline(drawn: Sketch, known: Sequence[Cell] = ()) -> Outline:
    """What is drawn of a network; `known` cells keep their names (see `find_cells`)."""
    nodes, cells = find_cells(drawn.nodes, known)
    blocks = _blocks(nodes)
    keys = [
        (row.label, row.kind, row.shape, row.params, *(i - s for s in row.sources), blocks[i].shape)
        for i, row in enumerate(nodes)
    ]
    kept: list[int] = []
    place = {-1: -1}
    runs = _unfold(fold_runs(keys, lambda fold: _folds(nodes, fold)), kept, place)
    rows = [
        replace(nodes[i], sources=tuple(dict.fromkeys(place[s] for s in nodes[i].sources)))
        for i in kept
    ]
    stages = _stages(rows, [blocks[i] for i in kept])
    params = sum(node.params for node in drawn.nodes)
    return Outline(
        *(drawn.inputs, drawn.taken, tuple(rows), tuple(runs)),
        *(tuple(stages), tuple(cells), params),
    )


def _unfold(items: Sequence[int | Fold], kept: list[int], place: dict[int, int]) -> list[Run]:
    """The runs in these items; notes the nodes that are kept, and the row of every node."""
    runs: list[Run] = []
    for item in items:
        if isinstance(item, int):
            place[item] = len(kept)
            kept.append(item)
            continue
        first = len(kept)
        runs += _unfold(item.items, kept, place)
        runs.append(Run(first, len(kept) - first, item.copies))
        for i in range(item.first, item.end):
            place[i] = place[item.first + (i - item.first) % item.size]
    return runs


def _folds(nodes: Sequence[Node], run: Fold) -> bool:
    """Whether a unit depends on its neighbours in the row only.

    It may read the end of the unit before it, and others may read the last unit. A unit of one row
    may read some rows more, as a cell reads the two before it.
    """
    unit = range(run.first, run.first + run.size)
    back = max((i - s for i in unit for s in nodes[i].sources if s < run.first), default=1)
    if run.size == 1 and back > 1:
        return back <= _BACK and run.first - 1 in nodes[run.first].sources
    if any(s < run.first - 1 for i in unit for s in nodes[i].sources):
        return False
    inside = range(run.first, run.end - run.size)
    readers = (
        s for i, n in enumerate(nodes) if i not in range(run.first, run.end) for s in n.sources
    )
    return not any(s in inside for s in readers)


def reads_back(row: Node, run: Run | None) -> int:
    """How many rows before it each copy of a folded row reads; 0 if only the last one."""
    return len(row.sources) if run and run.period == 1 and len(row.sources) > 1 else 0


def _blocks(nodes: Sequence[Node]) -> list[_Block]:
    """The block of each node: the outermost module around it that does not just hold blocks."""
    counts: dict[str, int] = {}
    for node in nodes:
        for path, _ in node.within:
            counts[path] = counts.get(path, 0) + 1
    direct = {node.within[-1][0] for node in nodes if node.within}
    holds = {
        path
        for node in nodes
        for path, name in node.within
        if (name == "Sequential" and path not in direct)
        or (counts[path] > _MOST * len(nodes) and counts[path] > 6)
    }
    paths = []
    for i, node in enumerate(nodes):
        inner = [path for path, _ in node.within if path not in holds]
        around = node.within[-1][0] if node.within else ""
        paths.append(inner[0] if inner else f"{around}.#{i}")
    shapes = {path: node.shape for path, node in zip(paths, nodes, strict=True)}
    return [_Block(path, shapes[path]) for path in paths]


def _stages(rows: Sequence[Node], blocks: Sequence[_Block]) -> list[Stage]:
    """Consecutive blocks of one shape, where there are several such stages."""
    found: list[Stage] = []
    first = 0
    for i in range(1, len(rows) + 1):
        if i < len(rows) and _one_stage(rows, blocks, first, i):
            continue
        if _spatial(blocks[i - 1].shape):
            found.append(Stage(first, i - 1, _title(blocks[first:i])))
        first = i
    return [s for s in found if s.last > s.first] if len(found) > 1 else []


def _one_stage(rows: Sequence[Node], blocks: Sequence[_Block], first: int, i: int) -> bool:
    """Whether row i belongs to the stage from `first` on; a pool begins what follows it."""
    shape, before = blocks[i].shape, blocks[i - 1].shape
    if shape == before:
        return True
    pools = all(row.kind in ("pool", "other") and not row.params for row in rows[first:i])
    return pools and _spatial(shape) and shape[1:] == before[1:]


def _spatial(shape: Sequence[int]) -> bool:
    return len(shape) > 1 and max(shape[1:]) > 1


def _title(blocks: Sequence[_Block]) -> str:
    """The shape, after the name that the blocks share if they have one."""
    shape = "x".join(map(str, blocks[-1].shape))
    parts = [b.path.split(".") for b in blocks]
    shared = [p[0] for p in zip(*parts, strict=False) if len(set(p)) == 1]
    names = [part for part in shared if not part.isdigit() and not part.startswith("#")]
    return f"{'.'.join(shared)} · {shape}" if names else shape
