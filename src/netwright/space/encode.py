"""Architectures as rows of numbers, for predictors and for comparing search strategies.

Each encoding has documented columns, and an exact inverse where one exists:

- *onehot*: a column for each option of each choice; those of a choice that is not active are 0.
- *unary*: of numbers (widths, depths, values) a column is 1 from its option on upwards, so that
  near numbers have near rows; other choices as one-hot.
- *adjacency*: of each cell the edges, as the upper triangle of its matrix, and the operation of
  each node, one-hot.
- *path*: a column for each sequence of operations on a way from an input to the output (White et
  al., "BANANAS", arXiv 1910.11858). Short ones come first; several graphs have the same paths, so
  that it has no inverse.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from netwright.errors import SettingError
from netwright.space.architecture import Answer, Architecture
from netwright.space.cells import INPUT, OUTPUT, CellGraph, Cells, CellSize
from netwright.space.choose import Choice
from netwright.space.members import Members

Encoding = Literal["onehot", "unary", "adjacency", "path"]
Column = tuple[str, Answer | tuple[str, ...]]
Rows = NDArray[np.float32]

_MOST_COLUMNS = 100_000


class Encoder(ABC):
    """One encoding of one space."""

    columns: tuple[Column, ...]
    """What each column says: of what, and which value."""

    @abstractmethod
    def row(self, answers: Mapping[str, Answer]) -> list[int]:
        """The columns that are 1."""

    @abstractmethod
    def answers(self, row: Rows) -> Mapping[str, Answer]:
        """The answers of a row of `d` values.

        Raises:
            SettingError: It is the row of none, or the encoding has no inverse.
        """

    def rows(self, architectures: Sequence[Architecture]) -> Rows:
        """n x d, 0 and 1."""
        found = np.zeros((len(architectures), len(self.columns)), dtype=np.float32)
        for row, architecture in zip(found, architectures, strict=True):
            row[self.row(architecture.answers)] = 1.0
        return found


class OneHot(Encoder):
    """Every option a column; with `unary` those of smaller numbers are 1 as well."""

    def __init__(self, choices: Mapping[str, Choice], *, unary: bool = False) -> None:
        self.columns = tuple((c.name, option) for c in choices.values() for option in c.options)
        self._ones: dict[tuple[str, type, Answer], list[int]] = {}
        self._options: dict[str, tuple[range, dict[tuple[int, ...], Answer]]] = {}
        first = 0
        for choice in choices.values():
            options = {}
            for option, places in zip(choice.options, _ones(choice, unary), strict=True):
                ones = [first + place for place in places]
                self._ones[choice.name, type(option), option] = ones
                options[tuple(ones)] = option
            self._options[choice.name] = (range(first, first + len(options)), options)
            first += len(options)

    def row(self, answers: Mapping[str, Answer]) -> list[int]:
        """The columns of the answers."""
        ones = self._ones
        return [i for name, answer in answers.items() for i in ones[name, type(answer), answer]]

    def answers(self, row: Rows) -> Mapping[str, Answer]:
        """The answers of the choices that have columns which are 1."""
        found: dict[str, Answer] = {}
        for name, (places, options) in self._options.items():
            ones = tuple(i for i in places if row[i] == 1)
            if not ones and not row[places.start : places.stop].any():
                continue
            if ones not in options:
                raise SettingError(
                    "`Space.decode(rows)` must have one answer to each choice that is active, got "
                    f"{row[places.start : places.stop].tolist()} for {name!r}."
                )
            found[name] = options[ones]
        return found


def _ones(choice: Choice, unary: bool) -> list[list[int]]:
    """For each option the places of the columns that are 1."""
    numbers = [o for o in choice.options if isinstance(o, int | float) and type(o) is not bool]
    if not unary or len(numbers) < len(choice.options):
        return [[place] for place in range(len(choice.options))]
    return [[place for place, other in enumerate(numbers) if other <= own] for own in numbers]


class Adjacency(Encoder):
    """The edges and the operations of each cell."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        columns: list[Column] = []
        self._first: dict[str, int] = {}
        for name, cell in cells.cells.items():
            self._first[name] = len(columns)
            columns += [
                (f"{name}: edge from {i}", j) for j in range(1, cell.nodes) for i in range(j)
            ]
            columns += [
                (f"{name}: operation {node}", operation)
                for node in range(cell.inputs, cell.nodes - 1)
                for operation in cells.vocabulary
            ]
        self.columns = tuple(columns)
        self._operation = {name: place for place, name in enumerate(cells.vocabulary)}

    def row(self, answers: Mapping[str, Answer]) -> list[int]:
        """The columns of the edges and of the operations."""
        found = []
        for name, graph in self._cells.read(answers).items():
            cell, first = self._cells.cells[name], self._first[name]
            operations = first + cell.nodes * (cell.nodes - 1) // 2
            last = len(graph.operations) - 1
            for i, j in graph.edges:
                to = cell.nodes - 1 if j == last else j
                found.append(first + to * (to - 1) // 2 + i)
            for node, operation in enumerate(graph.operations[cell.inputs : -1]):
                place = self._operation[operation]
                found.append(operations + node * len(self._operation) + place)
        return found

    def answers(self, row: Rows) -> Mapping[str, Answer]:
        """What the space reads out of the graphs."""
        if self._cells.write is None:
            raise SettingError(
                "`Space.decode(rows, 'adjacency')` must have a space whose cells can be written "
                "back, got one that can only be read; decode 'onehot'."
            )
        return self._cells.write({n: self._graph(n, c, row) for n, c in self._cells.cells.items()})

    def _graph(self, name: str, cell: CellSize, row: Rows) -> CellGraph:
        first, vocabulary = self._first[name], self._cells.vocabulary
        place = first + cell.nodes * (cell.nodes - 1) // 2
        operations = [INPUT] * cell.inputs
        for _ in range(cell.operations):
            set_ = np.flatnonzero(row[place : place + len(vocabulary)])
            place += len(vocabulary)
            if len(set_) == 1:
                operations.append(vocabulary[set_[0]])
        last = len(operations)
        ends = [(i, j) for j in range(1, cell.nodes) for i in range(j)]
        set_ = np.flatnonzero(row[first : first + len(ends)])
        edges = ((i, last if j == cell.nodes - 1 else j) for i, j in (ends[k] for k in set_))
        return CellGraph((*operations, OUTPUT), frozenset(edges))


class Paths(Encoder):
    """The sequences of operations from the inputs of each cell to its output."""

    def __init__(self, cells: Cells, longest: int | None) -> None:
        self._cells = cells
        self._longest = {
            name: cell.longest if longest is None else min(longest, cell.longest)
            for name, cell in cells.cells.items()
        }
        operations = len(cells.vocabulary)
        size = sum(
            cell.inputs * sum(operations**n for n in range(cell.shortest, self._longest[name] + 1))
            for name, cell in cells.cells.items()
        )
        if size > _MOST_COLUMNS:
            raise SettingError(
                f"`Space.encode(..., 'path')` must have at most {_MOST_COLUMNS:,} columns, "
                f"got {size:,}; leave out long paths with `longest=3`, or encode 'adjacency'."
            )
        made = [
            (name, place, path)
            for name, cell in cells.cells.items()
            for length in range(cell.shortest, self._longest[name] + 1)
            for path in product(cells.vocabulary, repeat=length)
            for place in range(cell.inputs)
        ]
        self._places = {key: place for place, key in enumerate(made)}
        self.columns = tuple((f"{name}: from input {place}", path) for name, place, path in made)

    def row(self, answers: Mapping[str, Answer]) -> list[int]:
        """The columns of the paths."""
        places = self._places
        return [
            places[name, place, path]
            for name, graph in self._cells.read(answers).items()
            for place, path in graph.paths(self._longest[name])
        ]

    def answers(self, row: Rows) -> Mapping[str, Answer]:
        """There are none."""
        raise SettingError(
            "`Space.decode(rows, encoding)` must be given an encoding with an inverse, got 'path', "
            "which several cells share; decode 'onehot' or 'adjacency'."
        )


class Encoders:
    """The encoders of one space, each made when it is first asked for.

    `members` says which choices there are, and refuses architectures of other spaces.
    """

    def __init__(self, members: Members, cells: Cells | None) -> None:
        if cells is not None and not isinstance(cells, Cells):
            raise SettingError(f"`Space(cells=...)` must be `Cells`, got {cells!r}.")
        self._members, self._cells = members, cells
        self._made: dict[tuple[str, int | None], Encoder] = {}

    def of(self, encoding: str, longest: int | None = None) -> Encoder:
        """The encoder of this name; see `encoder`."""
        key = (encoding, longest)
        if key not in self._made:
            self._made[key] = encoder(encoding, self._members.choices, self._cells, longest)
        return self._made[key]

    def rows(
        self, architectures: Sequence[Architecture], encoding: str, longest: int | None
    ) -> Rows:
        """n x d, 0 and 1; see `Space.encode`."""
        made = self.of(encoding, longest)
        try:
            return made.rows(architectures)
        except (KeyError, AttributeError, TypeError):
            if not isinstance(architectures, list | tuple):
                raise SettingError(
                    "`Space.encode(architectures)` must be given a list of them, "
                    f"got {architectures!r}."
                ) from None
            self._members.check("encode", *architectures)
            raise

    def members(self, rows: np.ndarray, encoding: str) -> list[Architecture]:
        """The members of n x d rows; see `Space.decode`."""
        made = self.of(encoding)
        given = np.asarray(rows)
        if given.ndim != 2 or given.shape[1] != len(made.columns):
            raise SettingError(
                f"`Space.decode(rows, {encoding!r})` must be n x {len(made.columns)}, "
                f"got shape {given.shape}."
            )
        return [self._members.known(made.answers(row)) for row in given]


def encoder(
    encoding: str, choices: Mapping[str, Choice], cells: Cells | None, longest: int | None
) -> Encoder:
    """The encoder of this name.

    Raises:
        SettingError: There is none, it needs cells, or would have too many columns.
    """
    if encoding in ("onehot", "unary"):
        return OneHot(choices, unary=encoding == "unary")
    if encoding not in ("adjacency", "path"):
        raise SettingError(
            "`Space.encode(architectures, encoding)` must be 'onehot', 'unary', 'adjacency' or "
            f"'path', got {encoding!r}."
        )
    needed = needs_cells(f"encode(..., {encoding!r})", cells)
    return Adjacency(needed) if encoding == "adjacency" else Paths(needed, longest)


def needs_cells(call: str, cells: Cells | None) -> Cells:
    """The cells of a space.

    Raises:
        SettingError: It has none.
    """
    if cells is None:
        raise SettingError(
            f"`Space.{call}` must have a space of cells, got one without; encode 'onehot' or "
            "'unary', or make the space with `Space(cells=...)`."
        )
    return cells


def graphs(
    architectures: Sequence[Architecture], cells: Cells
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Nodes and edges of n graphs, filled up to v nodes; the cells of one stand side by side.

    The first array is n x v: 0 where there is no node, 1 for inputs, 2 for the output, then the
    operations in the order of the vocabulary. The second is n x v x v, true for an edge (i, j).
    """
    size = sum(cell.nodes for cell in cells.cells.values())
    operations = np.zeros((len(architectures), size), dtype=np.int64)
    edges = np.zeros((len(architectures), size, size), dtype=np.bool_)
    for number, architecture in enumerate(architectures):
        first = 0
        read = cells.read(architecture.answers)
        for name, cell in cells.cells.items():
            graph = read[name]
            made = [cells.numbers[operation] for operation in graph.operations]
            operations[number, first : first + len(made)] = made
            rows, columns = zip(*graph.edges, strict=True) if graph.edges else ((), ())
            edges[number, first + np.array(rows, int), first + np.array(columns, int)] = True
            first += cell.nodes
    return operations, edges
