"""What `strategy` may name: a strategy, one under a stopper, or a one-shot search."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from netwright import oneshot
from netwright.oneshot.base import OneShot
from netwright.settings.exports import by_names, exported
from netwright.settings.literal import parse_call
from netwright.settings.making import made
from netwright.stopping import Stopped
from netwright.stopping.names import STOPPERS, stopped_by_name
from netwright.strategies import Strategy
from netwright.strategies.names import NAMED, by_name

ONE_SHOT = by_names(exported(oneshot, OneShot))
PROPOSING = tuple(sorted([*NAMED, *STOPPERS]))
"""Names of strategies and of stoppers, after whose name a strategy's may stand: `STOPPER-NAME`."""


def search_named(option: str, text: str) -> Strategy | Stopped | OneShot:
    """The strategy or one-shot search of a name, with the settings given: `darts(epochs=5)`.

    `option` is what an error says the text was given to.

    Raises:
        SettingError: There is none, or a setting is unknown or outside its rule.
    """
    call = parse_call(option, text)
    if call.name not in ONE_SHOT:
        return strategy_named(option, text, also=ONE_SHOT)
    named = ONE_SHOT[call.name]
    search: OneShot = made(
        option, call, named.made_by, preset=named.preset, plugins={Strategy: by_name}
    )
    return search


def strategy_named(
    option: str, text: str, budgets: Sequence[int] | None = None, also: Collection[str] = ()
) -> Strategy | Stopped:
    """The strategy of a name, or the strategy under a stopper, with the settings given.

    `budgets` are the epochs that a stopper may choose from, None to leave it its own; `also` are
    names that are known elsewhere, for the message of an error.

    Raises:
        SettingError: There is none, a setting is unknown or outside its rule, or a stopper needs
            several budgets and has not.
    """
    strategy = partial(by_name, also=(*STOPPERS, *also))
    return stopped_by_name(option, text, by_name, budgets) or strategy(option, text)
