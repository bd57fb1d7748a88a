"""Augmentation of whole batches by a few tensor operations, with no loop over images.

It works on what `normalise` gives, where 0 is the mean and 1 the deviation of the train part,
whatever the range of the raw pixels: bytes, 16 bits or any numbers. All that moves pixels is one
map of places for each image, and all that changes colours one map of channels, however many
changes were drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from netwright.data.maps import Colours, Places, apart
from netwright.errors import SettingError

_AT_ONCE = 2**19  # numbers that are sampled at once on a CPU: so many stay in its cache
_SHARES = ("zoom", "colour")


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a batch of images that keep their labels; each image draws its own.

    `flip` mirrors left and right with probability 1/2. `crop` pads that many pixels on each side
    and cuts the old size out at a random place. `zoom` cuts a random part out and enlarges it
    (Szegedy et al. 2014, arXiv:1409.4842): a share of the area from 1 - `zoom` to 1, whose sides
    are in a ratio of 3:4 to 4:3 to those of the image. `colour` changes contrast and saturation by
    factors from 1 - `colour` to 1 + `colour`, and the brightness by as much as such a factor does
    where the mean is two deviations above black. `trivial_augment` makes one change of a random
    kind and strength (Mueller and Hutter 2021, arXiv:2103.10158), of those that are maps of places
    or of colours: none, rotation, shearing or shifting each way, brightness, contrast, saturation;
    equalising, solarising, posterising and sharpening are left out. `cutout` erases a square of
    that side around a random pixel, cut off at the border (DeVries and Taylor 2017,
    arXiv:1708.04552).

    Brightness and contrast change where there are one or three channels, saturation where there
    are three. Padding and erased squares are 0, which is the mean of a normalised batch: normalise
    first. What `zoom` and `trivial_augment` read beyond the border is the image, mirrored.

    Raises:
        SettingError: `flip` or `trivial_augment` is no bool, `crop` or `cutout` is below 0, or
            `zoom` or `colour` is not from 0 to less than 1.
    """

    flip: bool = False
    crop: int = 0
    cutout: int = 0
    zoom: float = 0.0
    colour: float = 0.0
    trivial_augment: bool = False

    def __post_init__(self) -> None:
        for name in ("flip", "trivial_augment"):
            if not isinstance(getattr(self, name), bool):
                raise SettingError(
                    f"`Augmentation({name}=...)` must be True or False, "
                    f"got {getattr(self, name)!r}."
                )
        for name, value in (("crop", self.crop), ("cutout", self.cutout)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise SettingError(
                    f"`Augmentation({name}=...)` must be a whole number of pixels, at least 0, "
                    f"got {value!r}."
                )
        for name in _SHARES:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
                raise SettingError(
                    f"`Augmentation({name}=...)` must be from 0 to less than 1, got {value!r}."
                )

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The changed batch (b, c, h, w) of the dtype of `x`, which stays as it was.

        A batch of table rows (b, f) comes back unchanged. Draws come from `generator` alone, on
        its own device. `zoom`, `colour` and `trivial_augment` take floats.
        """
        if x.ndim != 4 or len(x) == 0:
            return x
        if self.zoom or self.colour or self.trivial_augment:
            x = self._mapped(x, generator)
        elif self.crop or self.flip:
            x = _shift(x, self.crop, self.flip, generator)
        if self.cutout:
            x = _erase(x, self.cutout, generator)
        return x

    def _mapped(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Each image by a map of places and one of colours."""
        count, channels, height, width = x.shape
        places = Places.same(count, (height, width))
        colours = Colours.same(count) if channels in (1, 3) else None
        if self.trivial_augment:
            apart(places, colours, channels, generator)
        if self.flip:
            places.mirror(torch.randint(2, (count,), generator=generator).bool())
        if self.zoom:
            places.zoom(self.zoom, generator)
        if self.crop:
            places.shift(self.crop, generator)
        if self.colour and colours is not None:
            colours.vary(self.colour, generator)
        return _through(x, places, colours)


def _through(x: Tensor, places: Places, colours: Colours | None) -> Tensor:
    """The images through both maps, some at once: what a CPU samples then stays in its cache."""
    count = len(x)
    some = max(1, _AT_ONCE // math.prod(x.shape[1:])) if x.device.type == "cpu" else count
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    changes = None if colours is None else colours.of(x)
    for start in range(0, count, some):
        part = slice(start, start + some)
        made = x[part]
        if places.moves:
            made = functional.grid_sample(
                made, places.grid(part, x.device), padding_mode="reflection", align_corners=False
            )
        if changes is not None:
            matrix, offset = (each[part] for each in changes)
            made = torch.baddbmm(offset, matrix, made.flatten(2)).view_as(made)
        out[part] = made
    return out


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
