"""The graphs of NAS-Bench-101: which are cells, which of them are equal, and all of them.

A graph is a matrix of n vertices, the first of which is the input and the last the output, and the
operations of the inner ones. What is asked of a space is not known here, see `nasbench101.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
"""The operations in the order that the graph hash counts them by."""

COUNT = 423_624
"""How many cells differ."""

VERTICES = 7
_MOST_EDGES = 9

Graph = tuple[tuple[int, ...], ...]
"""The n rows of a matrix."""


def graph_hash(matrix: Sequence[Sequence[int]], operations: Sequence[str]) -> str:
    """The paper's hash of a cell, the same for all cells equal up to isomorphism."""
    m = np.asarray(matrix)
    labels = [-1, *(OPERATIONS.index(name) for name in operations), -2]
    sums = zip(m.sum(1).tolist(), m.sum(0).tolist(), labels, strict=True)
    hashes = [_md5(str(each)) for each in sums]
    before = [np.flatnonzero(m[:, v]).tolist() for v in range(len(m))]
    behind = [np.flatnonzero(m[v]).tolist() for v in range(len(m))]
    for _ in range(len(m)):
        hashes = [
            _md5(
                f"{''.join(sorted(hashes[w] for w in before[v]))}|"
                f"{''.join(sorted(hashes[w] for w in behind[v]))}|{hashes[v]}"
            )
            for v in range(len(m))
        ]
    return _md5(str(sorted(hashes)))


def graphs() -> Iterator[tuple[list[list[int]], list[str]]]:
    """Every cell once, as matrix and operations, by the number of vertices.

    Graphs are first taken without operations: those whose code is the least among the orders of
    their inner vertices. Then come the operations, but for those that a symmetry of the graph
    makes equal.
    """
    for n in range(2, VERTICES + 1):
        for matrix, symmetries in _shapes(n):
            seen = set()
            for operations in product(range(len(OPERATIONS)), repeat=n - 2):
                least = min(tuple(operations[i] for i in order) for order in symmetries)
                if least not in seen:
                    seen.add(least)
                    yield matrix.tolist(), [OPERATIONS[i] for i in operations]


@cache
def every_cell() -> tuple[list[NDArray[np.int64]], NDArray[np.int32], NDArray[np.int8]]:
    """The different matrices, and for each cell the place of its own and its operations."""
    shapes: list[NDArray[np.int64]] = []
    where = np.zeros(COUNT, dtype=np.int32)
    chosen = np.zeros((COUNT, VERTICES - 2), dtype=np.int8)
    last = None
    for place, (matrix, operations) in enumerate(graphs()):
        if matrix != last:
            shapes.append(np.array(matrix))
            last = matrix
        where[place] = len(shapes) - 1
        chosen[place, : len(operations)] = [OPERATIONS.index(name) for name in operations]
    return shapes, where, chosen


@lru_cache(maxsize=1 << 18)
def trimmed(rows: bytes) -> tuple[list[int], Graph]:
    """The vertices that are on a path, and the graph of these; empty for a cell that is none.

    `rows` are all edges, 0 or 1: those of vertex 0 come first, of each vertex the one to the next.
    """
    behind = bits_of(rows)
    kept = on_a_path(behind)
    mask = sum(1 << v for v in kept)
    if not kept or sum((behind[v] & mask).bit_count() for v in kept) > _MOST_EDGES:
        return [], ()
    return kept, tuple(tuple(behind[v] >> w & 1 for w in kept) for v in kept)


def least_order(graph: Graph, operations: tuple[int, ...]) -> list[int]:
    """The order of the n - 2 inner vertices with the least code, and of those the least operations.

    `operations` are the places of theirs in `OPERATIONS`.
    """
    n, small, chosen = len(graph), np.array(graph), np.array(operations, dtype=np.int64)
    orders, where, pairs = _orders(n)
    bits = small[pairs]
    padded = np.append(bits, 0)  # where an order puts an edge below the diagonal it is not valid
    moved = padded[where]
    valid = moved.sum(1) == bits.sum()
    codes = moved[valid] @ (1 << np.arange(moved.shape[1])[::-1])
    ranks = chosen[orders[valid]] @ (3 ** np.arange(n - 2)[::-1]) if n > 2 else np.zeros(1)
    order: list[int] = orders[valid][int(np.lexsort((ranks, codes))[0])].tolist()
    return order


def bits_of(rows: bytes) -> list[int]:
    """For each vertex the bits of those that its edges lead to; `rows` are as in `trimmed`."""
    behind, first = [], 0
    for v in range(VERTICES):
        row = rows[first : first + VERTICES - 1 - v]
        behind.append(sum(edge << (v + 1 + place) for place, edge in enumerate(row)))
        first += len(row)
    return behind


def on_a_path(behind: Sequence[int]) -> list[int]:
    """The vertices between input and output, with both; none where no path leads there."""
    last = len(behind) - 1
    ahead, back = 1, 1 << last
    for v in range(last):
        if ahead >> v & 1:
            ahead |= behind[v]
    for v in reversed(range(last)):
        if behind[v] & back:
            back |= 1 << v
    both = ahead & back
    return [v for v in range(last + 1) if both >> v & 1] if ahead >> last & 1 else []


@cache
def _orders(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[NDArray[np.int64], ...]]:
    """All orders of n - 2 inner vertices, where each takes the bits from, and the pairs of bits.

    A bit that an order would take from below the diagonal is taken from one place after the end.
    """
    pairs = [(i, j) for j in range(1, n) for i in range(j)]
    place = {pair: k for k, pair in enumerate(pairs)}
    orders = list(permutations(range(n - 2)))
    where = []
    for order in orders:
        old = [0, *(1 + i for i in order), n - 1]
        where.append([place.get((old[i], old[j]), len(pairs)) for i, j in pairs])
    columns = np.array(pairs).T
    shape = (len(orders), max(0, n - 2))
    return (
        np.array(orders, dtype=np.int64).reshape(shape),
        np.array(where),
        (columns[0], columns[1]),
    )


def _shapes(n: int) -> Iterator[tuple[NDArray[np.int64], list[tuple[int, ...]]]]:
    """The different graphs of n vertices that all lie on a path, and the symmetries of each."""
    orders, where, (rows, columns) = _orders(n)
    count = len(rows)
    codes = np.arange(1 << count, dtype=np.int64)
    bits = ((codes[:, None] >> np.arange(count)[::-1]) & 1).astype(np.int8)
    kept = bits.sum(1) <= _MOST_EDGES
    for v in range(n):
        kept &= (bits[:, rows == v].any(1) | (v == n - 1)) & (
            bits[:, columns == v].any(1) | (v == 0)
        )
    codes, bits = codes[kept], bits[kept]
    padded = np.concatenate([bits, np.zeros((len(bits), 1), np.int8)], 1)
    weights = 1 << np.arange(count, dtype=np.int64)[::-1]
    edges = bits.sum(1)
    least = np.ones(len(codes), dtype=bool)
    same = np.zeros((len(codes), len(orders)), dtype=bool)
    for k, places in enumerate(where):
        moved = padded[:, places]
        valid = moved.sum(1) == edges
        new = moved @ weights
        least &= ~valid | (new >= codes)
        same[:, k] = valid & (new == codes)
    for row in np.flatnonzero(least):
        matrix = np.zeros((n, n), dtype=np.int64)
        matrix[rows, columns] = bits[row]
        yield matrix, [tuple(orders[k]) for k in np.flatnonzero(same[row])]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
