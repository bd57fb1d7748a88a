"""Residual networks: depth, width and block of each stage; and the AnyNetX space of RegNet.

He et al., "Deep Residual Learning", arXiv 1512.03385; Radosavovic et al., "Designing Network Design
Spaces", arXiv 2003.13678.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from netwright.space import Choose, Space
from netwright.spaces.attention import DropPath
from netwright.spaces.blocks import Activation, Norm, SqueezeExcite, conv_norm, group_norm
from netwright.spaces.input_shapes import check_sizes, image_shape
from netwright.spaces.ready import ready


@ready
def resnet(
    inputs: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    *,
    width: int = 64,
    stages: int = 3,
    most_depth: int = 4,
) -> Space:
    """The space for images of shape `inputs` = (c, h, w).

    `width` is the most of the first stage, each further stage may be twice as wide; a stage has 1
    to `most_depth` blocks, which are basic ones or bottlenecks. From 64 pixels on the stem reads
    with a stride and pools, as on ImageNet.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    shape = image_shape("resnet", inputs)
    check_sizes("resnet", width=width, stages=stages, most_depth=most_depth)
    declared = partial(network, most=width, stages=stages, depth=most_depth)
    return Space(declared, shape, classes, recipe=recipe, name="resnet")


@ready
def regnet(
    inputs: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    *,
    most_depth: int = 16,
    most_width: int = 1024,
) -> Space:
    """AnyNetX: four stages of bottleneck blocks with grouped convolutions.

    Each stage has its depth up to `most_depth`, width up to `most_width` in steps of 8, bottleneck
    ratio of 1, 2 or 4 and group width of 1 to 32: with the defaults, which are the paper's,
    (16 * 128 * 3 * 6) ** 4 = 1.9e18 networks.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    shape = image_shape("regnet", inputs)
    check_sizes("regnet", most_depth=most_depth, most_width=most_width)
    declared = partial(anynet, depth=most_depth, most=most_width)
    return Space(declared, shape, classes, name="regnet")


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "learning_rate": choose.value("learning_rate", [0.1, 0.2, 0.4]),
        "weight_decay": choose.value("weight_decay", [0.0005, 0.001]),
    }


def network(
    choose: Choose, inputs: tuple[int, ...], classes: int, most: int, stages: int, depth: int
) -> nn.Module:
    """The declaration of `resnet`."""
    act = choose.one_of("activation", relu=lambda: nn.ReLU, silu=lambda: nn.SiLU)
    norm = choose.one_of("normalisation", batch=lambda: nn.BatchNorm2d, group=lambda: group_norm)
    drop_path = choose.value("drop_path", [0.0, 0.1])
    step = max(8, most // 4)
    before = choose.width("stem.width", step, most, step=step)
    layers: list[nn.Module] = _stem(inputs, before, norm, act)
    for stage in range(stages):
        name, full = f"stage{stage}", most * 2**stage
        width = choose.width(f"{name}.width", step * 2**stage, full, step=step * 2**stage)

        def block(i: int, name: str = name, width: int = width, before: int = before) -> nn.Module:
            stride = 2 if name != "stage0" and i == 0 else 1
            inner = partial(_inner, before if i == 0 else width, width, stride, norm, act)
            body = choose.one_of(
                f"{name}.block",
                basic=partial(inner, bottleneck=False),
                bottleneck=partial(inner, bottleneck=True),
            )
            shortcut = choose.when(
                ((before if i == 0 else width) == width) & (stride == 1),
                nn.Identity,
                lambda: nn.Sequential(
                    *conv_norm(before if i == 0 else width, width, 1, norm, stride=stride)
                ),
            )
            return Residual(body, shortcut, act(), drop_path)

        layers.append(choose.repeat(f"{name}.depth", 1, depth, block))
        layers += choose.one_of(
            f"{name}.attention",
            none=list,
            squeeze_excite=lambda width=width: [SqueezeExcite(width)],  # type: ignore[misc]
        )
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


class Residual(nn.Module):
    """A body around which the input goes by."""

    def __init__(
        self, body: nn.Module, shortcut: nn.Module, act: nn.Module, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        self.body, self.shortcut, self.act = body, shortcut, act
        self.drop = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h / stride, w / stride)."""
        out: Tensor = self.act(self.shortcut(x) + self.drop(self.body(x)))
        return out


def _inner(
    inputs: int, width: int, stride: int, norm: Norm, act: Activation, *, bottleneck: bool
) -> nn.Module:
    if not bottleneck:
        first = conv_norm(inputs, width, 3, norm, stride=stride)
        return nn.Sequential(*first, act(), *conv_norm(width, width, 3, norm))
    narrow = width // 4
    return nn.Sequential(
        *conv_norm(inputs, narrow, 1, norm),
        act(),
        *conv_norm(narrow, narrow, 3, norm, stride=stride),
        act(),
        *conv_norm(narrow, width, 1, norm),
    )


def _stem(inputs: tuple[int, ...], width: int, norm: Norm, act: Activation) -> list[nn.Module]:
    if min(inputs[1:]) < 64:
        return [*conv_norm(inputs[0], width, 3, norm), act()]
    return [*conv_norm(inputs[0], width, 7, norm, stride=2), act(), nn.MaxPool2d(3, 2, 1)]


def anynet(
    choose: Choose, inputs: tuple[int, ...], classes: int, depth: int, most: int
) -> nn.Module:
    """The declaration of `regnet`."""
    layers: list[nn.Module] = [*conv_norm(inputs[0], 32, 3, nn.BatchNorm2d, stride=2), nn.ReLU()]
    before = 32
    for stage in range(4):
        width = choose.width(f"stage{stage}.width", 8, most, step=8)
        ratio = choose.value(f"stage{stage}.ratio", [1, 2, 4])
        group = choose.value(f"stage{stage}.group_width", [1, 2, 4, 8, 16, 32])
        # Where the group width does not divide it, the inner width is the nearest that it does.
        groups = choose.when(
            2 * width // ratio >= group,
            lambda w=width, r=ratio, g=group: (2 * w // r + g) // (2 * g),  # type: ignore[misc]
            lambda: 1,
        )

        def block(
            i: int, b: int = before, w: int = width, g: int = groups, s: int = group
        ) -> nn.Module:
            return AnyBlock(choose, b if i == 0 else w, w, g * s, g, stride=2 if i == 0 else 1)

        layers.append(choose.repeat(f"stage{stage}.depth", 1, depth, block))
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


class AnyBlock(nn.Module):
    """The X block: 1 x 1, grouped 3 x 3, 1 x 1 convolution around which the input goes by."""

    def __init__(
        self, choose: Choose, inputs: int, width: int, inner: int, groups: int, *, stride: int
    ) -> None:
        super().__init__()
        norm = nn.BatchNorm2d
        self.body = nn.Sequential(
            *conv_norm(inputs, inner, 1, norm),
            nn.ReLU(),
            *conv_norm(inner, inner, 3, norm, stride=stride, groups=groups),
            nn.ReLU(),
            *conv_norm(inner, width, 1, norm),
        )
        self.shortcut = choose.when(
            (inputs == width) & (stride == 1),
            nn.Identity,
            lambda: nn.Sequential(*conv_norm(inputs, width, 1, norm, stride=stride)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, width, h / stride, w / stride)."""
        return torch.relu(self.shortcut(x) + self.body(x))
