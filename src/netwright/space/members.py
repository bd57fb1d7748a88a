"""The members of a space: answers in canonical form, drawn, enumerated and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import product

import numpy as np

from netwright.errors import SettingError, SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.choose import Ask, Choice
from netwright.space.count import Counter, below
from netwright.space.repeats import Shift

NormalForm = Callable[[dict[str, Answer]], Mapping[str, Answer] | None]
Numbered = Callable[[int], Mapping[str, Answer]]

_TRIES = 1000  # draws that rules between choices may forbid
_EQUAL_TRIES = 100_000  # for answers that are in canonical form by chance
_FOLDED = 10  # ways to answer a member, at most, where all are to be gone through quickly
_COUNTED = 5_000_000  # ways to answer that are gone through to count what rules leave


class Members:
    """Everything that follows from the tree of the choices and the rules between them.

    `normal_form`, `count` and `numbered` are what `Space` takes as `normal_form`, `members` and
    `member`.
    """

    def __init__(
        self,
        name: str,
        root: list[Ask],
        choices: Mapping[str, Choice],
        normal_form: NormalForm | None,
        count: int | None,
        numbered: Numbered | None,
    ) -> None:
        self.name, self.root, self.choices = name, root, choices
        self.normal_form, self.numbered = normal_form, numbered
        self.shifts: Mapping[str, Shift] = {}
        self._count = count
        self._flat = not any(scope for ask in root for scope in ask.branches)

    @property
    def alone(self) -> bool:
        """Whether there is surely one member only."""
        return all(len(choice.options) == 1 for choice in self.choices.values())

    # -- answers ----------------------------------------------------------------------------------

    def answer(self, pick: Callable[[Choice], Answer]) -> dict[str, Answer]:
        """Answers to exactly the active choices, each picked when it is first asked."""
        answers: dict[str, Answer] = {}
        todo = self.root[::-1]
        while todo:
            ask = todo.pop()
            name = ask.choice.name
            if name not in answers:
                answers[name] = pick(ask.choice)
            for scope in reversed(ask.active(answers[name])):
                todo.extend(reversed(scope))
        return answers

    def draw(
        self, rng: np.random.Generator, given: Mapping[str, Answer] | None = None
    ) -> dict[str, Answer]:
        """Answers from the top down, each uniform but for those that are given."""
        known = {} if given is None else given
        if self._flat and len(known) == len(self.choices):
            return known if isinstance(known, dict) else dict(known)

        def pick(choice: Choice) -> Answer:
            if choice.name in known:
                return known[choice.name]
            if choice.late:
                return choice.options[0]
            return choice.options[int(next(turns) * len(choice.options))]

        turns = iter(rng.random(len(self.choices)).tolist())  # one call, as each costs microseconds
        return self.answer(pick)

    def canonical(self, answers: dict[str, Answer]) -> Mapping[str, Answer] | None:
        """The answers that stand for these; None if a rule forbids them."""
        for shift in self.shifts.values():
            if shift.name in answers:
                answers = shift.apply(answers)
        return answers if self.normal_form is None else self.normal_form(answers)

    def normal(self, answers: dict[str, Answer]) -> Architecture | None:
        """The one architecture that stands for these answers; None if a rule forbids them."""
        found = self.canonical(answers)
        return None if found is None else Architecture(found)

    def known(self, answers: Mapping[str, Answer]) -> Architecture:
        """The architecture of answers that a caller gave.

        Raises:
            SpaceError: An active choice has no answer, an answer is no option of a choice, or a
                rule forbids them.
        """
        for name in answers:
            if name not in self.choices:
                raise SpaceError(
                    f"The space {self.name!r} has no choice {name!r}; its choices are "
                    f"{', '.join(list(self.choices)[:12])}."
                )

        def given(choice: Choice) -> Answer:
            if choice.name not in answers:
                raise SpaceError(f"The architecture lacks an answer to {choice.name!r}.")
            answer = answers[choice.name]
            if answer not in choice.options:
                raise SpaceError(
                    f"The choice {choice.name!r} has no option {answer!r}; "
                    f"its options are {choice.options!r}."
                )
            return choice.options[choice.options.index(answer)]

        member = self.normal(self.answer(given))
        if member is None:
            raise SpaceError(
                f"The space {self.name!r} has no network of these answers: its rules between "
                f"choices forbid {dict(answers)!r}."
            )
        return member

    def check(self, call: str, *architectures: object) -> None:
        """Refuse what answers other choices than there are, or otherwise.

        Raises:
            SettingError: `Space.{call}` was given something that is no architecture.
            SpaceError: It was given an architecture of another space.
        """
        for given in architectures:
            if not isinstance(given, Architecture):
                raise SettingError(
                    f"`Space.{call}(...)` must be given an Architecture, got {given!r}."
                )
            for name, answer in given.answers.items():
                if name not in self.choices or answer not in self.choices[name].options:
                    raise SpaceError(
                        f"`Space.{call}(...)` must be given a member of {self.name!r}, got one "
                        f"that answers {name!r} with {answer!r}; see `adopted`."
                    )

    def check_drawn(self, call: str, rng: object, *architectures: object) -> None:
        """Refuse what is no generator, and architectures as `check` does."""
        if not isinstance(rng, np.random.Generator):
            raise SettingError(
                f"`Space.{call}(...)` must be given a generator, got {rng!r}; write "
                "`numpy.random.default_rng(0)`."
            )
        self.check(call, *architectures)

    # -- one of them ------------------------------------------------------------------------------

    def allowed(self, draw: Callable[[], dict[str, Answer]]) -> Architecture:
        """The first draw that no rule forbids."""
        for _ in range(_TRIES):
            member = self.normal(draw())
            if member is not None:
                return member
        raise SpaceError(
            f"The space {self.name!r} has rules between choices that forbade all of {_TRIES} draws."
        )

    def freely(self, rng: np.random.Generator) -> Architecture:
        """A member by uniform answers, from the top down."""
        return self.allowed(partial(self.draw, rng))

    def equally(self, rng: np.random.Generator) -> Architecture:
        """A member, each as likely as the others."""
        if self.numbered is not None:
            return self.at(below(self.count(), rng))
        for _ in range(_EQUAL_TRIES):
            drawn = self._counter.draw(rng)
            found = self.canonical(drawn)
            if found is not None and found == drawn:
                return Architecture(found)
        raise SpaceError(
            f"The space {self.name!r} has rules between choices that forbade all of "
            f"{_EQUAL_TRIES} draws; give `Space(member=...)`, or sample without `uniform`."
        )

    def turn(self, place: int) -> Architecture:
        """The one that answers each choice with the option at this place, counted round.

        Where a rule between choices forbids it, a random one that depends on the place alone.
        """
        found = self.normal(self.answer(partial(turn, place)))
        return self.freely(np.random.default_rng(place % 1000)) if found is None else found

    def at(self, place: int) -> Architecture:
        """The member with this number."""
        assert self.numbered is not None
        found = self.normal(dict(self.numbered(place)))
        if found is None:
            raise SpaceError(f"`Space(member=...)` of {self.name!r} gave no member for {place}.")
        return found

    # -- all of them ------------------------------------------------------------------------------

    def count(self) -> int:
        """How many there are, exactly.

        Raises:
            SpaceError: Rules between choices leave only some of too many answers to go through.
        """
        if self.normal_form is None:
            return self._counter.total()
        if self._count is None:
            ways = self._counter.total()
            if ways > _COUNTED and self.numbered is None:
                raise SpaceError(
                    f"The members of {self.name!r} cannot be counted: rules between choices "
                    f"leave some of {ways:.3g} ways to answer; give `Space(members=...)`."
                )
            self._count = sum(1 for _ in self.enumerate())
        return self._count

    def enumerate(self) -> Iterator[Architecture]:
        """Every member once."""
        if self.numbered is not None:
            for place in range(self.count()):
                yield self.at(place)
            return
        for answers in _extended(self.root, {}):
            found = self.canonical(answers)
            if found is not None and found == answers:
                yield Architecture(found)

    def variants(self, architecture: Architecture) -> list[Architecture]:
        """One with every combination of its late answers; itself comes first."""
        late = [c for name in architecture.answers if (c := self.choices[name]).late]
        ways = [
            dict(zip((c.name for c in late), p, strict=True))
            for p in product(*(c.options for c in late))
        ]
        made = [self.normal({**architecture.answers, **way}) for way in ways]
        return [architecture, *(a for a in made if a is not None and a != architecture)]

    def early(self, architecture: Architecture) -> Architecture:
        """The same with the first option of each late choice, as a search has it."""
        late = (c for name in architecture.answers if (c := self.choices[name]).late)
        changed = {c.name: c.options[0] for c in late}
        if changed.items() <= architecture.answers.items():
            return architecture
        return self.normal({**architecture.answers, **changed}) or architecture

    def few(self, most: int) -> list[Architecture] | None:
        """All with the first option of late choices, or None if there are more than `most`."""
        if self._counter.total() > most * _FOLDED or (self._count or 0) > most:
            return None
        late = {c.name: c.options[0] for c in self.choices.values() if c.late}
        found: list[Architecture] = []
        for member in self.enumerate():
            if all(late.get(name, answer) == answer for name, answer in member.answers.items()):
                found.append(member)
            if len(found) > most:
                return None
        return found

    @cached_property
    def _counter(self) -> Counter:
        return Counter(self.root, self.shifts)


def _extended(todo: Sequence[Ask], answers: dict[str, Answer]) -> Iterator[dict[str, Answer]]:
    """All ways to answer what is left, each with what is answered already."""
    if not todo:
        yield answers
        return
    ask, rest = todo[0], todo[1:]
    name = ask.choice.name
    options = (answers[name],) if name in answers else ask.choice.options
    for option in options:
        inner = [a for scope in ask.active(option) for a in scope]
        yield from _extended([*inner, *rest], {**answers, name: option})


def first(given: Mapping[str, Answer], choice: Choice) -> Answer:
    """What is given, or the first option."""
    return given.get(choice.name, choice.options[0])


def turn(place: int, choice: Choice) -> Answer:
    """The option at a place, counted round; late choices have their first."""
    return choice.options[0 if choice.late else place % len(choice.options)]
