"""Members as graphs: a cell with operations on its nodes, as most encodings and predictors take it.

Where a space puts operations on edges (NAS-Bench-201, DARTS), each of them is a node here; what a
node of the paper adds up is read by whatever reads that node. It is the form of White et al.,
"BANANAS", arXiv 1910.11858, and of Ning et al., "GATES", arXiv 2004.01899.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netwright.space.architecture import Answer

INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True)
class CellGraph:
    """Operations on nodes, inputs first and the output last, and edges (i, j) with i < j."""

    operations: tuple[str, ...]
    edges: frozenset[tuple[int, int]]

    def paths(self, longest: int) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Every path from an input to the output: the input's place, and the operations between.

        Those with more than `longest` operations are left out.
        """
        after: list[list[int]] = [[] for _ in self.operations]
        for i, j in self.edges:
            after[i].append(j)
        last = len(self.operations) - 1

        def walk(node: int, passed: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
            for other in after[node]:
                if other == last:
                    yield passed
                elif len(passed) < longest:
                    yield from walk(other, (*passed, self.operations[other]))

        for place, operation in enumerate(self.operations):
            if operation == INPUT:
                for passed in walk(place, ()):
                    yield place, passed


@dataclass(frozen=True)
class CellSize:
    """One cell of a space: how many inputs, and how many operations at most, in all and in a row.

    Graphs of it have at most `inputs + operations + 1` nodes. `shortest` is how many operations
    the shortest path has, 1 where no input is an output.
    """

    inputs: int
    operations: int
    longest: int
    shortest: int = 0

    @property
    def nodes(self) -> int:
        """How many nodes a graph has at most."""
        return self.inputs + self.operations + 1


@dataclass(frozen=True)
class Cells:
    """How the members of a space are read as graphs: `read(answers)` gives one for each cell.

    `vocabulary` are the operations. `write(graphs)` is the inverse of `read`, if there is one.
    """

    cells: Mapping[str, CellSize]
    vocabulary: tuple[str, ...]
    read: Callable[[Mapping[str, Answer]], Mapping[str, CellGraph]]
    write: Callable[[Mapping[str, CellGraph]], Mapping[str, Answer]] | None = None
    numbers: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        named = (INPUT, OUTPUT, *self.vocabulary)
        object.__setattr__(self, "numbers", {name: i for i, name in enumerate(named, 1)})


Read = tuple[int, str]
"""What a node reads: the place among the inputs and the nodes before it, and the operation."""


def places(answer: Answer) -> tuple[int, ...]:
    """The answer to a choice of inputs, as what it is."""
    assert isinstance(answer, tuple)
    return answer


def graph_of_pairs(nodes: Sequence[Sequence[Read]], ends: Sequence[int], inputs: int) -> CellGraph:
    """The graph of a cell whose nodes add what they read, each through an operation.

    `ends` are the nodes that are the output. An operation is a node here, those of one node side by
    side.
    """
    operations = [INPUT] * inputs
    edges: set[tuple[int, int]] = set()
    made: list[list[int]] = [[place] for place in range(inputs)]
    for node in nodes:
        own = []
        for source, operation in node:
            own.append(len(operations))
            operations.append(operation)
            edges.update((before, own[-1]) for before in made[source])
        made.append(own)
    last = len(operations)
    edges.update((before, last) for node in ends for before in made[inputs + node])
    return CellGraph((*operations, OUTPUT), frozenset(edges))


def pairs_of_graph(graph: CellGraph, sizes: Sequence[int], inputs: int) -> list[list[Read]]:
    """The inverse of `graph_of_pairs`; `sizes` are how many operations each node has."""
    first = [*range(inputs)]
    place = inputs
    nodes = []
    for size in sizes:
        first.append(place)
        nodes.append(
            [
                (
                    next(s for s, before in enumerate(first[:-1]) if (before, at) in graph.edges),
                    graph.operations[at],
                )
                for at in range(place, place + size)
            ]
        )
        place += size
    return nodes
