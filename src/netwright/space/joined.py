"""Several spaces in one, and an architecture of one space as a member of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from netwright.errors import SettingError, SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.choose import Choice, Choose
from netwright.space.derived import Asking
from netwright.space.designs import Design, fitted, still_members
from netwright.space.members import first
from netwright.space.space import Space


@dataclass(frozen=True)
class Joined:
    """A declaration, or a recipe, that is one of several; the choices of each have its prefix."""

    choice: str
    declared: Mapping[str, Callable[..., Any]]

    def __call__(self, choose: Choose, *rest: Any) -> Any:
        """What the picked one gives."""
        return choose.one_of(
            self.choice,
            **{name: _Prefixed(choose, name, made, rest) for name, made in self.declared.items()},
        )


@dataclass(frozen=True)
class _Prefixed:
    choose: Choose
    prefix: str
    declared: Callable[..., Any]
    rest: tuple[Any, ...]

    def __call__(self) -> Any:
        return self.declared(Asking(self.choose, self._changed), *self.rest)

    def _changed(self, choice: Choice) -> Choice:
        return replace(choice, name=f"{self.prefix}.{choice.name}")


@dataclass(frozen=True)
class OneOfThem:
    """The normal form of joined spaces: that of the picked one."""

    choice: str
    canonical: Mapping[str, Callable[[dict[str, Answer]], Mapping[str, Answer] | None]]

    def __call__(self, answers: dict[str, Answer]) -> Mapping[str, Answer] | None:
        """The answers that stand for these; None if the picked space forbids them."""
        picked = str(answers[self.choice])
        first = f"{picked}."
        own = {n.removeprefix(first): a for n, a in answers.items() if n.startswith(first)}
        found = self.canonical[picked](own)
        if found is None:
            return None
        return {self.choice: picked, **{f"{first}{name}": a for name, a in found.items()}}


def _no_recipe(choose: Choose) -> dict[str, Any]:
    """The recipe of a space that has none."""
    return {}


def joined(spaces: Sequence[Space], *, name: str = "joined") -> Space:
    """One space of the members of several, for the same inputs and outputs.

    Its first choice, `space`, has their names as options; their own choices are called
    `<space>.<choice>`. Their designs are its designs, and so are their portfolios; of two with one
    name each is called `<design> of <space>`. What options usually add is not known of it, since
    that does not compare over spaces.

    Raises:
        SettingError: Fewer than two spaces, equal names, or other inputs or outputs.
    """
    parts = list(spaces) if isinstance(spaces, list | tuple) else []
    if not parts or not all(isinstance(space, Space) for space in parts):
        raise SettingError(f"`joined(spaces)` must be given spaces, got {spaces!r}.")
    names = [space.name for space in spaces]
    takes = {space.signature for space in spaces}
    if len(spaces) < 2 or len({*names}) < len(names) or len(takes) > 1:
        raise SettingError(
            "`joined(spaces)` must be given at least two, of different names, for the same "
            f"inputs and outputs, got "
            f"{[(s.name, s.inputs, s.outputs) for s in spaces]!r}; give them names with "
            "`Space(name=...)`."
        )
    choice = "space"
    rules = any(space.members.normal_form for space in spaces)
    made = Space(
        Joined(choice, {space.name: space.network for space in spaces}),
        spaces[0].signature,
        recipe=Joined(choice, {s.name: s.declared_recipe or _no_recipe for s in spaces}),
        name=name,
        normal_form=OneOfThem(choice, {s.name: s.members.canonical for s in spaces})
        if rules
        else None,
        members=sum(space.count() for space in spaces) if rules else None,
    )
    made.designs = still_members(made.members, _renamed(choice, parts, lambda s: s.designs))
    made.portfolio = fitted(made.members, _renamed(choice, parts, lambda s: s.portfolio))
    return made


def _renamed(
    choice: str, spaces: Sequence[Space], of: Callable[[Space], Sequence[Design]]
) -> list[Design]:
    """The designs of all spaces, or their portfolios, by the names that their choices have now."""
    names = [design.name for space in spaces for design in of(space)]
    found = []
    for space in spaces:
        for design in of(space):
            alone = names.count(design.name) == 1
            answers = {f"{space.name}.{name}": answer for name, answer in design.answers.items()}
            scaled = {f"{space.name}.{name}": share for name, share in design.scaled.items()}
            called = design.name if alone else f"{design.name} of {space.name}"
            answers = {choice: space.name, **answers}
            found.append(replace(design, name=called, answers=answers, scaled=scaled))
    return found


def adopted(space: Space, architecture: Architecture) -> Architecture | None:
    """An architecture of another space as a member of this one, or None.

    It is one where the choices agree: each that is active here and has several options is
    answered there by one of them, and what is answered there is asked here. So the trials of a
    space serve the space that it was shrunk to or widened from; for one that was joined from
    others each of them is tried.
    """
    answers = dict(architecture.answers)
    if isinstance(space.network, Joined) and space.network.choice not in answers:
        ways = [
            {space.network.choice: part, **{f"{part}.{n}": a for n, a in answers.items()}}
            for part in space.network.declared
        ]
    else:
        ways = [answers]
    for way in ways:
        alone = {n: c.options[0] for n, c in space.choices.items() if len(c.options) == 1}
        try:
            made = space.architecture({**alone, **way})
        except SpaceError:
            continue
        if way.keys() <= made.answers.keys() or _same(space, way, made):
            return made
    return None


def _same(space: Space, answers: Mapping[str, Answer], member: Architecture) -> bool:
    """Whether a member has all answers that are asked when these are given."""
    return answers.keys() <= space.members.answer(partial(first, answers)).keys()
