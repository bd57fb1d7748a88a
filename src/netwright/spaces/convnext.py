"""ConvNeXt-like networks: depthwise convolutions of large kernels and wide pointwise ones.

Liu et al., "A ConvNet for the 2020s", arXiv 2201.03545. Depth, width, kernel and expansion ratio of
each stage are choices; ConvNeXt-T is a member of `convnext((3, 224, 224), 1000, patch=4,
widths=(96, 192, 384, 768), most_depths=(3, 3, 9, 3), shares=(1.0,))`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from netwright.space import Choose, Space
from netwright.spaces.attention import DropPath
from netwright.spaces.input_shapes import check_sizes, image_shape
from netwright.spaces.ready import ready

_KERNELS = (3, 5, 7)
_RATIOS = (2, 3, 4)


@ready
def convnext(
    inputs: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    *,
    patch: int | None = None,
    widths: Sequence[int] = (48, 96, 192),
    most_depths: Sequence[int] = (3, 5, 3),
    shares: Sequence[float] = (0.5, 0.75, 1.0),
) -> Space:
    """The space for images of shape `inputs` = (c, h, w).

    `patch` is the side of the first patches (None: 4 for sides of 64 pixels or more, 2 from 16 on,
    else 1); `widths` and `most_depths` are the most of each stage, `shares` what part of the widths
    may be taken, one choice for all stages.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    shape = image_shape("convnext", inputs)
    least = min(shape[1:])
    side = (4 if least >= 64 else 2 if least >= 16 else 1) if patch is None else patch
    check_sizes("convnext", patch=side)
    declared = partial(
        network,
        patch=side,
        widths=tuple(widths),
        depths=tuple(most_depths),
        shares=tuple(shares),
    )
    return Space(declared, shape, classes, recipe=recipe, name="convnext")


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.001, 0.002, 0.004]),
        "weight_decay": choose.value("weight_decay", [0.01, 0.05]),
    }


def network(
    choose: Choose,
    inputs: tuple[int, ...],
    classes: int,
    patch: int,
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    shares: tuple[float, ...],
) -> nn.Module:
    """The declaration."""
    percent = choose.value("width_percent", [round(100 * share) for share in shares])
    drop_path = choose.value("drop_path", [0.0, 0.1])
    layers: list[nn.Module] = []
    before = inputs[0]
    for stage, (most, deepest) in enumerate(zip(widths, depths, strict=True)):
        width = most * percent // 100
        if stage:
            layers += [ChannelNorm(before), nn.Conv2d(before, width, 2, 2)]
        else:
            layers += [nn.Conv2d(before, width, patch, patch), ChannelNorm(width)]
        kernel = choose.value(f"stage{stage}.kernel", _KERNELS)
        ratio = choose.value(f"stage{stage}.ratio", _RATIOS)
        block = partial(Block, width, kernel, ratio * width, drop_path)
        layers.append(choose.repeat(f"stage{stage}.depth", 1, deepest, lambda i, b=block: b()))  # type: ignore[misc]
        before = width
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(before, 1e-6)
    return nn.Sequential(*layers, *head, nn.Linear(before, classes))


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of an image."""

    def __init__(self, width: int) -> None:
        super().__init__(width, 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to the same shape."""
        x = x.permute(0, 2, 3, 1)
        normed = layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return normed.permute(0, 3, 1, 2)


class Block(nn.Module):
    """Depthwise convolution, normalisation, two pointwise layers, a scale for each channel."""

    def __init__(self, width: int, kernel: int, inner: int, drop_path: float) -> None:
        super().__init__()
        self.width = width
        self.depthwise = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, 1e-6)
        self.widen, self.act, self.narrow = (
            nn.Linear(width, inner),
            nn.GELU(),
            nn.Linear(inner, width),
        )
        self.scale = nn.Parameter(torch.full((width,), 1e-6))
        self.drop = DropPath(drop_path)

    def tensor_sizes(self) -> dict[str, Any]:
        """Sizes of the block's own tensor, for supernets."""
        return {"scale": (self.width,)}

    def forward(self, x: Tensor) -> Tensor:
        """(b, width, h, w) to the same shape."""
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.narrow(self.act(self.widen(y)))
        out: Tensor = x + self.drop(y.permute(0, 3, 1, 2))
        return out
