"""Stoppers by their names: `hyperband`, or before the name of a strategy, `hyperband-evolution`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netwright import stopping
from netwright.errors import SettingError
from netwright.settings.exports import by_names, exported
from netwright.settings.literal import Call, parse_call
from netwright.settings.making import known_settings, made, unknown_name
from netwright.stopping.base import Stopper
from netwright.stopping.over import Starting, Stopped

STOPPERS = by_names(exported(stopping, Stopper))


def stopper_named(option: str, text: str) -> Stopper:
    """The stopper of a name, with the settings that are given with it: `asha(eta=4)`.

    `option` is what an error says the text was given to.

    Raises:
        SettingError: There is none, or a setting is unknown or outside its rule.
    """
    return _stopper(option, parse_call(option, text))


def stopped_by_name(
    option: str,
    text: str,
    strategy: Callable[[str, str], Starting],
    budgets: Sequence[int] | None = None,
) -> Stopped | None:
    """The strategy under a stopper that a text means, None if it names no stopper.

    The strategy is named after the stopper, `hyperband-npenas`, or as a setting,
    `hyperband(strategy="npenas(members=3)")`; it is `random` if it is not named. `strategy` gives a
    strategy for what it was given to and for its text. `budgets` are the epochs that may be chosen
    from, None to leave a stopper its own.

    Raises:
        SettingError: Something of the text is unknown or outside its rule, or the stopper needs
            several budgets and has not.
    """
    call = parse_call(option, text)
    prefixes = (name for name in STOPPERS if call.name == name or call.name.startswith(f"{name}-"))
    name = next(prefixes, None)
    if name is None:
        return None
    settings = dict(call.settings)
    inner = call.name.removeprefix(name).removeprefix("-") or settings.pop("strategy", "random")
    word = f"{option}: {name}(strategy=...)"
    if not isinstance(inner, str):
        raise SettingError(f"`{word}` must be the name of a strategy, got {inner!r}.")
    if budgets is not None and "budgets" in known_settings(STOPPERS[name].made_by):
        settings = {"budgets": _ladder(option, name, budgets)} | settings
    return Stopped(strategy(word, inner), _stopper(option, Call(name, settings)))


def _stopper(option: str, call: Call) -> Stopper:
    if call.name not in STOPPERS:
        raise unknown_name(option, call.name, STOPPERS)
    named = STOPPERS[call.name]
    stopper: Stopper = made(option, call, named.made_by, preset=named.preset)
    return stopper


def _ladder(option: str, name: str, budgets: Sequence[int]) -> tuple[int, ...]:
    """Of some budgets, from the largest down, those of at most a third of the one before."""
    if len(budgets) < 2:
        raise SettingError(
            f"`{option} {name}` needs a signal of several budgets, in columns such as score_1 "
            "and score_3 for `--signal score`."
        )
    chosen: list[int] = []
    for epochs in sorted(budgets, reverse=True):
        if not chosen or 3 * epochs <= chosen[-1]:
            chosen.append(epochs)
    return tuple(reversed(chosen))
