"""The options of `search` from a file: TOML or JSON with the names of the command line."""

from __future__ import annotations

import json
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from netwright.errors import SettingError

KINDS: dict[str, tuple[type, ...]] = {
    "data": (str,),
    "space": (str,),
    "strategy": (str,),
    "training": (str,),
    "limit": (list, str),
    "objective": (list, str),
    "trials": (int,),
    "minutes": (int, float),
    "epochs": (int,),
    "trial-epochs": (int,),
    "full-epochs": (int,),
    "finals": (str,),
    "refit": (bool,),
    "baseline": (int, str),
    "workers": (int,),
    "deterministic": (bool,),
    "seed": (int,),
    "store": (str,),
    "run": (str,),
    "warm-start": (str,),
    "out": (str,),
    "label": (str,),
    "size": (str,),
    "quiet": (bool,),
    "json": (bool,),
}
"""Option to the types a settings file may give it."""


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a file, checked; names may be written with '-' or '_'.

    Raises:
        SettingError: No such file, no TOML or JSON, an unknown name or a value of another type.
    """
    if path.suffix not in (".toml", ".json"):
        raise SettingError(f"`--settings` must end in .toml or .json, got {str(path)!r}.")
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"The settings file {str(path)!r} cannot be read: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise SettingError(
            f"The settings file {str(path)!r} is no {path.suffix[1:].upper()}: {error}."
        ) from error
    if not isinstance(found, dict):
        raise SettingError(
            f"The settings file {str(path)!r} must hold names and values, "
            f"got a {type(found).__name__}."
        )
    made: dict[str, Any] = {}
    for key, value in found.items():
        name = key.replace("_", "-")
        if name not in KINDS:
            near = get_close_matches(name, KINDS, 1)
            raise SettingError(
                f"The settings file {str(path)!r} has an unknown name {key!r}"
                + (f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(KINDS)}.")
            )
        kinds = KINDS[name]
        if type(value) not in kinds:
            raise SettingError(
                f"The settings file {str(path)!r} must have for {key!r} a value of type "
                f"{' or '.join(k.__name__ for k in kinds)}, got {value!r}."
            )
        if list in kinds:
            value = [value] if isinstance(value, str) else value
            if not all(isinstance(item, str) for item in value):
                raise SettingError(
                    f"The settings file {str(path)!r} must have strings in {key!r}, got {value!r}."
                )
        made[name.replace("-", "_")] = value
    return made
