"""Convolutional networks for small images, up to about 64 x 64 pixels.

A stem, then one to three stages of equal blocks, then global pooling and one linear layer.
Widths are multiples of 16, which is what the convolutions of ONNX Runtime and oneDNN work in:
on one core of an x86-64 server a width of 24 takes as long as 32. Beside the network the recipe
is searched: learning rate, weight decay and cutout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from netwright.errors import SettingError
from netwright.space import Choose, Space
from netwright.spaces.blocks import (
    InvertedBottleneck,
    Residual,
    SqueezeExcite,
    conv,
    group_norm,
    separable,
)


_STAGES = 3


def convnet(inputs: Sequence[int], classes: int) -> Space:
    """The space for images of shape `inputs` = (c, h, w).

    Raises:
        SettingError: `inputs` is no shape of an image of at least 8 x 8 pixels.
    """
    if len(inputs) != 3 or min(inputs[1:]) < 8:
        raise SettingError(
            "`convnet(inputs, classes)` must be given images (c, h, w) of at least 8 x 8 pixels, "
            f"got {tuple(inputs)}; for tables use `mlp`."
        )
    return Space(network, inputs, classes, recipe=recipe)


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "learning_rate": choose.value("learning_rate", [0.1, 0.2, 0.4]),
        "weight_decay": choose.value("weight_decay", [0.0002, 0.0005, 0.001]),
        "cutout": choose.value("cutout", [0, 2, 4]),
    }


def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    """The declaration. Stages two and three may be left out."""
    act = choose.one_of(
        "activation",
        relu=lambda: nn.ReLU,
        hardswish=lambda: nn.Hardswish,
        silu=lambda: nn.SiLU,
    )
    norm = choose.one_of("normalisation", batch=lambda: nn.BatchNorm2d, group=lambda: group_norm)
    width = choose.width("stem.width", 16, 64, step=16)
    kernel = choose.value("stem.kernel", [3, 5])
    stride = choose.value("stem.stride", [1, 2])
    layers: list[nn.Module] = [conv(inputs[0], width, kernel, norm, act, stride=stride)]

    def stages(first: int, width: int) -> tuple[list[nn.Module], int]:
        """Stage `first`, and the ones behind it if they are wanted; only the last may be missing."""
        made, width = _stage(choose, f"stage{first}", width, norm, act)
        if first == _STAGES:
            return made, width
        rest, width = choose.one_of(
            f"stage{first + 1}",
            none=lambda: ([], width),
            blocks=lambda: stages(first + 1, width),
        )
        return [*made, *rest], width

    made, width = stages(1, width)
    layers += made
    pool = choose.one_of(
        "pooling",
        average=lambda: nn.AdaptiveAvgPool2d(1),
        max=lambda: nn.AdaptiveMaxPool2d(1),
    )
    dropout = choose.one_of("dropout", none=list, some=lambda: [nn.Dropout(0.2)])
    return nn.Sequential(*layers, pool, nn.Flatten(), *dropout, nn.Linear(width, classes))


def _stage(
    choose: Choose, name: str, inputs: int, norm: Callable[[int], nn.Module], act: Any
) -> tuple[list[nn.Module], int]:
    """Layers of one stage and the width that leaves it."""
    width = choose.width(f"{name}.width", 16, 96, step=16)
    kernel = choose.value(f"{name}.kernel", [3, 5])
    block = choose.one_of(
        f"{name}.block",
        plain=lambda: conv,
        separable=lambda: separable,
        residual=lambda: Residual,
        inverted=lambda: InvertedBottleneck,
    )
    down = choose.value(f"{name}.downsample", ["stride", "pool", "none"])
    blocks = choose.repeat(
        f"{name}.depth",
        1,
        3,
        lambda i: block(
            width if i else inputs,
            width,
            kernel,
            norm,
            act,
            stride=2 if i == 0 and down == "stride" else 1,
        ),
    )
    attention = choose.one_of(
        f"{name}.attention", none=list, squeeze_excite=lambda: [SqueezeExcite(width)]
    )
    pool = [nn.MaxPool2d(2, ceil_mode=True)] if down == "pool" else []
    return [*pool, *blocks, *attention], width
