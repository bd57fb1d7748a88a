"""The graph of a network, read off the built network with its interchangeable parts left open.

A declaration is run once for all architectures that differ only in plain options (those that ask
nothing within): in place of each such part stands a slot, and the network around the slots is
traced without computation. Architectures that differ in more than that have skeletons of their own.
Nothing here knows what a cell is: the graph is whatever `forward` does. Only where a space says by
itself how its members are read as graphs (`Space(cells=...)`), they are read so, which is quicker.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from netwright.space import Answer, Architecture, Choice, Space
from netwright.space.cells import INPUT
from netwright.space.choose import Ask, Building
from netwright.surrogates.parts import Part, describe

_OUTLINED = 12  # members in which the operations of cells are looked for
_SOUGHT = 200  # draws for an operation that none of them has

_MODULES = 40_000  # of networks that are traced in 4 to 6 s, 0.1 ms a module or more
_LISTED = 60_000  # members whose skeletons are counted

Slotted = tuple[str, int]
"""A choice, and how many times it was asked before."""

Parts = dict[tuple[str, Answer, int], Part]
"""What was given by a choice's option, when it was asked for the n-th time."""


@dataclass(frozen=True)
class Node:
    """A part of a network that an option gave: a slot to be filled, or a part that is known.

    `sources` are the nodes whose tensors reach it, inputs being -1, -2, ...; what is not made by an
    option stands between them unseen. `first` is false for what repeats a question.
    """

    filled: Slotted | Part
    sources: frozenset[int]
    first: bool


@dataclass(frozen=True)
class Skeleton:
    """Nodes in the order of the forward pass, and those that reach the output.

    `parts` are what its slots were seen filled with.
    """

    nodes: tuple[Node, ...]
    ends: frozenset[int]
    parts: Parts

    def filled(self, answers: Mapping[str, Answer]) -> tuple[Part, ...] | None:
        """The part of each node, None if one of them was not seen yet."""
        found = []
        for node in self.nodes:
            if isinstance(node.filled, Part):
                found.append(node.filled)
                continue
            name, count = node.filled
            part = self.parts.get((name, answers[name], count))
            if part is None:
                return None
            found.append(part)
        return tuple(found)


@dataclass(frozen=True)
class Network:
    """A skeleton with its slots filled: node i is `parts[i]`."""

    skeleton: Skeleton
    parts: tuple[Part, ...]


