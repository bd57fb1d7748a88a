"""The shapes of inputs that the ready spaces take, and what is said of others."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netwright.errors import SettingError


def image_shape(call: str, inputs: object, least: int = 8) -> tuple[int, int, int]:
    """`inputs` as (c, h, w), of at least `least` pixels each way.

    Raises:
        SettingError: It is no such shape.
    """
    shape = _whole(inputs)
    if len(shape) != 3 or min(shape) < 1 or min(shape[1:]) < least:
        raise SettingError(
            f"`{call}(inputs, classes)` must be given images (c, h, w) of at least {least} x "
            f"{least} pixels, got {inputs!r}."
        )
    return shape[0], shape[1], shape[2]


def halvings(size: tuple[int, int], least: float) -> int:
    """How often an image (h, w) can be halved while it is as large as `least` x `least` pixels.

    Of an oblong image the area counts, since networks cost by it.
    """
    return max(0, math.floor(math.log2(math.sqrt(size[0] * size[1]) / least)))


def series_shape(call: str, inputs: object, least: int = 8) -> tuple[int, int]:
    """`inputs` as (c, t), of at least `least` time steps.

    Raises:
        SettingError: It is no such shape.
    """
    shape = _whole(inputs)
    if len(shape) != 2 or min(shape) < 1 or shape[1] < least:
        raise SettingError(
            f"`{call}(inputs, classes)` must be given series (c, t) of at least {least} steps, "
            f"got {inputs!r}."
        )
    return shape[0], shape[1]


def check_sizes(call: str, **sizes: object) -> None:
    """Refuse an argument that is no whole number above 0.

    Raises:
        SettingError: One is not.
    """
    for name, value in sizes.items():
        if type(value) is not int or value < 1:
            raise SettingError(
                f"`{call}({name}=...)` must be a whole number, at least 1, got {value!r}."
            )


def _whole(inputs: object) -> tuple[int, ...]:
    if not isinstance(inputs, Sequence) or not all(type(size) is int for size in inputs):
        return ()
    return tuple(inputs)
