"""The macro space of ENAS: a chain of layers, each with an operation and links from earlier ones.

Pham, Guan, Zoph, Le and Dean, "Efficient Neural Architecture Search via Parameter Sharing",
arXiv 1802.03268, section 2.3: with twelve layers 6 ** 12 * 2 ** 66 = 1.6e29 networks. As in the
official code of its search, linked layers are added and normalised together with the layer's output
(the paper's text concatenates them).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from netwright.space import Choose, Space
from netwright.spaces.darts import FactorizedReduction
from netwright.spaces.input_shapes import check_sizes, image_shape
from netwright.spaces.ready import ready

OPERATIONS = ("conv_3x3", "conv_5x5", "sep_conv_3x3", "sep_conv_5x5", "avg_pool", "max_pool")


@ready
def enas_macro(
    inputs: Sequence[int] = (3, 32, 32), classes: int = 10, channels: int = 36, layers: int = 12
) -> Space:
    """The space for images of shape `inputs` = (c, h, w).

    The image is halved after one and two thirds of the `layers`; all are `channels` wide.

    Raises:
        SettingError: A shape that is no image, or a size below 1.
    """
    shape = image_shape("enas_macro", inputs)
    check_sizes("enas_macro", channels=channels, layers=layers)
    declared = partial(network, channels=channels, layers=layers)
    return Space(declared, shape, classes, name="enas_macro")


def network(
    choose: Choose, inputs: tuple[int, ...], classes: int, channels: int, layers: int
) -> nn.Module:
    """The declaration: for each layer its operation, and which earlier layers are linked to it."""
    stem = nn.Sequential(
        nn.Conv2d(inputs[0], channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
    )
    operations, links = [], []
    for place in range(layers):
        options = {name: partial(operation, name, channels) for name in OPERATIONS}
        operations.append(choose.one_of(f"operation{place}", **options))
        links.append([choose.value(f"link{before}to{place}", [0, 1]) for before in range(place)])
    halved = sorted({layers // 3, 2 * layers // 3} - {0, layers})
    return Chain(stem, operations, links, halved, channels, classes)


class Chain(nn.Module):
    """The layers; where the image is halved, what earlier layers gave is halved as well.

    `links[i]` has a 1 for each earlier layer that is added to what operation i gives.
    """

    def __init__(
        self,
        stem: nn.Module,
        operations: Sequence[nn.Module],
        links: Sequence[Sequence[int]],
        halved: Sequence[int],
        width: int,
        classes: int,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.operations = nn.ModuleList(operations)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in operations)
        self.links = [list(each) for each in links]
        self.halved = list(halved)
        self.reductions = nn.ModuleList(
            FactorizedReduction(width, width) for place in halved for _ in range(place + 1)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to (b, classes)."""
        x = self.stem(x)
        seen: list[Tensor] = []
        used = 0
        for place, operation in enumerate(self.operations):
            if place in self.halved:
                states = [x, *seen]
                for i in range(len(states)):
                    states[i] = self.reductions[used](states[i])
                    used += 1
                x, seen = states[0], states[1:]
            x = operation(x)
            for link, other in zip(self.links[place], seen, strict=True):
                if link:
                    x = x + other
            x = self.norms[place](x)
            seen.append(x)
        out: Tensor = self.classifier(self.pool(x).flatten(1))
        return out


def operation(name: str, width: int) -> nn.Module:
    """An operation after a 1 x 1 convolution; it keeps width and size."""
    before = (nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
    size = 5 if name.endswith("5x5") else 3
    if name == "avg_pool":
        return nn.Sequential(*before, nn.AvgPool2d(3, 1, 1, count_include_pad=False))
    if name == "max_pool":
        return nn.Sequential(*before, nn.MaxPool2d(3, 1, 1))
    if name.startswith("sep"):
        depthwise = nn.Conv2d(width, width, size, padding=size // 2, groups=width, bias=False)
        convolution = nn.Sequential(depthwise, nn.Conv2d(width, width, 1, bias=False))
    else:
        convolution = nn.Sequential(nn.Conv2d(width, width, size, padding=size // 2, bias=False))
    return nn.Sequential(*before, *convolution, nn.BatchNorm2d(width), nn.ReLU())
