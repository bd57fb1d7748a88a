"""The exact number of members of a space, with conditions, shared choices and equal networks."""

from __future__ import annotations

from collections.abc import Mapping

from netwright.space.architecture import Answer
from netwright.space.choose import Ask
from netwright.space.shift import Shift


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
        name, options = ask.choice.name, ask.choice.options
        if name not in self._forks:  # its answer decides nothing else: all options count alike
            return len(options) * self._count(rest, {**given, name: None})
        return sum(
            self._count(
                _inner(ask, option) + rest,
                {**given, name: option} if name in self._shared else given,
            )
            for option in options
        )

    def _independent(self, ask: Ask) -> int:
        shift = self._shifts.get(ask.choice.name)
        if shift is None:
            return sum(self._count(_inner(ask, option), {}) for option in ask.choice.options)
        real = self._count(tuple(ask.branches[0]), {}) - len(shift.empty)
        return sum(real**length for length in range(shift.high + 1))


def _inner(ask: Ask, answer: Answer) -> tuple[Ask, ...]:
    return tuple(a for scope in ask.active(answer) for a in scope)
