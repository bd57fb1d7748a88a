"""One-shot searches by their names: on the command line, and what `strategy` may name in all."""

from __future__ import annotations

from netwright import oneshot
from netwright.oneshot.base import OneShot
from netwright.settings.exports import by_names, exported
from netwright.settings.literal import parse_call
from netwright.settings.making import made
from netwright.strategies import Strategy
from netwright.strategies.names import by_name

ONE_SHOT = by_names(exported(oneshot, OneShot))


def search_named(option: str, text: str) -> Strategy | OneShot:
    """The strategy or one-shot search of a name, with the settings given: `darts(epochs=5)`.

    `option` is what an error says the text was given to.

    Raises:
        SettingError: There is none, or a setting is unknown or outside its rule.
    """
    call = parse_call(option, text)
    if call.name not in ONE_SHOT:
        return by_name(option, text, also=ONE_SHOT)
    named = ONE_SHOT[call.name]
    search: OneShot = made(
        option, call, named.made_by, preset=named.preset, plugins={Strategy: by_name}
    )
    return search
