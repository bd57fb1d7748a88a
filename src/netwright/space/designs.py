"""Networks that a search tries first: well-known ones, and what did well on other data.

A design is a member of its space in every answer. What did well elsewhere was found in a space of
other inputs, so it is fitted to the space: see `fitted`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from netwright.errors import SettingError, SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.choose import Choice

if TYPE_CHECKING:
    from netwright.space.members import Members


_ROUNDING = 1e-9  # of a size that was divided by a share


@dataclass(frozen=True)
class Design:
    """A well-known network, at any size that a space has of it.

    `answers` hold at every size; a choice that they leave open has its first option. `scaled` are
    choices of numbers, by their share of the one size: each is answered by the largest option that
    is no more than its share, or by its least. `usual` is the size where nothing bounds it, and
    `most` that where only time does, which is the usual one if None. `long` are its late answers in
    a long training before which there was no time to try any.

    Raises:
        SettingError: `answers`, `scaled` or `long` is no mapping, or a size or a share is not above
            0.
    """

    name: str
    answers: Mapping[str, Answer]
    scaled: Mapping[str, float] = field(default_factory=dict)
    usual: float = 1.0
    most: float | None = None
    long: Mapping[str, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("answers", "scaled", "long"):
            if not isinstance(given := getattr(self, name), Mapping):
                raise SettingError(
                    f"`Design({name}=...)` must be a mapping from choices, got {given!r}."
                )
        sizes = (self.usual, self.usual if self.most is None else self.most)
        if not all(_is_size(size) for size in (*sizes, *self.scaled.values())):
            raise SettingError(
                "`Design(scaled=..., usual=..., most=...)` must be above 0, got "
                f"{dict(self.scaled)!r}, {self.usual!r} and {self.most!r}."
            )

    def answer(self, size: float, choice: Choice) -> Answer:
        """What it answers to a choice at a size."""
        if choice.name in self.scaled:
            most = size * self.scaled[choice.name] * (1 + _ROUNDING)
            options = _numbers(choice)
            return max((o for o in options if o <= most), default=min(options))
        return self.answers.get(choice.name, choice.options[0])


def _is_size(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and given > 0


def checked(members: Members, designs: object) -> tuple[Design, ...]:
    """The designs that a space was given.

    Raises:
        SettingError: They are no designs, or two have one name.
        SpaceError: One is no member at its usual size.
    """
    given = _listed("designs", designs)
    for each in given:
        sized(members, each, each.usual)
    return given


def fitted(members: Members, portfolio: object) -> tuple[Design, ...]:
    """The portfolio that a space was given, as near as the space has it.

    A choice that it lacks is left out. In the place of an option that it lacks comes the nearest
    number, or of names the first option. What a rule forbids, and what is the network of one before
    it, is left out.

    Raises:
        SettingError: They are no designs, or two have one name.
    """
    found: dict[Architecture, Design] = {}
    for each in _listed("portfolio", portfolio):
        near = replace(
            each,
            answers={
                name: _nearest(answer, members.choices[name])
                for name, answer in each.answers.items()
                if name in members.choices
            },
            scaled={
                name: share
                for name, share in each.scaled.items()
                if name in members.choices and _numbers(members.choices[name])
            },
        )
        try:
            found.setdefault(sized(members, near, near.usual), near)
        except SpaceError:  # a rule forbids it
            continue
    return tuple(found.values())


def _listed(argument: str, given: object) -> tuple[Design, ...]:
    """Designs of different names, as an argument of a space.

    Raises:
        SettingError: They are none, or two have one name.
    """
    listed = tuple(given) if isinstance(given, list | tuple) else None
    if listed is None or not all(isinstance(each, Design) for each in listed):
        raise SettingError(f"`Space({argument}=...)` must be a list of `Design`, got {given!r}.")
    names = [each.name for each in listed]
    if twice := [name for name in names if names.count(name) > 1]:
        raise SettingError(
            f"`Space({argument}=...)` must have different names, got {twice[0]!r} twice."
        )
    return listed


def _nearest(answer: Answer, choice: Choice) -> Answer:
    """The option of a choice that is nearest to an answer; of names the first, if it is none."""
    if answer in choice.options:
        return answer
    if not isinstance(answer, int | float):
        return choice.options[0]
    near = answer  # which a lambda would not know to be a number
    return min(_numbers(choice), key=lambda o: abs(o - near), default=choice.options[0])


def _numbers(choice: Choice) -> list[int | float]:
    numbers = [o for o in choice.options if isinstance(o, int | float) and not isinstance(o, bool)]
    return numbers if len(numbers) == len(choice.options) else []


def sized(members: Members, design: Design, size: float) -> Architecture:
    """The member that a design is at a size.

    Raises:
        SpaceError: It names a choice or an option that the space has not, or a rule forbids it.
    """
    choices = members.choices
    for name in (*design.answers, *design.scaled, *design.long):
        if name not in choices:
            raise SpaceError(f"The design {design.name!r} answers {name!r}, which is no choice.")
        if name in design.scaled and not _numbers(choices[name]):
            raise SpaceError(f"The design {design.name!r} scales {name!r}, which is no number.")
    if early := [name for name in design.long if not choices[name].late]:
        raise SpaceError(
            f"The design {design.name!r} answers {early[0]!r} in long trainings, which is no late "
            "choice."
        )
    for name, answer in (*design.answers.items(), *design.long.items()):
        if answer not in choices[name].options:
            raise SpaceError(
                f"The design {design.name!r} answers {name!r} by {answer!r}, which is none of "
                f"{choices[name].options!r}."
            )
    return members.known(members.answer(lambda choice: design.answer(size, choice)))


def in_long(members: Members, design: Design, architecture: Architecture) -> Architecture:
    """A member that a design is, with its answers of a long training."""
    for variant in members.variants(architecture):
        if design.long.items() <= variant.answers.items():
            return variant
    return architecture


def members_of(
    members: Members, design: Design, *, bounded: bool, timed: bool = False
) -> list[Architecture]:
    """The members that a design is, from large to small.

    If not `bounded` they begin at its usual size, or where time bounds them at `most`.
    """
    most = design.usual if design.most is None or not timed else design.most
    sizes = {design.usual, most}
    for name, share in design.scaled.items():
        sizes.update(number / share for number in _numbers(members.choices[name]))
    wanted = sorted((s for s in sizes if bounded or s <= most), reverse=True)
    found = []
    for size in wanted:
        try:
            found.append(sized(members, design, size))
        except SpaceError:  # a rule forbids this size
            continue
    return list(dict.fromkeys(found))


def still_members(members: Members, designs: Sequence[Design]) -> tuple[Design, ...]:
    """Those of a space's designs that a space made from it has too."""
    kept = []
    for design in designs:
        try:
            sized(members, design, design.usual)
        except SpaceError:
            continue
        kept.append(design)
    return tuple(kept)
