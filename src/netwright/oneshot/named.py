"""What `strategy` may name: a strategy that proposes trials, or a one-shot search."""

from __future__ import annotations

from netwright.oneshot import OneShot
from netwright.oneshot.names import ONE_SHOT
from netwright.strategies import Strategy
from netwright.strategies.names import by_name


def search_named(option: str, name: str) -> Strategy | OneShot:
    """The strategy or one-shot search of a name, with its own settings.

    `option` is what an error says the name was given to.

    Raises:
        SettingError: There is none.
    """
    return ONE_SHOT[name]() if name in ONE_SHOT else by_name(option, name, also=ONE_SHOT)
