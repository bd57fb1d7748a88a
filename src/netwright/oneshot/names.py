"""One-shot searches by their names: on the command line, and what `strategy` may name in all."""

from __future__ import annotations

from collections.abc import Callable

from netwright import oneshot
from netwright.oneshot.base import OneShot
from netwright.settings.exports import by_names, exported
from netwright.strategies import Strategy
from netwright.strategies.names import by_name

ONE_SHOT: dict[str, Callable[[], OneShot]] = {
    name: each.make for name, each in by_names(exported(oneshot, OneShot)).items()
}


def search_named(option: str, name: str) -> Strategy | OneShot:
    """The strategy or one-shot search of a name, with its own settings.

    `option` is what an error says the name was given to.

    Raises:
        SettingError: There is none.
    """
    return ONE_SHOT[name]() if name in ONE_SHOT else by_name(option, name, also=ONE_SHOT)
