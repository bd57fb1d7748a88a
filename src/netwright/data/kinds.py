"""What kind arrays are of: as it is told, or as their axes and their type say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from netwright.errors import DataError, SettingError

KINDS = ("table", "images", "series", "sound", "text")
"""What data may be called where they are read."""

_AXES = {
    "table": (2, "(n, f)"),
    "images": (3, "(n, h, w), or with channels (n, c, h, w) or (n, h, w, c)"),
    "series": (2, "(n, t) or (n, c, t), or be a list of series"),
}


def check_kind(kind: object) -> None:
    """Refuse what is no kind of data.

    Raises:
        SettingError: Says which there are.
    """
    if kind is not None and kind not in KINDS:
        raise SettingError(f"`load(kind=...)` must be one of {', '.join(KINDS)}, got {kind!r}.")


def kind_of(x: object, kind: str | None, where: str) -> tuple[str, str]:
    """The kind of inputs `x` (n, ...), and one line on what was found out of it, maybe empty.

    Where none is told, (n, f) is a table, four axes are images, and so is (n, a, b) of bytes;
    arrays of unequal lengths are series. (n, a, b) of anything else may be pictures or series.

    Raises:
        DataError: Two readings fit, or the axes are none of the kind that is told.
        SettingError: There is no such kind.
    """
    check_kind(kind)
    if kind is not None and kind not in _AXES:
        raise SettingError(f"`kind` of arrays must be one of {', '.join(_AXES)}, got {kind!r}.")
    if is_ragged(x):
        if kind in (None, "series"):
            told = 'is read as series of unequal lengths, `kind="series"`'
            return "series", "" if kind else f"{where} {told}"
        raise DataError(f"{where} must hold arrays of one shape for {kind}; they are unequal.")
    if kind == "series" and isinstance(x, list) and all(map(_is_sequence, x)):
        return kind, ""  # each is looked at where they are read
    shape, dtype = _axes_of(x)
    axes = len(shape)
    if kind is not None:
        _check_axes(shape, kind, where)
        return kind, ""
    if axes != 3:
        return ("images" if axes == 4 else "table"), ""
    if dtype in ("bool", "uint8"):
        told = f"is read as gray pictures of {shape[1]} x {shape[2]}"
        return "images", f'{where} {told}; for {shape[1]} channels of series say `kind="series"`'
    if not dtype.startswith(("int", "uint", "float", "bfloat", "object")):
        return "images", ""  # refused where values are read
    raise DataError(
        f"{where} has shape {shape} of {dtype}, which may be gray pictures of {shape[1]} x "
        f"{shape[2]}, or {shape[1]} channels of series with {shape[2]} steps: say "
        '`kind="images"` or `kind="series"`.'
    )


def is_ragged(x: object) -> bool:
    """Whether it is a sequence, or an array of objects, that holds arrays of unequal shapes."""
    if isinstance(x, np.ndarray):
        if x.dtype != object or x.ndim != 1 or not len(x):
            return False
        return all(_is_sequence(each) for each in x)
    if not isinstance(x, Sequence) or isinstance(x, str | bytes) or not len(x):
        return False
    if not all(_is_sequence(each) for each in x):
        return False
    return len({_shape_of(each) for each in x}) > 1


def _is_sequence(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray | torch.Tensor) and bool(_shape_of(value))


def _shape_of(value: Any) -> tuple[int, ...]:
    """The shape of one series; of nested lists by their first."""
    if isinstance(value, np.ndarray | torch.Tensor):
        return tuple(value.shape)
    if isinstance(value, list | tuple):
        return (len(value), *(_shape_of(value[0]) if len(value) else ()))
    return ()


def _axes_of(x: Any) -> tuple[tuple[int, ...], str]:
    """The shape and the type of values; no axes for what is no array."""
    if isinstance(x, torch.Tensor):
        return tuple(x.shape), str(x.dtype).removeprefix("torch.")
    try:
        array = np.asarray(x)
    except (ValueError, TypeError):
        return (), "object"
    return array.shape, str(array.dtype)


def _check_axes(shape: tuple[int, ...], kind: str, where: str) -> None:
    least, shapes = _AXES[kind]
    most = {"table": 2, "images": 4, "series": 3}[kind]
    if shape and not least <= len(shape) <= most:
        raise DataError(f"{where} must have shape {shapes} for {kind}, got {shape}.")
