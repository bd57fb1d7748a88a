"""The file of a table: safetensors, which is mapped into memory and holds no code.

`answers` is n x k, the place of each answer among the options of its choice, 65,535 where a choice
is not asked; every other tensor is a metric of n float64. The metadata have the format's version,
the table's name, the space's name, and its choices with their options as JSON, so that a space
whose choices are others is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from netwright import spaces
from netwright.errors import DataError
from netwright.files.whole import whole
from netwright.space import Space

FORMAT = "netwright.table/1"
NOT_ASKED = 65_535
_ANSWERS = "answers"
_INPUTS = {"convnet": ((1, 14, 14), 10), "mlp": ((4,), 2)}  # of those that must be told

Codes = NDArray[np.uint16]


def write_table(
    path: Path, name: str, space: Space, answers: Codes, columns: Mapping[str, NDArray[np.float64]]
) -> None:
    """Write a table.

    Raises:
        DataError: A column is called `answers`, or the file cannot be written.
    """
    if _ANSWERS in columns:
        raise DataError(f"A table must have no column {_ANSWERS!r}; give it another name.")
    about = {"format": FORMAT, "name": name, "space": space.name, "choices": _choices(space)}
    try:
        with whole(path) as part:
            save_file({_ANSWERS: answers, **columns}, part, metadata=about)
    except OSError as error:
        raise DataError(f"The table {str(path)!r} cannot be written: {error}.") from error


def read_table(
    path: Path, space: Space | None
) -> tuple[Space, Codes, dict[str, NDArray[np.float64]], str]:
    """The space, answers, columns and name of a table.

    Raises:
        DataError: It is no such file, its space is not known, or its choices are others.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            if about.get("format") != FORMAT:
                raise DataError(f"{path} is no table of netwright: it lacks the mark {FORMAT!r}.")
            columns = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from error
    made = space or _ready(path, about["space"])
    if _choices(made) != about["choices"]:
        raise DataError(
            f"{path} is a table of the space {about['space']!r} with other choices than those of "
            f"{made.name!r}; give the space that it was made of."
        )
    return made, columns.pop(_ANSWERS), columns, about["name"]


def _ready(path: Path, name: str) -> Space:
    if name not in spaces.__all__:
        raise DataError(
            f"{path} is a table of the space {name!r}, which is none of the ready ones; "
            "write `Table.open(path, space)`."
        )
    space: Space = getattr(spaces, name)(*inputs_of(name))
    return space


def inputs_of(name: str) -> tuple[Any, ...]:
    """What a ready space is given by position: nothing where it has inputs of its own."""
    return _INPUTS.get(name.partition("(")[0].strip().replace("-", "_"), ())


def _choices(space: Space) -> str:
    listed: list[Any] = [[name, list(c.options)] for name, c in space.choices.items()]
    return json.dumps(listed)
