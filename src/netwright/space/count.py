"""The exact number of members of a space, with conditions, shared choices and equal networks.

And members drawn by it, each as likely as any other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netwright.space.architecture import Answer
from netwright.space.choose import Ask
from netwright.space.repeats import Shift


class Counter:
    """Counts the answers to a tree of `Ask`.

    A choice asked in one place only is an independent factor. A choice asked in several places is
    answered once: the count branches on its answer where it is first asked, and what remains is
    remembered by the answers that still matter to it.
    """

    def __init__(self, root: list[Ask], shifts: Mapping[str, Shift]) -> None:
        self._root = tuple(root)
        self._shifts = shifts
        self._uses: dict[str, int] = {}
        self._names: dict[int, frozenset[str]] = {}
        for ask in root:
            self._note(ask)
        self._shared = frozenset(name for name, uses in self._uses.items() if uses > 1)
        self._forks = self._forking(self._root)
        self._known: dict[object, int] = {}

    def total(self) -> int:
        """The number of members."""
        return self._count(self._root, {})

    def draw(self, rng: np.random.Generator) -> dict[str, Answer]:
        """The answers of one member, drawn uniformly among all members."""
        answers: dict[str, Answer] = {}
        self._draw(self._root, {}, answers, rng)
        return answers

    def _draw(
        self,
        asks: tuple[Ask, ...],
        given: Mapping[str, Answer],
        answers: dict[str, Answer],
        rng: np.random.Generator,
    ) -> None:
        """Answers to `asks`, by how many members each option leaves; as `_count` goes over them."""
        for place, ask in enumerate(asks):
            name, rest = ask.choice.name, asks[place + 1 :]
            if name in answers:
                inner = _inner(ask, answers[name]) if name in self._forks else ()
                if inner:
                    self._draw(inner + rest, given, answers, rng)
                    return
            elif self._names[id(ask)] & self._shared:
                ways = [self._given(ask, option, given) for option in ask.choice.options]
                todo = [_inner(ask, option) + rest for option in ask.choice.options]
                counts = [
                    self._count(*each) if name in self._forks else 1
                    for each in zip(todo, ways, strict=True)
                ]
                pick = _weighed(counts, rng)
                answers[name] = ask.choice.options[pick]
                self._draw(todo[pick], ways[pick], answers, rng)
                return
            else:
                self._draw_independent(ask, answers, rng)

    def _draw_independent(
        self, ask: Ask, answers: dict[str, Answer], rng: np.random.Generator
    ) -> None:
        name, options = ask.choice.name, ask.choice.options
        shift = self._shifts.get(name)
        if shift is None:
            answers[name] = options[
                _weighed([self._count(_inner(ask, option), {}) for option in options], rng)
            ]
            self._draw(_inner(ask, answers[name]), {}, answers, rng)
            return
        real = self._count(tuple(ask.branches[0]), {}) - len(shift.empty)
        length = _weighed([real**length for length in range(shift.high + 1)], rng)
        answers[name] = max(length, shift.low)
        for i in range(max(length, shift.low)):
            step = shift.names[i][0]
            answers[step] = shift.skip
            while i < length and answers[step] in shift.empty:
                drawn: dict[str, Answer] = {}
                self._draw(tuple(ask.branches[i]), {}, drawn, rng)
                if drawn[step] not in shift.empty:
                    answers.update(drawn)

    def _note(self, ask: Ask) -> frozenset[str]:
        self._uses[ask.choice.name] = self._uses.get(ask.choice.name, 0) + 1
        inner = [self._note(a) for scope in ask.branches for a in scope]
        names = frozenset({ask.choice.name}).union(*inner)
        self._names[id(ask)] = names
        return names

    def _forking(self, scope: tuple[Ask, ...]) -> frozenset[str]:
        """Choices whose answer decides what else is asked, in any place."""
        found: set[str] = set()
        for ask in scope:
            inner = tuple(a for branch in ask.branches for a in branch)
            if inner:
                found.add(ask.choice.name)
                found |= self._forking(inner)
        return frozenset(found)

    def _count(self, asks: tuple[Ask, ...], given: Mapping[str, Answer]) -> int:
        names = frozenset().union(*(self._names[id(ask)] for ask in asks))
        key = (
            tuple(id(ask) for ask in asks),
            tuple(sorted((n, repr(given[n])) for n in given.keys() & names)),
        )
        if key not in self._known:
            self._known[key] = self._count_anew(asks, given)
        return self._known[key]

    def _count_anew(self, asks: tuple[Ask, ...], given: Mapping[str, Answer]) -> int:
        factor = 1
        for place, ask in enumerate(asks):
            name, rest = ask.choice.name, asks[place + 1 :]
            if name in given:
                inner = _inner(ask, given[name]) if name in self._forks else ()
                if inner:
                    return factor * self._count(inner + rest, given)
            elif not (self._names[id(ask)] & self._shared):
                factor *= self._independent(ask)
            else:
                return factor * self._branch(ask, rest, given)
        return factor

    def _branch(self, ask: Ask, rest: tuple[Ask, ...], given: Mapping[str, Answer]) -> int:
        options = ask.choice.options
        if ask.choice.name not in self._forks:  # all options leave the same
            return len(options) * self._count(rest, self._given(ask, options[0], given))
        return sum(
            self._count(_inner(ask, option) + rest, self._given(ask, option, given))
            for option in options
        )

    def _given(self, ask: Ask, answer: Answer, given: Mapping[str, Answer]) -> Mapping[str, Answer]:
        """What is known after this answer, of what still matters."""
        name = ask.choice.name
        if name not in self._forks:  # its answer decides nothing else
            return {**given, name: None}
        return {**given, name: answer} if name in self._shared else given

    def _independent(self, ask: Ask) -> int:
        shift = self._shifts.get(ask.choice.name)
        if shift is None:
            return sum(self._count(_inner(ask, option), {}) for option in ask.choice.options)
        real = self._count(tuple(ask.branches[0]), {}) - len(shift.empty)
        return sum(real**length for length in range(shift.high + 1))


def below(total: int, rng: np.random.Generator) -> int:
    """A whole number from 0 to below `total`, which may be larger than any machine's integer."""
    return int.from_bytes(rng.bytes(total.bit_length() // 8 + 9), "little") % total


def _weighed(counts: list[int], rng: np.random.Generator) -> int:
    """A place, drawn by its share of the counts."""
    point = below(sum(counts), rng)
    for place, count in enumerate(counts):
        point -= count
        if point < 0:
            return place
    raise AssertionError("a point below the total is below one of the counts")


def _inner(ask: Ask, answer: Answer) -> tuple[Ask, ...]:
    return tuple(a for scope in ask.active(answer) for a in scope)
