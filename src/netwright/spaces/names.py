"""Ready spaces by their names, with their settings: `mobilenet_v3(width=0.5)`."""

from __future__ import annotations

from typing import Any

from netwright import spaces
from netwright.data import Data
from netwright.network.signature import Signature
from netwright.settings.literal import parse_call
from netwright.settings.making import made, unknown_name
from netwright.space import Space

_SMALLEST = 8  # pixels of the sides of images that are not flattened


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


def default_space(signature: Signature, data: Data | None = None) -> str:
    """The ready space for data, or for what networks take, as `ready_space` reads it."""
    if data is not None and data.usual_space is not None:
        return data.usual_space
    shape = signature.input.sizes
    if len(shape) == 3 and min(shape[1:]) >= _SMALLEST:
        return "convnet"
    return "tabular" if len(shape) == 1 else "mlp"
