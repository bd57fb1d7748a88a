"""Strategies by their names: on the command line, in settings files, and as `strategy="auto"`."""

from __future__ import annotations

from collections.abc import Collection

from netwright import strategies
from netwright.settings.exports import by_names, exported
from netwright.settings.literal import parse_call
from netwright.settings.making import made, unknown_name
from netwright.strategies.base import Strategy

NAMED = by_names(exported(strategies, Strategy))


def by_name(option: str, text: str, also: Collection[str] = ()) -> Strategy:
    """The strategy of a name, with the settings that are given with it: `npenas(members=3)`.

    `option` is what an error says the text was given to. `also` are names that are known elsewhere,
    for the message of an error.

    Raises:
        SettingError: There is none, or a setting is unknown or outside its rule.
    """
    call = parse_call(option, text)
    if call.name not in NAMED:
        raise unknown_name(option, call.name, [*NAMED, *also])
    named = NAMED[call.name]
    strategy: Strategy = made(
        option, call, named.made_by, preset=named.preset, plugins={Strategy: by_name}
    )
    return strategy
