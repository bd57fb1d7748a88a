"""Architectures as rows of numbers, of any space: from their graphs and from their answers.

Three blocks of columns, each of which has a mean squared distance of 1 over random members:

- graph: the numbers of `outline`, each divided by its deviation;
- sequences: 1 for each sequence of parts that occurs;
- answers: one-hot columns, and for widths, depths and values their place in the range, so that 48
  is near 64. Columns of choices that are not asked are 0.

Columns are found as networks are seen. All values are multiples of 1/256, so that sums over them
are exact and do not depend on the order in which columns were found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.errors import SpaceError
from netwright.space import Architecture, Choice, Space
from netwright.surrogates.graph_numbers import DEPTH, LONGEST, NOTHING, Outline, outline
from netwright.surrogates.graphs import Skeletons

Array = NDArray[np.float64]

BLOCKS = ("graph", "sequences", "answers")
_SAMPLED = 96  # random members that columns are scaled by
_SEQUENCES = 60  # that a network has on average, at most: with more they are made shorter
_RARE = 0.3  # the least deviation: what is rare does not count for more than it is
_GRID = 256


class Features:
    """Rows of the members of a space, each made once and kept.

    `rows(architectures)` gives their numbers, n; `block(b, rows)` their values, n x d; `scales[b]`
    is the mean squared distance of random members in a block, 0 where they are all alike, and
    `centres[b]` their mean. With `apart` each architecture is a network of its own, though it has
    the graph of another.
    """

    def __init__(self, space: Space) -> None:
        self._skeletons = Skeletons(space)
        self._answers = _Answers(space)
        self._known: dict[Architecture, int] = {}
        self._keys: list[str] = []
        self._names: list[str] = []  # of the architectures
        self.apart = False
        self.columns: dict[tuple[str, ...], int] = {}  # of sequences
        self._parts: list[int | None] = []
        self._numbers: dict[str, float] = {}  # name to 1 / deviation
        self._longest = LONGEST
        self._blocks = [_Rows() for _ in BLOCKS]
        sample = _sampled(space)
        self._skeletons.settle(sample)
        self._learn_numbers(sample)
        drawn = self.rows(sample)
        blocks = [self.block(b, drawn) for b in range(len(BLOCKS))]
        self.scales = [2 * float(block.var(0).sum()) for block in blocks]
        self.centres = [np.round(block.mean(0) * _GRID) / _GRID for block in blocks]

    @property
    def is_cheap(self) -> bool:
        """Whether rows cost microseconds, not the tracing of a network each.

        Rows of networks that are traced do, too, once all skeletons were traced, if these are few.
        """
        return self._skeletons.is_cheap

    def rows(self, architectures: Sequence[Architecture]) -> NDArray[np.int64]:
        """The number of each architecture's row."""
        return np.array([self._row(a) for a in architectures], dtype=np.int64)

    def block(self, which: int, rows: NDArray[np.int64]) -> Array:
        """The values of a block, n x d."""
        return self._blocks[which].values[rows, : self._blocks[which].width]

    def depths(self, rows: NDArray[np.int64]) -> Array:
        """The longest path of weights in each network, in deviations; 0 where that is unknown."""
        if DEPTH not in self._numbers:
            return np.zeros(len(rows))
        return self.block(0, rows)[:, list(self._numbers).index(DEPTH)]

    def width(self, which: int) -> int:
        """How many columns a block has at present."""
        return self._blocks[which].width

    def parts(self, row: int) -> int | None:
        """How many parts a network has, None where networks do not differ in them."""
        return self._parts[row]

    def key(self, row: int) -> str:
        """Equal for rows of networks that count as one."""
        return self._names[row] if self.apart else self._keys[row]

    def graph_key(self, row: int) -> str:
        """Equal for rows of networks that are equal up to the order of their parts."""
        return self._keys[row]

    def _row(self, architecture: Architecture) -> int:
        row = self._known.get(architecture)
        if row is None:
            row = self._known[architecture] = len(self._keys)
            graph, sequences, answers = self._blocks
            found = self._outline(architecture)
            self._keys.append(self._key(architecture, found))
            self._names.append(architecture.id)
            self._parts.append(found.parts if found.key and self._numbers else None)
            values = [found.numbers.get(n, 0.0) * s for n, s in self._numbers.items()]
            graph.append(np.round(np.array(values) * _GRID) / _GRID)
            columns = [self.columns.setdefault(s, len(self.columns)) for s in found.sequences]
            marked = np.zeros(len(self.columns))
            marked[columns] = 1.0
            sequences.append(marked)
            answers.append(self._answers.row(architecture))
        return row

    def _outline(self, architecture: Architecture) -> Outline:
        network = self._skeletons.network(architecture)
        return NOTHING if network is None else outline(network, self._longest)

    def _key(self, architecture: Architecture, found: Outline) -> str:
        """The graph's key, and the answers that are not seen in the graph."""
        if not found.key:
            return architecture.id
        return f"{found.key}{self._answers.unseen(architecture)}"

    def _learn_numbers(self, sample: Sequence[Architecture]) -> None:
        networks = [n for a in sample if (n := self._skeletons.network(a)) is not None]
        while True:
            outlines = [outline(network, self._longest) for network in networks]
            if sum(len(o.sequences) for o in outlines) <= _SEQUENCES * len(outlines):
                break
            self._longest -= 1
            if self._longest == 1:
                break
        for name in sorted({name for o in outlines for name in o.numbers}):
            deviation = float(np.std([o.numbers.get(name, 0.0) for o in outlines]))
            if deviation > 1e-9:
                self._numbers[name] = 1 / max(deviation, _RARE)


