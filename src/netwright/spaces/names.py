"""Ready spaces by their names, with their settings: `mobilenet_v3(width=0.5)`."""

from __future__ import annotations

from typing import Any

from netwright import spaces
from netwright.settings.literal import parse_call
from netwright.settings.making import made, unknown_name
from netwright.space import Space


def ready_space(option: str, text: str, *given: Any) -> Space:
    """The ready space of a name, with the settings that are given with it.

    `option` is what an error says the text was given to; `given` are the arguments by position,
    which are what networks take and give.

    Raises:
        SettingError: There is none, or a setting is unknown or outside its rule.
    """
    call = parse_call(option, text)
    name = call.name.replace("-", "_")
    if name not in spaces.__all__:
        raise unknown_name(option, call.name, spaces.__all__, ", or FILE.py:FUNCTION")
    space: Space = made(option, call._replace(name=name), getattr(spaces, name), given=given)
    return space
