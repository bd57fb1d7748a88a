"""Strategies by their names: on the command line, in settings files, and as `strategy="auto"`."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from netwright import strategies
from netwright.errors import SettingError
from netwright.settings.exports import by_names, exported
from netwright.settings.literal import Call, parse_call
from netwright.settings.making import made, unknown_name
from netwright.strategies.base import Strategy
from netwright.strategies.hyperband import Hyperband

NAMED = by_names(exported(strategies, Strategy))

_HALVING = {name: each for name, each in NAMED.items() if issubclass(each.made_by, Hyperband)}


def by_name(
    option: str,
    text: str,
    budgets: Sequence[int] | None = None,
    also: Collection[str] = (),
) -> Strategy:
    """The strategy of a name, with the settings that are given with it: `npenas(members=3)`.

    `hyperband-NAME` lets another strategy choose who enters. `option` is what an error says the
    text was given to; `budgets` are the epochs that a strategy of several may choose from, None to
    leave it its own. `also` are names that are known elsewhere, for the message of an error.

    Raises:
        SettingError: There is none, a setting is unknown or outside its rule, or the strategy
            needs several budgets and has not.
    """
    call = parse_call(option, text)
    halving = next((n for n in _HALVING if call.name.startswith(f"{n}-")), None)
    if halving is not None:
        call = Call(halving, {"strategy": call.name.removeprefix(f"{halving}-")} | call.settings)
    if call.name not in NAMED:
        raise unknown_name(option, call.name, [*NAMED, *also])
    if call.name in _HALVING and budgets is not None:
        call = Call(call.name, {"budgets": _ladder(option, call.name, budgets)} | call.settings)
    named = NAMED[call.name]
    strategy: Strategy = made(
        option, call, named.made_by, preset=named.preset, plugins={Strategy: by_name}
    )
    return strategy


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
