"""MobileNetV3 with elastic depth, width, kernel and resolution, as in once-for-all.

Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", arXiv
1908.09791, over the network of Howard et al., "Searching for MobileNetV3", arXiv 1905.02244. Five
stages of two to four blocks, each with a kernel of 3, 5 or 7 and an expansion ratio of 3, 4 or 6:
(9 ** 2 + 9 ** 3 + 9 ** 4) ** 5 = 2e19 networks for one resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import hardsigmoid, interpolate

from netwright.errors import SettingError
from netwright.space import Choose, Space
from netwright.spaces.input_shapes import halvings, image_shape
from netwright.spaces.ready import ready

_KERNELS = (3, 5, 7)
_RATIOS = (3, 4, 6)
_WIDTHS = (24, 40, 80, 112, 160)
_HALVING = (5, 0, 1, 2, 3)  # places that halve: stage 4, the stem, stages 0 to 2; dropped in turn
_PHOTOGRAPH = 32  # pixels of the shorter side from which on images may be mirrored
_END = 4 / 2**0.5  # sides at the end are as long or longer, where the image is small
_EXCITED = (False, True, False, True, True)
_HARD = (False, False, True, True, True)  # h-swish in place of ReLU


@ready
def mobilenet_v3(
    inputs: Sequence[int] = (3, 224, 224),
    classes: int = 1000,
    *,
    width: float = 1.0,
    resolutions: Sequence[int] = (),
) -> Space:
    """The space for images of shape `inputs` = (c, h, w).

    `width` multiplies all widths. `resolutions` are sides that the image may be resized to, one of
    which is chosen; none keeps it as it is. From 91 pixels on, by the largest of these, all is as
    published. Smaller images are halved less often, so that they too end with 3 to 6 pixels each
    way: first the last stage does not halve them, where that costs least, then not the stem and
    the first stages. From 32 pixels on the recipe asks whether images are mirrored in training.

    Raises:
        SettingError: A shape that is no image, or a width or a resolution that is none.
    """
    shape = image_shape("mobilenet_v3", inputs)
    if not (isinstance(width, int | float) and 0 < width <= 8):
        raise SettingError(f"`mobilenet_v3(width=...)` must be above 0, at most 8, got {width!r}.")
    sides = tuple(resolutions)
    if not all(type(side) is int and side >= 8 for side in sides):
        raise SettingError(
            "`mobilenet_v3(resolutions=...)` must be sides in pixels, at least 8, "
            f"got {resolutions!r}."
        )
    declared = partial(network, width=width, sides=sides)
    asked = recipe if min(shape[1:]) >= _PHOTOGRAPH else None
    return Space(declared, shape, classes, recipe=asked, name="mobilenet_v3")


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {"flip": choose.value("flip", [False, True])}


def network(
    choose: Choose, inputs: tuple[int, ...], classes: int, width: float, sides: tuple[int, ...]
) -> nn.Module:
    """The declaration."""
    side = max(sides, default=0)
    strides = _strides((side, side) if sides else (inputs[1], inputs[2]))
    before = eights(round(16 * width))
    layers: list[nn.Module] = [Resize(choose.value("resolution", sides))] if sides else []
    layers += conv(inputs[0], before, 3, nn.Hardswish, stride=strides[0])
    layers.append(Block(choose, before, before, before, 3, nn.ReLU))
    for stage, base in enumerate(_WIDTHS):
        out = eights(round(base * width))
        stride = strides[1 + stage]
        act = nn.Hardswish if _HARD[stage] else nn.ReLU

        def block(
            i: int,
            stage: int = stage,
            before: int = before,
            out: int = out,
            stride: int = stride,
            act: Callable[[], nn.Module] = act,
        ) -> nn.Module:
            name = f"stage{stage}.block{i}"
            kernel = choose.value(f"{name}.kernel", _KERNELS)
            ratio = choose.value(f"{name}.ratio", _RATIOS)
            given = out if i else before
            return Block(
                choose,
                given,
                given * ratio,
                out,
                kernel,
                act,
                stride=1 if i else stride,
                excited=_EXCITED[stage],
            )

        layers.append(choose.repeat(f"stage{stage}.depth", 2, 4, block))
        before = out
    wide, features = eights(round(960 * width)), eights(round(1280 * width))
    return nn.Sequential(
        *layers,
        *conv(before, wide, 1, nn.Hardswish),
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(wide, features, 1, bias=False),
        nn.Hardswish(),
        nn.Flatten(),
        nn.Linear(features, classes),
    )


def _strides(size: tuple[int, int]) -> list[int]:
    """The strides of the stem and of each stage, for images of a size."""
    halved = set(_HALVING[max(0, len(_HALVING) - halvings(size, _END)) :])
    return [2 if place in halved else 1 for place in range(1 + len(_WIDTHS))]


def conv(
    inputs: int,
    outputs: int,
    kernel: int,
    act: Callable[[], nn.Module],
    *,
    stride: int = 1,
    groups: int = 1,
) -> list[nn.Module]:
    """Convolution, batch normalisation, activation."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(outputs), act()]


def eights(width: int) -> int:
    """The nearest multiple of 8, at least 8, that is not more than a tenth below."""
    near = max(8, (width + 4) // 8 * 8)
    return near + 8 if 10 * near < 9 * width else near


class Block(nn.Module):
    """Widen, convolve each channel, weigh the channels, narrow."""

    def __init__(
        self,
        choose: Choose,
        inputs: int,
        inner: int,
        outputs: int,
        kernel: int,
        act: Callable[[], nn.Module],
        *,
        stride: int = 1,
        excited: bool = False,
    ) -> None:
        super().__init__()
        widen = conv(inputs, inner, 1, act) if inner is not inputs else []
        self.body = nn.Sequential(
            *widen,
            *conv(inner, inner, kernel, act, stride=stride, groups=inner),
            *([Excite(choose, inner)] if excited else []),
            nn.Conv2d(inner, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h / stride, w / stride)."""
        out: Tensor = self.body(x)
        return x + out if self.residual else out


class Excite(nn.Module):
    """Squeeze and excitation with a hard sigmoid."""

    def __init__(self, choose: Choose, width: int) -> None:
        super().__init__()
        quarter = width // 4
        near = (quarter + 4) // 8 * 8
        inner = choose.when(10 * near < 9 * quarter, lambda: near + 8, lambda: near)
        self.squeeze, self.excite = nn.Conv2d(width, inner, 1), nn.Conv2d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, width, h, w) to the same shape."""
        mean = x.mean((2, 3), keepdim=True)
        return x * hardsigmoid(self.excite(torch.relu(self.squeeze(mean))))


class Resize(nn.Module):
    """The image at another size."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to (b, c, side, side)."""
        return interpolate(x, (self.side, self.side), mode="bilinear", align_corners=False)