class Skeletons:
    """Networks of a space as graphs; what was traced is kept.

    `network` gives None where networks cannot be traced, as when they branch on values. After
    `settle`, `is_cheap` says whether all architectures are read as cells, have no graph, or have
    skeletons that are traced in seconds. That is told by how many there are and by the modules of
    those that were traced, not by a clock, so that it is the same when a run is resumed.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._plain = plain_choices(space)
        self._traced: dict[tuple[tuple[str, Answer], ...], Skeleton] = {}
        self._sizes: list[int] = []  # modules of each network that was traced
        self._failed = False
        self._operations = self._known_operations()
        self.is_cheap = bool(self._operations)

    def network(self, architecture: Architecture) -> Network | None:
        """The graph of an architecture."""
        if self._failed:
            return None
        try:
            return self._network(architecture)
        except Exception:  # whatever user code does when it is traced: it has no graph
            return None

    def settle(self, sample: Sequence[Architecture]) -> None:
        """Decide by these how networks are read: with slots, as they are built, or not at all.

        It is decided once, so that it does not depend on the order in which networks are seen.
        """
        if not all(self.network(member) is not None for member in sample):
            if self._operations:
                _unread(self._space, self._fault(sample))
            self._plain, self._operations = frozenset(), {}
            self._traced.clear()
            self._failed = not all(self.network(member) is not None for member in sample)
        self.is_cheap = self._failed or bool(self._operations) or self._are_few()

    def _fault(self, sample: Sequence[Architecture]) -> str:
        """Why one of these cannot be read."""
        for member in sample:
            try:
                self._network(member)
            except Exception as error:  # of user code, as in `network`
                return f"{type(error).__name__}: {error}, of the member {member.to_json()}"
        return "a member cannot be read"

    def _are_few(self) -> bool:
        """Whether all skeletons can be traced in seconds."""
        others = [c for name, c in self._space.choices.items() if name not in self._plain]
        most = _MODULES * len(self._sizes) / max(1, sum(self._sizes))
        if math.prod(len(choice.options) for choice in others) <= most:
            return True
        members = self._space.few(_LISTED)  # which may have fewer
        return members is not None and len({self._skeleton_key(m.answers) for m in members}) <= most

    def _skeleton_key(self, answers: Mapping[str, Answer]) -> tuple[tuple[str, Answer], ...]:
        return tuple(item for item in answers.items() if item[0] not in self._plain)

    def _known_operations(self) -> dict[str, Part]:
        """The part that each operation of the space's cells is; empty if that is not known."""
        cells = self._space.cells
        if cells is None:
            return {}
        options = {o for name in self._plain for o in self._space.choices[name].options}
        strange = [operation for operation in cells.vocabulary if operation not in options]
        if strange:
            return _unread(self._space, f"no choice has the option {strange[0]!r}")
        rng = np.random.default_rng(0)
        members = [
            self._space.turn(place) if place % 2 else self._space.sample(rng)
            for place in range(_OUTLINED)
        ]
        made: dict[tuple[str, Answer], Part] = {}  # by choice and option
        try:
            for member in members:
                self._note_parts(member, made)
            for operation in cells.vocabulary:
                if not _given(made, operation):
                    for member in self._with_option(operation, rng):
                        self._note_parts(member, made)
        except Exception as error:  # a declaration that cannot be run with slots
            return _unread(self._space, f"{type(error).__name__}: {error}")
        found: dict[str, Part] = {}
        for operation in cells.vocabulary:  # a skip may be a reduction in another cell
            given = _given(made, operation)
            if not given:
                return _unread(self._space, f"{operation!r} is in no member that was looked at")
            given.sort(key=lambda part: part.effect == "passes")
            found[operation] = given[len(given) // 2]
        return found

    def _note_parts(self, member: Architecture, made: dict[tuple[str, Answer], Part]) -> None:
        for (name, option, _), part in self._run(member.answers)[1].parts.items():
            known = made.setdefault((name, option), part)
            if known.effect == "passes":  # perhaps what stands for a vertex that is left out
                made[name, option] = part

    def _with_option(self, operation: str, rng: np.random.Generator) -> list[Architecture]:
        """Some members that have an operation which few members have."""
        members, choices = self._space.members, self._space.choices
        names = sorted(n for n in self._plain if operation in choices[n].options)
        found: list[Architecture] = []
        for place in range(_SOUGHT if names else 0):
            name = names[place % len(names)]
            member = members.normal(members.draw(rng, {name: operation}))
            if member is not None and member.answers.get(name) == operation:
                found.append(member)
        return found[:_OUTLINED]

    def _cells(self, answers: Mapping[str, Answer]) -> Network:
        """The cells side by side, as the space reads them."""
        assert self._space.cells is not None
        nodes: list[Node] = []
        parts: list[Part] = []
        ends: set[int] = set()
        for name, graph in self._space.cells.read(answers).items():
            prefix = f"{name}: " if len(self._space.cells.cells) > 1 else ""
            numbers: dict[int, int] = {}
            last = len(graph.operations) - 1
            for place, operation in enumerate(graph.operations):
                sources = frozenset(numbers[i] for i, j in graph.edges if j == place)
                if operation == INPUT:
                    numbers[place] = -1 - place
                elif place == last:
                    ends |= sources
                else:
                    part = self._operations[operation]
                    if prefix:
                        part = replace(part, label=prefix + part.label, exact=prefix + part.exact)
                    numbers[place] = len(nodes)
                    nodes.append(Node(part, sources, True))
                    parts.append(part)
        return Network(Skeleton(tuple(nodes), frozenset(ends), {}), tuple(parts))

    def _network(self, architecture: Architecture) -> Network:
        answers = architecture.answers
        if self._operations:
            return self._cells(answers)
        key = self._skeleton_key(answers)
        skeleton = self._traced.get(key)
        if skeleton is None:
            skeleton = self._traced[key] = self._trace(answers)
        parts = skeleton.filled(answers)
        if parts is None:
            self._run(answers, skeleton.parts)
            parts = skeleton.filled(answers)
            assert parts is not None
        return Network(skeleton, parts)

    def _run(
        self, answers: Mapping[str, Answer], parts: Parts | None = None
    ) -> tuple[nn.Module, Outlining]:
        outlining = Outlining(answers, self._plain, {} if parts is None else parts)
        with torch.device("meta"):
            model = self._space.declared(outlining).eval()
        if outlining.valued:
            self._plain -= outlining.valued
            self._traced.clear()
            return self._run(answers, parts)
        return model, outlining

    def _trace(self, answers: Mapping[str, Answer]) -> Skeleton:
        model, outlining = self._run(answers)
        self._sizes.append(sum(1 for _ in model.modules()))
        graph = _Tracer(outlining.marked).trace(model)
        return _read(graph, model, outlining)


def _given(made: Mapping[tuple[str, Answer], Part], operation: str) -> list[Part]:
    return [part for (_, option), part in made.items() if option == operation]


def _unread(space: Space, why: str) -> dict[str, Part]:
    """Nothing, and a warning that a space's cells are not used."""
    warnings.warn(
        f"`Space(cells=...)` of {space.name!r} is not used where networks are compared: {why}. "
        "They are traced instead, which takes longer.",
        stacklevel=2,
    )
    return {}


class Slot(nn.Module):
    """Stands for the part that a plain option gives."""

    def forward(self, x: Any) -> Any:
        """What it is given; it is never run."""
        return x


class Outlining(Building):
    """Runs a declaration with slots for plain options.

    `marked` says of modules which part they are, or which slot, and whether it is asked for the
    first time. What options and steps give is marked with all that is inside, unless other options
    are asked within.
    """

    def __init__(
        self,
        answers: Mapping[str, Answer],
        plain: frozenset[str],
        parts: Parts,
    ) -> None:
        super().__init__(answers)
        self.marked: dict[nn.Module, tuple[Slotted | None, bool]] = {}
        self.valued: set[str] = set()
        self._plain, self.parts = plain, parts
        self._counts: dict[str, int] = {}
        self._depth = 0  # how many options and steps were made

    def _one_of(self, choice: Choice, options: Mapping[str, Callable[[], Any]]) -> Any:
        count = self._count(choice)
        answer = self._scalar(choice)
        make = options[str(answer)]
        if choice.name not in self._plain:
            return self._made(make, count == 0)
        key = (choice.name, answer, count)
        if key not in self.parts:
            made = make()
            if not isinstance(made, nn.Module):
                self.valued.add(choice.name)
                return made
            self.parts[key] = describe(made)
        self._depth += 1
        slot = Slot()
        self.marked[slot] = ((choice.name, count), count == 0)
        return slot

    def _repeat(self, choice: Choice, body: Callable[[int], nn.Module]) -> nn.Sequential:
        first = self._count(choice) == 0
        steps = self._scalar(choice)
        assert isinstance(steps, int)
        return nn.Sequential(*(self._made(partial(body, i), first) for i in range(steps)))

    def _edges(self, choice: Choice, count: int, edge: Callable[[int], nn.Module]) -> Any:
        first = self._count(choice) == 0
        return super()._edges(choice, count, lambda i: self._made(partial(edge, i), first))

    def _count(self, choice: Choice) -> int:
        count = self._counts[choice.name] = self._counts.get(choice.name, -1) + 1
        return count

    def _made(self, make: Callable[[], Any], first: bool) -> Any:
        """What an option or a step gives, marked unless options were made within."""
        before = self._depth
        made = make()
        if self._depth == before and isinstance(made, nn.Module):
            for module in made.modules():
                self.marked.setdefault(module, (None, first))
        self._depth += isinstance(made, nn.Module)
        return made


class _Tracer(fx.Tracer):
    """Follows `forward` down to the marked modules, and to those of torch."""

    def __init__(self, marked: Mapping[nn.Module, Any]) -> None:
        super().__init__()
        self._marked = marked

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return m in self._marked or super().is_leaf_module(m, module_qualified_name)


def _read(graph: fx.Graph, model: nn.Module, outlining: Outlining) -> Skeleton:
    marked = outlining.marked
    modules = dict(model.named_modules())
    reached: dict[fx.Node, frozenset[int]] = {}
    nodes: list[Node] = []
    ends: frozenset[int] = frozenset()
    for node in graph.nodes:
        sources = frozenset[int]().union(*(reached[other] for other in node.all_input_nodes))
        if node.op == "placeholder":
            sources = frozenset([-1])
        elif node.op == "output":
            ends = sources
        elif node.op == "call_module" and (module := modules[str(node.target)]) in marked:
            slot, first = marked[module]
            nodes.append(Node(slot or describe(module), sources, first))
            sources = frozenset([len(nodes) - 1])
        reached[node] = sources
    return Skeleton(tuple(nodes), ends, outlining.parts)


def plain_choices(space: Space) -> frozenset[str]:
    """The choices of options that ask nothing within, wherever they are asked."""
    inner: dict[str, bool] = {}
    for ask in _walk(space.asks):
        plain = ask.choice.kind == "one_of" and not any(ask.branches)
        inner[ask.choice.name] = inner.get(ask.choice.name, True) and plain
    return frozenset(name for name, plain in inner.items() if plain)


def _walk(scope: list[Ask]) -> Iterator[Ask]:
    for ask in scope:
        yield ask
        for branch in ask.branches:
            yield from _walk(branch)
