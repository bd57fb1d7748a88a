"""Members drawn from some that are given: the rows of a table that has not all of a space."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.errors import SpaceError
from netwright.space.architecture import Architecture
from netwright.space.members import Members
from netwright.space.moves import Moves

Encode = Callable[[Sequence[Architecture]], NDArray[np.float32]]

_TRIES = 12  # for a move of the whole space that ends at one of the given
_COMPARED = 400  # of the given, of which the nearest is taken where none does
_LEAST = 8  # neighbours, the nearest of those compared where fewer are one answer away


class Chosen(Moves):
    """Moves that begin and end at one of `given`.

    A mutant is a mutant of the whole space if one of a few is among those given, else the nearest
    of some of them, by how many choices are answered differently.
    """

    def __init__(self, members: Members, given: Sequence[Architecture], encode: Encode) -> None:
        super().__init__(members)
        self.given = list(dict.fromkeys(given))
        self._places = {architecture: place for place, architecture in enumerate(self.given)}
        self._rows = encode(self.given)
        self._answered = self._rows.sum(1)

    def allows(self, architecture: Architecture) -> bool:
        """Whether it is one of those given."""
        return architecture in self._places

    def sample(self, rng: np.random.Generator, *, uniform: bool = False) -> Architecture:
        """One of those given."""
        return self.given[int(rng.integers(len(self.given)))]

    def mutant(
        self,
        architecture: Architecture,
        rng: np.random.Generator,
        other_than: Architecture | None = None,
    ) -> Architecture:
        """Another one, near this."""
        for _ in range(_TRIES):
            made = super().mutant(architecture, rng, other_than)
            if made in self._places:
                return made
        for place in self._nearest(architecture, rng):
            if self.given[place] not in (architecture, other_than):
                return self.given[place]
        raise SpaceError("`Space.mutate` must have another member to go to, got a space of one.")

    def cross(self, a: Architecture, b: Architecture, rng: np.random.Generator) -> Architecture:
        """One between two of them, or near the first."""
        for _ in range(_TRIES):
            made = super().cross(a, b, rng)
            if made in self._places:
                return made
        return self.mutant(a, rng)

    def few(self, most: int) -> list[Architecture] | None:
        """All of those given, or None if there are more than `most`."""
        return self.given if len(self.given) <= most else None

    def pool(
        self, rng: np.random.Generator, count: int, parents: Sequence[Architecture]
    ) -> list[Architecture]:
        """Different ones to be compared; with parents half of them are mutants of these."""
        found: dict[Architecture, None] = {}
        for place in range(count // 2 if parents and len(self.given) > 1 else 0):
            found[self.mutant(parents[place % len(parents)], rng)] = None
        places = rng.choice(len(self.given), min(count, len(self.given)), replace=False)
        found.update(dict.fromkeys(self.given[place] for place in places.tolist()))
        return list(found)[:count]

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """Those one answer away, or the nearest where these are few."""
        found = [made for made in super().neighbours(architecture) if made in self._places]
        if len(found) < _LEAST:
            near = self._nearest(architecture, np.random.default_rng(int(architecture.id, 16)))
            found += [self.given[place] for place in near[:_LEAST]]
        kept = dict.fromkeys(found)
        kept.pop(architecture, None)
        return list(kept)

    def _nearest(self, architecture: Architecture, rng: np.random.Generator) -> list[int]:
        """Places of some of those given, from near to far."""
        count = min(_COMPARED, len(self.given))
        places = rng.choice(len(self.given), count, replace=False)
        own = self._rows[self._places[architecture]]
        shared = self._rows[places] @ own
        far = self._answered[places] + own.sum() - 2 * shared
        nearest: list[int] = places[np.argsort(far, kind="stable")].tolist()
        return nearest
