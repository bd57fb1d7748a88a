"""Strategies by their names: on the command line, in settings files, and as `strategy="auto"`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches

from netwright import strategies
from netwright.errors import SettingError
from netwright.settings.exports import by_names, exported
from netwright.strategies.base import Strategy
from netwright.strategies.hyperband import Hyperband

_EXPORTED = by_names(exported(strategies, Strategy))

NAMED: dict[str, Callable[[], Strategy]] = {
    name: each.make for name, each in _EXPORTED.items() if not issubclass(each.made_by, Hyperband)
}

HALVING: dict[str, type[Hyperband]] = {
    name: each.made_by for name, each in _EXPORTED.items() if issubclass(each.made_by, Hyperband)
}
"""Of several budgets; `hyperband-NAME` lets another strategy choose who enters."""

NAMES = tuple(_EXPORTED)


def by_name(
    option: str,
    name: str,
    budgets: Sequence[int] | None = None,
    also: Collection[str] = (),
) -> Strategy:
    """The strategy of a name, with its own settings.

    `option` is what an error says the name was given to; `budgets` are the epochs that a strategy
    of several may choose from, None to leave it its own. `also` are names that are known elsewhere,
    for the message of an error.

    Raises:
        SettingError: There is none, or it needs several budgets and has not.
    """
    for prefix, made in HALVING.items():
        if name == prefix or name.startswith(f"{prefix}-"):
            inner = by_name(option, name.removeprefix(prefix).removeprefix("-") or "random")
            if budgets is None:
                return made(inner)
            return made(inner, budgets=_ladder(option, name, budgets))
    if name not in NAMED:
        names = sorted([*NAMES, *also])
        near = get_close_matches(name, names, 1)
        raise SettingError(
            f"`{option}` must be one of {', '.join(names)}, got {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else ".")
        )
    return NAMED[name]()


def _ladder(option: str, name: str, budgets: Sequence[int]) -> tuple[int, ...]:
    """Of some budgets, from the largest down, those of at most a third of the one before."""
    if len(budgets) < 2:
        raise SettingError(
            f"`{option} {name}` needs a signal of several budgets, in columns such as accuracy_1 "
            "and accuracy_3 for `--signal accuracy`."
        )
    chosen: list[int] = []
    for epochs in sorted(budgets, reverse=True):
        if not chosen or 3 * epochs <= chosen[-1]:
            chosen.append(epochs)
    return tuple(reversed(chosen))
