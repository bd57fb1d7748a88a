"""Changes of images as maps, one of places and one of colours for each image of a batch.

Changes are composed as matrices of a few numbers; the pixels are touched once, in the end.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_GREY = {1: (1.0,), 3: (0.299, 0.587, 0.114)}  # what channels weigh in grey, as ITU-R BT.601 has it
_BRIGHT = 2.0  # deviations from black to the mean, as photographs have them
_RATIO = 4 / 3  # of the sides of what is cut out, at most
_TURN, _SHEAR, _MOVE, _FACTOR = 30.0, 0.3, 0.3, 0.9  # degrees, shares and factors: RandAugment's


class Places:
    """Where each pixel of a changed image is read: `linear` (b, 2, 2) and `offset` (b, 2).

    Both are of (x, y) in pixels from the centre, from the place in the new image to that in the old
    one. What is called later is done to the image later.
    """

    def __init__(self, linear: Tensor, offset: Tensor, size: tuple[int, int]) -> None:
        self.linear, self.offset, self.size = linear, offset, size
        self.moves = False

    @classmethod
    def same(cls, count: int, size: tuple[int, int]) -> Places:
        """The maps that change nothing, of so many images (h, w)."""
        return cls(torch.eye(2).repeat(count, 1, 1), torch.zeros(count, 2), size)

    def then(self, linear: Tensor, offset: Tensor) -> None:
        """Read through another map, which goes after the ones before it."""
        self.offset = torch.baddbmm(self.offset[..., None], self.linear, offset[..., None])[..., 0]
        self.linear = self.linear @ linear
        self.moves = True

    def mirror(self, chosen: Tensor) -> None:
        """Mirror left and right those images that are `chosen` (b,)."""
        linear = torch.eye(2).repeat(len(chosen), 1, 1)
        linear[chosen, 0, 0] = -1.0
        self.then(linear, torch.zeros_like(self.offset))

    def zoom(self, most: float, generator: torch.Generator) -> None:
        """Cut a share of the area from 1 - `most` to 1 out at a random place, and enlarge it."""
        count = len(self.offset)
        share = 1 - most * torch.rand(count, generator=generator)
        ratio = torch.exp((2 * torch.rand(count, generator=generator) - 1) * math.log(_RATIO) / 2)
        scale = torch.stack([share.sqrt() * ratio, share.sqrt() / ratio], 1).clamp_max(1.0)
        where = torch.rand(count, 2, generator=generator) - 0.5
        room = (1 - scale) * torch.tensor([self.size[1], self.size[0]])
        self.then(torch.diag_embed(scale), where * room)

    def shift(self, most: int, generator: torch.Generator) -> None:
        """Shift by up to so many whole pixels each way."""
        drawn = torch.randint(-most, most + 1, (len(self.offset), 2), generator=generator)
        self.then(torch.eye(2).repeat(len(drawn), 1, 1), drawn.float())

    def grid(self, part: slice, device: torch.device) -> Tensor:
        """Where pixels of some images are read, as `grid_sample` wants it: (b, h, w, 2)."""
        linear, offset = self.linear[part].to(device), self.offset[part].to(device)
        ys, xs = (torch.arange(n, device=device) - (n - 1) / 2 for n in self.size)
        read = [
            linear[:, i, 0, None, None] * xs
            + (linear[:, i, 1, None] * ys + offset[:, i, None])[:, :, None]
            for i in range(2)
        ]
        return torch.stack([read[0] * (2 / len(xs)), read[1] * (2 / len(ys))], 3)


class Colours:
    """What becomes of the channels of each image: contrast, saturation and brightness (b,)."""

    def __init__(self, count: int) -> None:
        self.contrast, self.saturation = torch.ones(count), torch.ones(count)
        self.brightness = torch.zeros(count)

    @classmethod
    def same(cls, count: int) -> Colours:
        """Those that change nothing."""
        return cls(count)

    def vary(self, strength: float, generator: torch.Generator) -> None:
        """Draw all three, factors from 1 - `strength` to 1 + `strength`."""
        drawn = (2 * torch.rand(3, len(self.contrast), generator=generator) - 1) * strength
        self.contrast = self.contrast * (1 + drawn[0])
        self.saturation = self.saturation * (1 + drawn[1])
        self.brightness = self.brightness + _BRIGHT * drawn[2]

    def of(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The map of the channels of images (b, c, h, w): (b, c, c), and what is added (b, c, 1).

        Contrast is about the mean of an image, saturation about its grey.
        """
        channels = x.shape[1]
        weights = torch.tensor(_GREY[channels], device=x.device)
        contrast, saturation = self.contrast.to(x.device), self.saturation.to(x.device)
        grey = weights.expand(channels, channels)
        kept = torch.eye(channels, device=x.device)
        matrix = grey + saturation[:, None, None] * (kept - grey)
        mean = x.mean((2, 3)) @ weights
        added = self.brightness.to(x.device) + (1 - contrast) * mean
        return contrast[:, None, None] * matrix, added[:, None, None].expand(-1, channels, 1)


def apart(
    places: Places, colours: Colours | None, channels: int, generator: torch.Generator
) -> None:
    """One change of a random kind and strength for each image, in both maps.

    Where there are no `colours` the kinds are those of places; of grey images saturation is none.
    """
    count = len(places.offset)
    kinds = 6 if colours is None else 8 if channels == 1 else 9
    kind = torch.randint(kinds, (count,), generator=generator)
    strength = 2 * torch.rand(count, generator=generator) - 1
    by = torch.where(kind[None] == torch.arange(1, 9)[:, None], strength, torch.zeros(()))
    angle = by[0] * math.radians(_TURN)
    cos, sin = angle.cos(), angle.sin()
    linear = torch.stack(
        [torch.stack([cos, by[1] * _SHEAR - sin], 1), torch.stack([by[2] * _SHEAR + sin, cos], 1)],
        1,
    )
    height, width = places.size
    places.then(linear, torch.stack([by[3] * _MOVE * width, by[4] * _MOVE * height], 1))
    if colours is not None:
        colours.brightness = colours.brightness + _BRIGHT * _FACTOR * by[5]
        colours.contrast = colours.contrast * (1 + _FACTOR * by[6])
        colours.saturation = colours.saturation * (1 + _FACTOR * by[7])
