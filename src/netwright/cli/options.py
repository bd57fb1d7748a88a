"""The options of `netwright search`, and how they are read from a file: TOML or JSON."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from netwright.cli import exported
from netwright.cli.declared import Declared
from netwright.errors import SettingError

OWN = (
    Declared("data", "--data", "text", None, "fashion14, digits, or a path."),
    Declared(
        "space",
        "--space",
        "text",
        None,
        f"FILE.py:FUNCTION or a ready space: {', '.join(exported.SPACES)}; default by the data.",
    ),
    Declared(
        "ensemble",
        "--ensemble",
        "whole",
        None,
        "Networks of one architecture whose mean is the answer; few rows give each its own fold.",
    ),
    Declared(
        "training",
        "--training",
        "text",
        None,
        "Settings of the training, as 'batch=64, flip=True'.",
    ),
    Declared(
        "trial_epochs",
        "--trial-epochs",
        "whole",
        None,
        "Epochs of a trial (3; more if the data are few).",
    ),
    Declared(
        "full_epochs",
        "--full-epochs",
        "whole",
        None,
        "Epochs of the full schedule (30; likewise).",
    ),
    Declared("label", "--label", "text", None, "Label column of a table."),
    Declared(
        "test",
        "--test",
        "text or number",
        None,
        "The test part: a share of the rows (0.2), 0 for none, or a file or folder of its own.",
    ),
    Declared(
        "group",
        "--group",
        "text",
        None,
        "Column of groups that are not divided; of a folder a regular expression for the paths.",
    ),
    Declared("time", "--time", "text", None, "Column of a table; the last rows are the test part."),
    Declared(
        "drop_rare",
        "--drop-rare",
        "switch",
        False,
        "Leave out labels with too few rows for a split.",
    ),
    Declared(
        "task",
        "--task",
        "text",
        None,
        "classification, regression or multilabel, perhaps with settings; by default found out.",
    ),
    Declared(
        "series",
        "--series",
        "text",
        None,
        "Column of a long table: its rows with one id are one series, in the order of --time.",
    ),
    Declared(
        "kind",
        "--kind",
        "text",
        None,
        "What data are: table, images, series, sound or text; by default found out.",
    ),
    Declared("tokens", "--tokens", "text", None, "What texts are made of: bytes (default) or bpe."),
    Declared("rate", "--rate", "whole", None, "Hz that recordings are brought to: 8000 or 16000."),
    Declared("size", "--size", "text", None, "HxW of images in files, or a number for both."),
    Declared("fit", "--fit", "text", None, "Images of another aspect: stretch, crop or pad."),
    Declared("page", "--page", "whole", None, "Page of image files that have several, from 1."),
    Declared("channels", "--channels", "text", None, "Of arrays with four axes: first or last."),
    Declared("quiet", "--quiet", "switch", False, "Say nothing on the way."),
    Declared("json", "--json", "switch", False, "Print one JSON document."),
)
"""Options of the command line alone: what a run is made from, and what is said of it."""

SETTINGS = Declared("settings", "--settings", "text", None, "Options from TOML or JSON.")

SEARCH = (*OWN[:4], *exported.SEARCH, *OWN[4:])
"""All that a settings file may have; those of a run follow from the fields of `Plan`."""

KNOWN: Mapping[str, Declared] = {declared.in_files: declared for declared in SEARCH}


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a file, checked, by the options' names in the program.

    In the file they have their names on the command line, written with '-' or '_'.

    Raises:
        SettingError: No such file, no TOML or JSON, an unknown name or a value of another type.
    """
    settings: dict[str, Any] = {}
    for key, value in _read(path).items():
        declared = KNOWN.get(key.replace("_", "-"))
        if declared is None:
            near = get_close_matches(key.replace("_", "-"), KNOWN, 1)
            raise SettingError(
                f"The settings file {str(path)!r} has an unknown name {key!r}"
                + (f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(KNOWN)}.")
            )
        settings[declared.name] = _checked(path, key, value, declared)
    return settings


def _read(path: Path) -> dict[str, Any]:
    if path.suffix not in (".toml", ".json"):
        raise SettingError(f"`--settings` must end in .toml or .json, got {str(path)!r}.")
    try:
        text = path.read_text(encoding="utf-8")
        body = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"The settings file {str(path)!r} cannot be read: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise SettingError(
            f"The settings file {str(path)!r} is no {path.suffix[1:].upper()}: {error}."
        ) from error
    if not isinstance(body, dict):
        raise SettingError(
            f"The settings file {str(path)!r} must hold names and values, "
            f"got a {type(body).__name__}."
        )
    return body


def _checked(path: Path, key: str, value: Any, declared: Declared) -> Any:
    if type(value) not in declared.types:
        raise SettingError(
            f"The settings file {str(path)!r} must have for {key!r} a value of type "
            f"{' or '.join(kind.__name__ for kind in declared.types)}, got {value!r}."
        )
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(each, str) and not each.strip() for each in texts):
        raise SettingError(
            f"The settings file {str(path)!r} must not have an empty text for {key!r}, got "
            f"{value!r}; leave it out."
        )
    if declared.kind == "texts":
        value = [value] if isinstance(value, str) else value
        if not all(isinstance(item, str) for item in value):
            raise SettingError(
                f"The settings file {str(path)!r} must have strings in {key!r}, got {value!r}."
            )
    return value
