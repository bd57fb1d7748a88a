"""The blocks of the ready spaces: small modules of torch.nn alone, with plain forwards."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Activation = Callable[[], nn.Module]
Norm = Callable[[int], nn.Module]


def conv_norm(
    inputs: int, outputs: int, kernel: int, norm: Norm, *, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """A convolution without bias that keeps the size (or halves it), and its normalisation."""
    conv = nn.Conv2d(
        inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False
    )
    return [conv, norm(outputs)]


def conv(
    inputs: int, outputs: int, kernel: int, norm: Norm, act: Activation, *, stride: int = 1
) -> nn.Sequential:
    """Convolution, normalisation, activation."""
    return nn.Sequential(*conv_norm(inputs, outputs, kernel, norm, stride=stride), act())


def separable(
    inputs: int, outputs: int, kernel: int, norm: Norm, act: Activation, *, stride: int = 1
) -> nn.Sequential:
    """Depthwise, then pointwise convolution, each with its own normalisation and activation."""
    return nn.Sequential(
        *conv_norm(inputs, inputs, kernel, norm, stride=stride, groups=inputs),
        act(),
        *conv_norm(inputs, outputs, 1, norm),
        act(),
    )


class Residual(nn.Module):
    """Two convolutions around which the input goes by (He et al., arXiv 1512.03385)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        norm: Norm,
        act: Activation,
        *,
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *conv_norm(inputs, outputs, kernel, norm, stride=stride),
            act(),
            *conv_norm(outputs, outputs, kernel, norm),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(*conv_norm(inputs, outputs, 1, norm, stride=stride))
        )
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h / stride, w / stride)."""
        out: Tensor = self.act(self.shortcut(x) + self.body(x))
        return out


class Bypassed(nn.Module):
    """Layers around which the input goes by, where they change neither its width nor its size."""

    def __init__(self, layers: list[nn.Module], is_same: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.residual = is_same

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, h, w) to (b, outputs, h / stride, w / stride)."""
        out: Tensor = self.body(x)
        return x + out if self.residual else out


class InvertedBottleneck(Bypassed):
    """Widen, convolve each channel, narrow (Sandler et al., arXiv 1801.04381)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        norm: Norm,
        act: Activation,
        *,
        stride: int = 1,
        expand: int = 3,
    ) -> None:
        inner = inputs * expand
        layers = [
            *conv_norm(inputs, inner, 1, norm),
            act(),
            *conv_norm(inner, inner, kernel, norm, stride=stride, groups=inner),
            act(),
            *conv_norm(inner, outputs, 1, norm),
        ]
        super().__init__(layers, (inputs == outputs) & (stride == 1))


class NextBlock(Bypassed):
    """Convolve each channel, widen, narrow, with one activation (Liu et al., arXiv 2201.03545).

    Departures: the normalisation and activation are those of the network, and a block that halves
    the image or changes the width does both itself, and has no way around it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        norm: Norm,
        act: Activation,
        *,
        stride: int = 1,
        expand: int = 4,
    ) -> None:
        inner = outputs * expand
        layers = [
            *conv_norm(inputs, inputs, kernel, norm, stride=stride, groups=inputs),
            nn.Conv2d(inputs, inner, 1),
            act(),
            *conv_norm(inner, outputs, 1, norm),
        ]
        super().__init__(layers, (inputs == outputs) & (stride == 1))


class SqueezeExcite(nn.Module):
    """Weigh the channels by what the whole image holds (Hu et al., arXiv 1709.01507)."""

    def __init__(self, width: int, reduction: int = 4) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        inner = max(width // reduction, 4)
        self.squeeze = nn.Conv2d(width, inner, 1)
        self.excite = nn.Conv2d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, width, h, w) to the same shape."""
        weights = self.excite(torch.relu(self.squeeze(self.pool(x))))
        return x * torch.sigmoid(weights)


def group_norm(width: int) -> nn.GroupNorm:
    """Group normalisation with 16 channels a group (Wu and He, arXiv 1803.08494)."""
    return nn.GroupNorm(max(width // 16, 1), width)