class _Rows:
    """A table that grows in both directions."""

    def __init__(self) -> None:
        self.values = np.zeros((64, 1))
        self.count = self.width = 0

    def append(self, row: Array) -> None:
        """One more row; columns that are new are 0 in those before."""
        self.width = max(self.width, len(row))
        height, width = self.values.shape
        if self.count == height or self.width > width:
            grown = np.zeros((height * (1 + (self.count == height)), max(width, 2 * self.width)))
            grown[:height, :width] = self.values
            self.values = grown
        self.values[self.count, : len(row)] = row
        self.count += 1


class _Answers:
    """One-hot answers, and the places of numbers in their range."""

    def __init__(self, space: Space) -> None:
        self._space = space
        numbers = [c for c in space.choices.values() if _is_number(c)]
        self._unseen = [
            c.name for c in space.choices.values() if c.kind not in ("one_of", "inputs")
        ]
        columns = space.columns()
        self._places = np.zeros((len(columns), len(numbers)))
        for row, (name, option) in enumerate(columns):
            if _is_number(choice := space.choices[name]):
                place = sorted(choice.options, key=float).index(option)  # type: ignore[arg-type]
                column = numbers.index(choice)
                share = place / max(1, len(choice.options) - 1)
                self._places[row, column] = round(math.sqrt(2) * share * _GRID) / _GRID

    def row(self, architecture: Architecture) -> Array:
        """Its d values."""
        row = self._space.encode([architecture])[0].astype(np.float64)
        return np.append(row, row @ self._places)

    def unseen(self, architecture: Architecture) -> str:
        """The answers that may not show in the graph: sizes and settings."""
        return repr([architecture.answers.get(name) for name in self._unseen])


def _is_number(choice: Choice) -> bool:
    return all(type(option) in (int, float) for option in choice.options)


def _sampled(space: Space) -> list[Architecture]:
    """Random members, and some that together take every option."""
    most = max((len(c.options) for c in space.choices.values()), default=1)
    rng = np.random.default_rng(0)
    turned = [space.turn(place) for place in range(min(most, _SAMPLED))]
    try:
        return [*turned, *(space.sample(rng) for _ in range(_SAMPLED))]
    except SpaceError:
        return turned


def features_of(space: Space) -> Features:
    """The features of a space; rows that were made are kept as long as the space.

    `space.memo["apart"]`, if it is there, says of them whether equal graphs are to be told apart.
    """
    if "features" not in space.memo:
        made = Features(space)
        made.apart = "apart" in space.memo and space.memo["apart"](made)
        space.memo["features"] = made
    found: Features = space.memo["features"]
    return found
