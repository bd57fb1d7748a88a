"""Members drawn and changed at random, within what is allowed.

Where most draws are over a bound, members are drawn in growing batches; if all of them are over,
the nearest is mutated step by step towards the bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from netwright.errors import LimitError, SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.choose import Choice
from netwright.space.members import Members, first

Excess = Callable[[Sequence[Architecture]], NDArray[np.float64]]
"""How far n architectures are over what is allowed: n values, 0 for those within."""

_BATCHES = (1, 3, 12, 48, 192)  # drawn one after the other until one is within
_REPAIRS = 40  # steps towards what is allowed, from the nearest that was drawn
_STEP = 16  # mutants looked at in each
_POOLS = 4  # draws for a pool, until a quarter of it is within
_ALONE = 50  # tries with one new answer before there are two, and so on
_TRIES = 1000  # for a mutant that builds another network


class Moves:
    """What is done with the members of a space at random.

    `excess` says what is allowed. With `strict` nothing over it is ever given; without, where no
    way within is found, the nearest is.
    """

    def __init__(
        self, members: Members, excess: Excess | None = None, *, strict: bool = False
    ) -> None:
        self._members, self._excess, self._strict = members, excess, strict

    @property
    def is_bounded(self) -> bool:
        """Whether not everything is allowed."""
        return self._excess is not None

    def allows(self, architecture: Architecture) -> bool:
        """Whether a member is within what is allowed."""
        return self._excess is None or float(self._excess([architecture])[0]) <= 0

    def sample(self, rng: np.random.Generator, *, uniform: bool = False) -> Architecture:
        """A member; see `Space.sample`."""
        one = self._members.equally if uniform else self._members.freely
        return self._within(partial(one, rng), _BATCHES, rng, None)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Another member; see `Space.mutate`."""
        draw = partial(self.mutant, architecture, rng)
        if not self._strict:
            return self._least(draw, _BATCHES[:4])[0]
        return self._within(draw, _BATCHES[:4], rng, architecture)

    def cross(self, a: Architecture, b: Architecture, rng: np.random.Generator) -> Architecture:
        """A member between two; see `Space.cross`."""

        def pick(choice: Choice) -> Answer:
            parents = [p.answers[choice.name] for p in (a, b) if choice.name in p.answers]
            pool: Sequence[Answer] = parents or choice.options[: 1 if choice.late else None]
            return pool[int(rng.integers(len(pool)))]

        def draw() -> Architecture:
            return self._members.allowed(partial(self._members.answer, pick))

        if not self._strict:
            return self._least(draw, _BATCHES[:4])[0]
        return self._within(draw, _BATCHES[:4], rng, None)

    def few(self, most: int) -> list[Architecture] | None:
        """All members, or None if there are more than `most`; see `Space.few`."""
        return self._members.few(most)

    def pool(
        self, rng: np.random.Generator, count: int, parents: Sequence[Architecture]
    ) -> list[Architecture]:
        """Different members to be compared; see `Space.pool`."""
        found: dict[Architecture, None] = {}
        for _ in range(_POOLS):
            mutants = []
            for _ in range(count // 2 if parents and not self._members.alone else 0):
                made = parents[int(rng.integers(len(parents)))]
                for _ in range(1 + int(rng.integers(3))):
                    made = self.mutant(made, rng)
                mutants.append(made)
            drawn = [self._members.freely(rng) for _ in range(count - len(mutants))]
            made_all = [*mutants, *drawn]
            over = self._excess(made_all) if self._excess else np.zeros(len(made_all))
            found.update(dict.fromkeys(a for a, o in zip(made_all, over, strict=True) if o <= 0))
            if len(found) >= count // 4:
                break
        return list(found)[:count]

    def mutant(
        self,
        architecture: Architecture,
        rng: np.random.Generator,
        other_than: Architecture | None = None,
    ) -> Architecture:
        """A different member, near this one, whatever is allowed."""
        members, known = self._members, dict(architecture.answers)
        asked = [members.choices[name] for name in known]
        open_choices = [(c.name, c.options) for c in asked if len(c.options) > 1 and not c.late]
        for attempt in range(_TRIES if open_choices else 0):
            answers = known.copy()
            for which, turn in rng.random((1 + attempt // _ALONE, 2)).tolist():
                name, options = open_choices[int(which * len(open_choices))]
                other = options.index(answers[name]) + 1 + int(turn * (len(options) - 1))
                answers[name] = options[other % len(options)]
            child = members.canonical(members.draw(rng, answers))
            if child is not None and child != known:
                made = Architecture(child)
                if other_than is None or made != other_than:
                    return made
        raise SpaceError("`Space.mutate` must have another member to go to, got a space of one.")

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """All different members one answer away; what this brings in takes option one."""
        members = self._members
        found: dict[str, Architecture] = {}
        for name in architecture.answers:
            for option in members.choices[name].options:
                changed = {**architecture.answers, name: option}
                other = members.normal(members.answer(partial(first, changed)))
                if other is not None:
                    found.setdefault(other.id, other)
        found.pop(architecture.id, None)
        return list(found.values())

    def _within(
        self,
        draw: Callable[[], Architecture],
        batches: Sequence[int],
        rng: np.random.Generator,
        other_than: Architecture | None,
    ) -> Architecture:
        """A draw that is within, or the nearest mutated until it is."""
        found, over = self._least(draw, batches)
        for _ in range(_REPAIRS if over > 0 and not self._members.alone else 0):
            if over <= 0:
                break
            step = partial(self.mutant, found, rng, other_than)
            nearer, left = self._least(step, (_STEP,))
            if left < over:
                found, over = nearer, left
        if over > 0 and self._strict:
            raise LimitError(
                f"No network of the space {self._members.name!r} was found that keeps all limits: "
                f"the nearest of those drawn breaks one by {np.expm1(over):.1%}. Raise the limits "
                "or widen the space."
            )
        return found

    def _least(
        self, draw: Callable[[], Architecture], batches: Sequence[int]
    ) -> tuple[Architecture, float]:
        """The first draw that is within, else the one that is least over; and by how much."""
        if self._excess is None:
            return draw(), 0.0
        found, least = None, np.inf
        for size in batches:
            drawn = [draw() for _ in range(size)]
            over = self._excess(drawn)
            best = int(np.argmax(over <= 0) if (over <= 0).any() else np.argmin(over))
            if found is None or over[best] < least:
                found, least = drawn[best], float(over[best])
            if least <= 0:
                break
        assert found is not None
        return found, least
