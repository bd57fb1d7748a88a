"""Places for the nodes of a graph in layers, with few crossings and nothing on top of each other.

The method is that of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
system structures" (1981): layers, then an order in each by barycentres, then places. An edge that
passes a layer gets a place of its own there, shared by all edges of one node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from netwright.drawing.marks import Point

_PASSING = 10.0  # the room of an edge that passes a layer
_SWEEPS = 12


@dataclass(frozen=True)
class Arrangement:
    """The middle of every node, the points of every edge, and how much room all take."""

    middles: tuple[Point, ...]
    routes: dict[tuple[int, int], tuple[Point, ...]]
    width: float
    height: float


@dataclass
class _Slot:
    """A node in its layer, or an edge of `node` that passes it; `above` and `below` are slots."""

    node: int
    layer: int
    size: float  # across
    middle: float = 0.0

    def __post_init__(self) -> None:
        self.above: list[_Slot] = []
        self.below: list[_Slot] = []


def arrange(
    sizes: Sequence[Point],
    edges: Sequence[tuple[int, int]],
    *,
    down: bool = True,
    gap: float = 18.0,
    between: float = 32.0,
) -> Arrangement:
    """Arrange nodes of these sizes (width, height); an edge goes from a node to a later one.

    `gap` is left between nodes of a layer and `between` between layers. Edges run down, or else to
    the right.
    """
    across = [size[0 if down else 1] for size in sizes]
    along = [size[1 if down else 0] for size in sizes]
    layer = _layers(len(sizes), edges)
    slots, trunks = _slots(across, layer, edges)
    rows = [[s for s in slots if s.layer == i] for i in range(max(layer) + 1)]
    _order(rows)
    _place(rows, gap)
    thick = [
        max(along[n] for n in range(len(sizes)) if layer[n] == i) for i in range(max(layer) + 1)
    ]
    start = [sum(thick[:i]) + between * i for i in range(len(thick))]
    low = min(s.middle - s.size / 2 for s in slots)
    for slot in slots:
        slot.middle -= low
    middles = [(slots[n].middle, start[layer[n]] + thick[layer[n]] / 2) for n in range(len(sizes))]
    routes = {}
    for a, b in edges:
        points = [(middles[a][0], middles[a][1] + along[a] / 2)]
        if along[a] < thick[layer[a]]:
            points.append((middles[a][0], start[layer[a]] + thick[layer[a]]))
        for i in range(layer[a] + 1, layer[b]):
            x = trunks[a, i].middle
            points += [(x, start[i]), (x, start[i] + thick[i])]
        if along[b] < thick[layer[b]]:
            points.append((middles[b][0], start[layer[b]]))
        points.append((middles[b][0], middles[b][1] - along[b] / 2))
        routes[a, b] = tuple(points)
    wide, high = max(s.middle + s.size / 2 for s in slots), start[-1] + thick[-1]
    if down:
        return Arrangement(tuple(middles), routes, wide, high)
    turned = {edge: tuple((y, x) for x, y in points) for edge, points in routes.items()}
    return Arrangement(tuple((y, x) for x, y in middles), turned, high, wide)


def _layers(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """As late as what reads a node allows, so that layers are narrow; inputs are in the first."""
    early = [0] * count
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        early[b] = max(early[b], early[a] + 1)
    late = [max(early)] * count
    for a, b in sorted(edges, key=lambda edge: -edge[0]):
        late[a] = min(late[a], late[b] - 1)
    read, reading = {a for a, _ in edges}, {b for _, b in edges}
    layer = [late[n] if n in reading else 0 for n in range(count)]
    for n in sorted(reading - read):
        layer[n] = 1 + max(layer[a] for a, b in edges if b == n)
    return layer


def _slots(
    across: Sequence[float], layer: Sequence[int], edges: Sequence[tuple[int, int]]
) -> tuple[list[_Slot], dict[tuple[int, int], _Slot]]:
    """Slots of the nodes, then of passing edges; the latter also by (node, layer)."""
    slots = [_Slot(n, layer[n], size) for n, size in enumerate(across)]
    trunks: dict[tuple[int, int], _Slot] = {}
    for a, b in edges:
        before = slots[a]
        for i in range(layer[a] + 1, layer[b]):
            if (a, i) not in trunks:
                trunks[a, i] = _Slot(a, i, _PASSING)
                _join(before, trunks[a, i])
            before = trunks[a, i]
        _join(before, slots[b])
    return [*slots, *trunks.values()], trunks


def _join(a: _Slot, b: _Slot) -> None:
    a.below.append(b)
    b.above.append(a)


def _order(rows: list[list[_Slot]]) -> None:
    """Sort each layer by the mean place of its neighbours, and keep the best order seen."""
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows[1:] if down else rows[-2::-1]:
            place = {id(slot): i for line in rows for i, slot in enumerate(line)}

            def mean(slot: _Slot, place: dict[int, int] = place, down: bool = down) -> float:
                beside = slot.above if down else slot.below
                found = [place[id(other)] for other in beside]
                return sum(found) / len(found) if found else place[id(slot)]

            row.sort(key=mean)
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    for row, kept in zip(rows, best, strict=True):
        row[:] = kept


def _crossings(rows: Sequence[Sequence[_Slot]]) -> int:
    count = 0
    for row in rows[:-1]:
        place = {id(slot): i for line in rows for i, slot in enumerate(line)}
        ends = [(i, place[id(other)]) for i, slot in enumerate(row) for other in slot.below]
        count += sum(
            (a - c) * (b - d) < 0 for k, (a, b) in enumerate(ends) for c, d in ends[k + 1 :]
        )
    return count


def _place(rows: Sequence[Sequence[_Slot]], gap: float) -> None:
    """Move each layer as near to its neighbours as its order and the gaps allow."""
    for row in rows:
        at = 0.0
        for slot in row:
            slot.middle = at + slot.size / 2
            at += slot.size + gap
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = []
            for slot in row:
                beside = [*slot.above, *slot.below]
                mean = sum(o.middle for o in beside) / len(beside) if beside else slot.middle
                wanted.append(mean)
            for slot, middle in zip(row, _apart(wanted, [s.size for s in row], gap), strict=True):
                slot.middle = middle


def _apart(wanted: Sequence[float], sizes: Sequence[float], gap: float) -> list[float]:
    """The middles nearest to those wanted, in squares, that keep order and gaps.

    Without the room they need between them they must not fall, which pooling adjacent violators
    solves.
    """
    room = [0.0]
    for a, b in pairwise(sizes):
        room.append(room[-1] + (a + b) / 2 + gap)
    pools: list[tuple[float, int]] = []  # mean and number
    for want, offset in zip(wanted, room, strict=True):
        pools.append((want - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (m, k), (n, j) = pools[-2:]
            pools[-2:] = [((m * k + n * j) / (k + j), k + j)]
    flat = [mean for mean, count in pools for _ in range(count)]
    return [value + offset for value, offset in zip(flat, room, strict=True)]
