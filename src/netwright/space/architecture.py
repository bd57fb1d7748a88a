"""An architecture: one answer to every active choice, as a frozen value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from netwright.errors import SpaceError

Answer = str | int | float | bool | tuple[int, ...] | None
"""An answer to a choice: an option's name, an int, a JSON scalar, or the chosen inputs."""


class Architecture:
    """An answer to every active choice of a space.

    Made by a `Space`, which keeps only the answers that matter, so that two architectures that
    build the same network are equal. Immutable, hashable, JSON both ways; `id` is the same in every
    process.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = MappingProxyType(dict(sorted(answers.items())))

    @property
    def answers(self) -> Mapping[str, Answer]:
        """Choice name to answer, sorted by name."""
        return self._answers

    @cached_property
    def id(self) -> str:
        """Sixteen hexadecimal digits of the SHA-256 of the JSON form."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def distance(self, other: Architecture) -> int:
        """How many choices the two answer differently, or only one of them."""
        missing = object()
        return sum(
            self._answers.get(name, missing) != other._answers.get(name, missing)
            for name in {*self._answers, *other._answers}
        )

    def to_json(self) -> str:
        """The answers as one line of JSON with sorted keys."""
        return json.dumps(dict(self._answers), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Architecture:
        """The architecture that `to_json` wrote.

        Raises:
            SpaceError: `text` is not a JSON object of answers.
        """
        try:
            answers = json.loads(text)
        except json.JSONDecodeError as error:
            raise SpaceError(f"`Architecture.from_json(text)` must be JSON: {error}.") from error
        return cls.from_answers(answers)

    @classmethod
    def from_answers(cls, answers: object) -> Architecture:
        """The architecture of a decoded JSON object (lists become tuples).

        Raises:
            SpaceError: `answers` is not an object of scalars and lists of ints.
        """
        if not isinstance(answers, Mapping):
            raise SpaceError(
                f"An architecture must be a JSON object of answers, got {type(answers).__name__}."
            )
        made: dict[str, Answer] = {}
        for name, answer in answers.items():
            if isinstance(answer, list | tuple) and all(type(i) is int for i in answer):
                made[str(name)] = tuple(answer)
            elif answer is None or isinstance(answer, str | int | float):
                made[str(name)] = answer
            else:
                raise SpaceError(
                    f"The answer to {name!r} must be a scalar or a list of ints, got {answer!r}."
                )
        return cls(made)

    def __getitem__(self, name: str) -> Answer:
        return self._answers[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return False
        return self._answers == other._answers and self.id == other.id  # 1 is not True, nor 1.0

    def __hash__(self) -> int:
        return int(self.id, 16)

    def __reduce__(self) -> tuple[type[Architecture], tuple[dict[str, Answer]]]:
        return Architecture, (dict(self._answers),)

    def __repr__(self) -> str:
        return f"Architecture({dict(self._answers)!r})"
