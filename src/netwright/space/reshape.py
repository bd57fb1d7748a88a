"""Spaces out of spaces: fewer options, more options, several in one, and what a history leaves.

The declaration stays as it is. It is run with a `Choose` that changes the options, or the names, of
what it asks before the question goes on; so that all three ways of running it know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy  # its parts are imported when they are used, which takes longer than a space does
from torch import nn

from netwright.errors import SettingError, SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.choose import Choice, Choose
from netwright.space.share.shared import Gathered, Pass

if TYPE_CHECKING:
    from netwright.space.space import Space

Options = Mapping[str, tuple[Answer, ...]]


class Asking(Choose):
    """Asks another `Choose` what the declaration asks, with each choice changed by `change`."""

    def __init__(self, inner: Choose, change: Callable[[Choice], Choice]) -> None:
        self._inner, self._change = inner, change

    def when(
        self, condition: bool, make: Callable[[], Any], otherwise: Callable[[], Any] = Pass
    ) -> Any:
        """As the other does."""
        return self._inner.when(condition, make, otherwise)

    def computed(self, function: Callable[..., Any], *values: Any, possible: Sequence[Any]) -> Any:
        """As the other does."""
        return self._inner.computed(function, *values, possible=possible)

    def _one_of(self, choice: Choice, options: Mapping[str, Callable[[], Any]]) -> Any:
        asked = self._change(choice)
        return self._inner._one_of(asked, {str(o): options[str(o)] for o in asked.options})

    def _scalar(self, choice: Choice) -> Any:
        return self._inner._scalar(self._change(choice))

    def _repeat(self, choice: Choice, body: Callable[[int], nn.Module]) -> nn.Sequential:
        return self._inner._repeat(self._change(choice), body)

    def _edges(self, choice: Choice, count: int, edge: Callable[[int], nn.Module]) -> Gathered:
        return self._inner._edges(self._change(choice), count, edge)


# -- other options ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Optioned:
    """A declaration, or a recipe, whose choices have other options."""

    declared: Callable[..., Any]
    options: Options

    def __call__(self, choose: Choose, *rest: Any) -> Any:
        """What it gives with these options."""
        return self.declared(Asking(choose, self._changed), *rest)

    def _changed(self, choice: Choice) -> Choice:
        if choice.name not in self.options:
            return choice
        return replace(choice, options=self.options[choice.name])


@dataclass(frozen=True)
class Among:
    """A normal form, of which only the members with these options are left."""

    normal_form: Callable[[dict[str, Answer]], Mapping[str, Answer] | None]
    options: Options

    def __call__(self, answers: dict[str, Answer]) -> Mapping[str, Answer] | None:
        """The answers that stand for these; None if a rule forbids them, or these options do."""
        found = self.normal_form(answers)
        if found is None:
            return None
        cut = (name for name in self.options if name in found)
        return found if all(found[name] in self.options[name] for name in cut) else None


def restricted(space: Space, options: Mapping[str, Sequence[Answer]]) -> Options:
    """The options that are left, in the order of the space.

    Raises:
        SpaceError: A choice or an option that the space has not, or no option.
    """
    left: dict[str, tuple[Answer, ...]] = {}
    _check_mapping("restricted", options)
    for name, given in options.items():
        choice = choice_of(space, name)
        kept = list(given) if isinstance(given, list | tuple | range | set) else [given]
        unknown = [option for option in kept if option not in choice.options]
        if unknown or not kept:
            raise SpaceError(
                f"`Space.restricted({{{name!r}: options}})` must leave some of "
                f"{choice.options!r}, got {given!r}."
            )
        left[name] = tuple(option for option in choice.options if option in kept)
    return left


def widened(space: Space, options: Mapping[str, Sequence[Answer]]) -> Options:
    """All options of the choices that get more of them; numbers in their order.

    Raises:
        SpaceError: A choice that the space has not, or that code has to be written for; or an
            option of another kind.
    """
    more: dict[str, tuple[Answer, ...]] = {}
    _check_mapping("widened", options)
    for name, listed in options.items():
        choice = choice_of(space, name)
        given = list(listed) if isinstance(listed, list | tuple | range | set) else [listed]
        if choice.kind in ("one_of", "inputs"):
            raise SpaceError(
                f"`Space.widened({{{name!r}: options}})` must name a width, a value or a repeat, "
                f"got a choice of {choice.kind}; its options are code, so add them to the "
                "declaration."
            )
        least = {"width": 1, "repeat": 0}.get(choice.kind)
        for option in given:
            whole = type(option) is int and least is not None and option >= least
            plain = option is None or isinstance(option, str | int | float)
            if not (whole if least is not None else plain):
                raise SpaceError(
                    f"`Space.widened({{{name!r}: options}})` must hold options of a "
                    f"{choice.kind}, got {option!r}."
                )
        made = dict.fromkeys([*choice.options, *given])
        numbers = all(isinstance(o, int | float) and type(o) is not bool for o in made)
        more[name] = tuple(sorted(made, key=float) if numbers else made)  # type: ignore[arg-type]
    return more


def _check_mapping(call: str, options: object) -> None:
    if not isinstance(options, Mapping):
        raise SettingError(
            f"`Space.{call}(options)` must be a mapping of choices to options such as "
            f'{{"width": [16, 32]}}, got {options!r}.'
        )


def choice_of(space: Space, name: str) -> Choice:
    """The choice of this name.

    Raises:
        SpaceError: There is none.
    """
    if name not in space.choices:
        near = get_close_matches(name, list(space.choices), 1)
        raise SpaceError(
            f"The space {space.name!r} has no choice {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else ".")
        )
    return space.choices[name]


# -- several in one --------------------------------------------------------------------------------


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


def join(made: type[Space], given: object, name: str) -> Space:
    """One space of several; see `Space.joined`."""
    spaces = list(given) if isinstance(given, list | tuple) else []
    if not spaces or not all(isinstance(space, made) for space in spaces):
        raise SettingError(f"`Space.joined(spaces)` must be given spaces, got {given!r}.")
    names = [space.name for space in spaces]
    takes = {(space.inputs, space.classes, space.tokens) for space in spaces}
    if len(spaces) < 2 or len({*names}) < len(names) or len(takes) > 1:
        raise SettingError(
            "`Space.joined(spaces)` must be given at least two, of different names, for the same "
            f"inputs and classes, got "
            f"{[(s.name, s.inputs, s.classes) for s in spaces]!r}; give them names with "
            "`Space(name=...)`."
        )
    choice = "space"
    rules = any(space._members.normal_form for space in spaces)
    recipes = {space.name: space._recipe or no_recipe for space in spaces}
    return made(
        Joined(choice, {space.name: space._network for space in spaces}),
        spaces[0].inputs,
        spaces[0].classes,
        recipe=Joined(choice, {s.name: s._recipe or no_recipe for s in spaces})
        if recipes
        else None,
        name=name,
        tokens=spaces[0].tokens,
        normal_form=OneOfThem(choice, {s.name: s._members.canonical for s in spaces})
        if rules
        else None,
        members=sum(space.count() for space in spaces) if rules else None,
    )


def no_recipe(choose: Choose) -> dict[str, Any]:
    """The recipe of a space that has none."""
    return {}


# -- what a history leaves -------------------------------------------------------------------------


@dataclass(frozen=True)
class Dropped:
    """An option that lost: in how many trials it was, its median score and that of the others.

    `p_value` is that of a one-sided test that its scores are no lower than the others'.
    """

    choice: str
    option: Answer
    trials: int
    median: float
    others: float
    p_value: float


def losers(
    space: Space, scored: Iterable[tuple[Architecture, float]], least: int, level: float
) -> list[Dropped]:
    """The options that lose, choice by choice; see `Space.shrunk`.

    Raises:
        SettingError: `least` below 2, or `level` outside 0 to 1.
    """
    if type(least) is not int or least < 2 or not 0 < level < 1:
        raise SettingError(
            "`Space.shrunk(scored, least=..., level=...)` must have at least 2 trials an option "
            f"and a level between 0 and 1, got least={least!r}, level={level!r}."
        )
    try:
        members = [(a, float(score)) for a, score in scored if np.isfinite(score)]
    except TypeError as error:
        raise SettingError(
            "`Space.shrunk(scored)` must be pairs of an architecture and a score, such as "
            f"`run.scored()` gives, got {scored!r}."
        ) from error
    if not members:
        return []
    best = max(members, key=lambda each: each[1])[0]
    tests = sum(len(c.options) for c in space.choices.values() if len(c.options) > 1)
    found = []
    for choice in space.choices.values():
        found += _losers_of(choice, members, best.answers.get(choice.name), least, level / tests)
    return found


def _losers_of(
    choice: Choice,
    members: list[tuple[Architecture, float]],
    best: Answer,
    least: int,
    level: float,
) -> list[Dropped]:
    """Numbers lose from the ends of their range inwards, others in any order, the worst first."""
    numbers = all(isinstance(o, int | float) and type(o) is not bool for o in choice.options)
    left, found = list(choice.options), []
    while len(left) > 1:
        ends = [left[0], left[-1]] if numbers else left
        tests = [_test(choice.name, o, left, members) for o in ends if o != best]
        lost = [t for t in tests if t is not None and t.trials >= least and t.p_value < level]
        if not lost:
            break
        worst = min(lost, key=lambda test: test.p_value)
        found.append(worst)
        left.remove(worst.option)
    return found


def _test(
    name: str, option: Answer, left: list[Answer], members: list[tuple[Architecture, float]]
) -> Dropped | None:
    """The scores with an option against those with the others that are left."""
    active = [(a.answers[name], score) for a, score in members if name in a.answers]
    own = [score for answer, score in active if answer == option]
    others = [score for answer, score in active if answer != option and answer in left]
    if not own or not others:
        return None
    p_value = float(scipy.stats.mannwhitneyu(own, others, alternative="less").pvalue)
    return Dropped(name, option, len(own), float(np.median(own)), float(np.median(others)), p_value)
