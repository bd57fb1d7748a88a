"""Augmentation of whole batches by a few tensor operations, with no loop over images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from netwright.errors import SettingError


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a batch of images that keep their labels; each image draws its own.

    `flip` mirrors left and right with probability 1/2. `crop` pads that many pixels on each side
    and cuts the old size out at a random place. `cutout` erases a square of that side around a
    random pixel, cut off at the border (DeVries and Taylor 2017, arXiv:1708.04552). Padding and
    erased squares are 0, which is the mean of a normalised batch: normalise first.

    Raises:
        SettingError: `flip` is no bool, or `crop` or `cutout` is below 0.
    """

    flip: bool = False
    crop: int = 0
    cutout: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.flip, bool):
            raise SettingError(
                f"`Augmentation(flip=...)` must be True or False, got {self.flip!r}."
            )
        for name, value in (("crop", self.crop), ("cutout", self.cutout)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise SettingError(
                    f"`Augmentation({name}=...)` must be a whole number of pixels, at least 0, "
                    f"got {value!r}."
                )

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The changed batch (b, c, h, w) of the dtype of `x`, which stays as it was.

        A batch of table rows (b, f) comes back unchanged. Draws come from `generator` alone, on
        its own device.
        """
        if x.ndim != 4 or len(x) == 0:
            return x
        if self.crop or self.flip:
            x = _shift(x, self.crop, self.flip, generator)
        if self.cutout:
            x = _erase(x, self.cutout, generator)
        return x


def _shift(x: Tensor, padding: int, flip: bool, generator: torch.Generator) -> Tensor:
    """Mirror and shift in one gather: every output pixel knows its place in the padded image."""
    b, c, h, w = x.shape
    rows = torch.arange(h, device=x.device).expand(b, h)
    columns = torch.arange(w, device=x.device).expand(b, w)
    if flip:
        mirrored = _draw(2, b, generator, x.device)
        columns = torch.where(mirrored.bool(), w - 1 - columns, columns)
    if padding:
        rows = rows + _draw(2 * padding + 1, b, generator, x.device)
        columns = columns + _draw(2 * padding + 1, b, generator, x.device)
        x = functional.pad(x, (padding, padding, padding, padding))
    places = rows[:, :, None] * x.shape[3] + columns[:, None, :]
    places = places.view(b, 1, h * w).expand(b, c, h * w)
    return x.reshape(b, c, -1).gather(2, places).view(b, c, h, w)


def _erase(x: Tensor, side: int, generator: torch.Generator) -> Tensor:
    b, _, h, w = x.shape
    inside = []
    for length in (h, w):
        start = _draw(length, b, generator, x.device) - side // 2
        place = torch.arange(length, device=x.device)
        inside.append((place >= start) & (place < start + side))
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return x.masked_fill(square, 0)


def _draw(high: int, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """`count` whole numbers 0..high-1 of shape (count, 1)."""
    drawn = torch.randint(high, (count, 1), generator=generator, device=generator.device)
    return drawn.to(device)
