"""Spaces out of spaces: fewer options, more options, and what a history leaves.

The declaration stays as it is. It is run with a `Choose` that changes the options, or the names, of
what it asks before the question goes on; so that all three ways of running it know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from torch import nn

from netwright.errors import SettingError, SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.choose import Choice, Choose
from netwright.space.declaration import Declared
from netwright.space.designs import Design, fitted, still_members
from netwright.space.losers import losers
from netwright.space.modules import Pass
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

    def _edges(self, choice: Choice, count: int, edge: Callable[[int], nn.Module]) -> nn.Module:
        return self._inner._edges(self._change(choice), count, edge)


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


def _left(space: Space, options: Mapping[str, Sequence[Answer]]) -> Options:
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
                f"`restricted(space, {{{name!r}: options}})` must leave some of "
                f"{choice.options!r}, got {given!r}."
            )
        left[name] = tuple(option for option in choice.options if option in kept)
    return left


def _more(space: Space, options: Mapping[str, Sequence[Answer]]) -> Options:
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
                f"`widened(space, {{{name!r}: options}})` must name a width, a value or a repeat, "
                f"got a choice of {choice.kind}; its options are code, so add them to the "
                "declaration."
            )
        least = {"width": 1, "repeat": 0}.get(choice.kind)
        for option in given:
            whole = type(option) is int and least is not None and option >= least
            plain = option is None or isinstance(option, str | int | float)
            if not (whole if least is not None else plain):
                raise SpaceError(
                    f"`widened(space, {{{name!r}: options}})` must hold options of a "
                    f"{choice.kind}, got {option!r}."
                )
        made = dict.fromkeys([*choice.options, *given])
        numbers = all(isinstance(o, int | float) and type(o) is not bool for o in made)
        more[name] = tuple(sorted(made, key=float) if numbers else made)  # type: ignore[arg-type]
    return more


def _check_mapping(call: str, options: object) -> None:
    if not isinstance(options, Mapping):
        raise SettingError(
            f"`{call}(space, options)` must be a mapping of choices to options such as "
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


def frozen(space: Space, answers: Mapping[str, Answer]) -> Space:
    """This space with some choices answered; raises as `restricted`.

    The choices stay, so that members of the new space are members of this one.
    """
    return restricted(space, {name: (answer,) for name, answer in answers.items()})


def restricted(space: Space, options: Mapping[str, Sequence[Answer]]) -> Space:
    """This space with some of the options of some choices: `{"kernel": [3, 5]}`.

    Its members are those of this space whose answers are among them. (Where a `repeat` loses
    depths, steps that add no layer may make up for one; then `this.architecture(a.answers)` is
    the same network's form here.)

    Raises:
        SpaceError: A choice or an option that the space has not, or no option is left.
    """
    return _optioned(space, _left(space, options))


def widened(space: Space, options: Mapping[str, Sequence[Answer]]) -> Space:
    """This space with further options of widths, values and repeats: `{"width": [96, 128]}`.

    Raises:
        SpaceError: A choice that the space has not, options that have to be written as code,
            or a space with rules between choices, which know nothing of new options.
    """
    if space.members.normal_form is not None:
        raise SpaceError(
            f"`widened(space, options)` must have a space without a normal form, got "
            f"{space.name!r}, whose rules know nothing of new options; widen its declaration."
        )
    return _optioned(space, _more(space, options))


def shrunk(
    space: Space,
    scored: Iterable[tuple[Architecture, float]],
    *,
    least: int = 8,
    level: float = 0.05,
) -> Space:
    """This space without the options that lost in the trials of a history.

    `scored` has architectures and a score that is better when larger, for example
    `[(t.architecture, t.metrics["accuracy"]) for t in run.history if t.done]`. An option with
    at least `least` trials is dropped if its scores are lower than those of the choice's other
    options by a one-sided rank test (Mann and Whitney 1947), at `level` divided by the number
    of options tested. That is the comparison of distributions of Radosavovic et al., arXiv
    2003.13678. Numbers are dropped from the ends of their range only, and no answer of the best
    trial is. Trials of random search compare options fairly; a strategy's compare them where it
    looked. What was dropped is in `dropped` of the new space.

    Raises:
        SettingError: `least` below 2, or `level` outside 0 to 1.
    """
    dropped = losers(space.choices.values(), scored, least, level)
    lost = {(each.choice, each.option) for each in dropped}
    left = {
        name: tuple(o for o in choice.options if (name, o) not in lost)
        for name, choice in space.choices.items()
        if any(each.choice == name for each in dropped)
    }
    made = _optioned(space, left)
    made.dropped = tuple(dropped)
    return made


def _with_other_recipes(space: Space, made: Space) -> Sequence[Design]:
    """The designs of a space; what is no option of a recipe any more is left open.

    A design is the same network whatever it is trained with.
    """
    cut = [
        name
        for design in space.designs
        for name, answer in design.answers.items()
        if name in made.choices and answer not in made.choices[name].options
    ]
    if not cut or space.declared_recipe is None:
        return space.designs
    asked = Declared(space.network, None, space.name, space.signature).listed()[1]
    open_now = set(cut) - asked.keys()
    return [
        replace(
            design,
            answers={
                name: answer
                for name, answer in design.answers.items()
                if name not in open_now or answer in made.choices[name].options
            },
        )
        for design in space.designs
    ]


def _optioned(space: Space, options: Options) -> Space:
    """A space of the same declaration with these options."""
    rules = space.members.normal_form
    made = Space(
        Optioned(space.network, options),
        space.signature,
        recipe=Optioned(space.declared_recipe, options) if space.declared_recipe else None,
        name=space.name,
        normal_form=None if rules is None else Among(rules, options),
        cells=space.cells,
    )
    made.kept, made.networks = space.kept, space.networks
    made.designs = still_members(made.members, _with_other_recipes(space, made))
    made.portfolio, made.prior = fitted(made.members, space.portfolio), space.prior
    return made
