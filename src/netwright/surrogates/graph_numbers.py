"""What a network's graph is made of: counts of its parts, depths, and sequences of parts in a row.

Parts that pass their input on are taken out, and with them all that no longer reaches the output or
is not reached from the input. What is left is described by

- numbers: how many parts of each kind, the longest, shortest and mean path and how many paths there
  are (in logarithms), the longest path in parts with weights;
- sequences: the kinds of parts along each path, as in the path encoding of White et al., BANANAS,
  arXiv 1910.11858, but of the graph that is left; of longer paths all windows;
- a key: equal for networks that are equal up to the order of their parts, by the refinement of
  Weisfeiler and Lehman (as Ru et al., NAS-BOWL, arXiv 2006.07556, use it for a kernel).

Where a question is asked again (each cell of a stack asks the same), the first time speaks for all:
its sequences end where the next begin.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from netwright.surrogates.graphs import Network

LONGEST = 5
DEPTH = "longest path of weights"
_ROUNDS = 4
_END = "$"

Sequence = tuple[str, ...]


@dataclass(frozen=True)
class Outline:
    """Numbers by name, the sequences that occur, and a key that equal networks share.

    `parts` is how many parts there are.
    """

    numbers: Mapping[str, float]
    sequences: frozenset[Sequence]
    key: str
    parts: int


NOTHING = Outline({}, frozenset(), "", 0)
"""Of a network that cannot be traced."""


def outline(network: Network, longest: int = LONGEST) -> Outline:
    """The outline of a network; its sequences have at most `longest` parts."""
    live = _live(network)
    counts: Counter[str] = Counter()
    found: set[Sequence] = set()
    begun: dict[int, frozenset[Sequence]] = {i: _begin(i) for i in live.inputs}
    paths: dict[int, _Paths] = {i: _Paths(1.0, 0.0, 0, 0, 0) for i in live.inputs}
    for place, sources in live.nodes.items():
        part, first = network.parts[place], network.skeleton.nodes[place].first
        arriving = frozenset[Sequence]().union(*(begun[source] for source in sources))
        if first:
            counts[part.label] += 1
            begun[place] = frozenset(_longer(s, part.label, found, longest) for s in arriving)
        else:
            found.update((*s, _END) for s in arriving if s)
            begun[place] = _begin(-1)
        paths[place] = _Paths.of([paths[s] for s in sources]).with_part(first, part.weighted)
    for end in live.ends:
        found.update((*s, _END) for s in begun[end] if s or end < 0)
    whole = _Paths.of([paths[end] for end in live.ends])
    numbers = {f"number of {label}": float(count) for label, count in counts.items()}
    numbers |= whole.numbers()
    return Outline(numbers, frozenset(found), _key(network, live), counts.total())


@dataclass(frozen=True)
class _Live:
    """The nodes that matter with what they read, in order, and those that reach the output."""

    nodes: Mapping[int, frozenset[int]]
    ends: frozenset[int]
    inputs: frozenset[int]


def _live(network: Network) -> _Live:
    read = frozenset[int]().union(*(node.sources for node in network.skeleton.nodes))
    inputs = frozenset(i for i in read | network.skeleton.ends if i < 0)
    given = {i: frozenset([i]) for i in inputs}  # what stands for a node's tensor
    reading: dict[int, frozenset[int]] = {}
    for place, (node, part) in enumerate(zip(network.skeleton.nodes, network.parts, strict=True)):
        sources = frozenset[int]().union(*(given[source] for source in node.sources))
        if part.effect == "passes" or not sources:
            given[place] = sources
        elif part.effect == "kills":
            given[place] = frozenset()
        else:
            reading[place] = sources
            given[place] = frozenset([place])
    ends = frozenset[int]().union(*(given[end] for end in network.skeleton.ends))
    needed = set(ends)
    for place in reversed(reading):
        if place in needed:
            needed |= reading[place]
    return _Live({place: s for place, s in reading.items() if place in needed}, ends, inputs)


def _begin(place: int) -> frozenset[Sequence]:
    """The sequence that nothing was added to yet; those of further inputs say which."""
    return frozenset([() if place == -1 else (f"input {-place}",)])


def _longer(sequence: Sequence, label: str, found: set[Sequence], longest: int) -> Sequence:
    """A sequence and one more part; what grows too long is noted, and loses its first."""
    if len(sequence) == longest:
        found.add(sequence)
        sequence = sequence[1:]
    return (*sequence, label)


@dataclass(frozen=True)
class _Paths:
    """All paths to a node: how many, the sum of their lengths, extremes, and the heaviest."""

    count: float
    total: float
    longest: int
    shortest: int
    heaviest: int

    @staticmethod
    def of(sources: list[_Paths]) -> _Paths:
        """Those that arrive from several nodes."""
        if not sources:
            return _Paths(0.0, 0.0, -1, -1, -1)
        count = sum(s.count for s in sources)
        scale = 1e-200 if count > 1e200 else 1.0  # deep stacks have more paths than floats
        return _Paths(
            count * scale,
            sum(s.total for s in sources) * scale,
            max(s.longest for s in sources),
            min(s.shortest for s in sources),
            max(s.heaviest for s in sources),
        )

    def with_part(self, counted: bool, weighted: bool) -> _Paths:
        """The same with one more part at their ends."""
        if not counted:
            return self
        return _Paths(
            self.count,
            self.total + self.count,
            self.longest + 1,
            self.shortest + 1,
            self.heaviest + weighted,
        )

    def numbers(self) -> dict[str, float]:
        """By name."""
        return {
            "paths": math.log1p(self.count),
            "mean path": self.total / self.count if self.count else -1.0,
            "longest path": float(self.longest),
            "shortest path": float(self.shortest),
            DEPTH: float(self.heaviest),
        }


def _key(network: Network, live: _Live) -> str:
    """The multiset of what nodes are after rounds of learning what they read."""
    named = {place: network.parts[place].exact for place in live.nodes}
    named |= {i: f"input {-i}" for i in live.inputs}
    for _ in range(_ROUNDS):
        named = {
            place: _short(f"{text}({','.join(sorted(named[s] for s in live.nodes[place]))})")
            if place >= 0
            else text
            for place, text in named.items()
        }
    ends = ",".join(sorted(named[end] for end in live.ends))
    return _short(f"{sorted(named.values())}{ends}")


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
