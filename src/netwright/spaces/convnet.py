"""Convolutional networks for images, from 8 x 8 pixels to photographs.

A stem, then one to three stages of equal blocks, then a head of one linear layer. Images of 64 x 64
pixels or more are first halved, by convolutions of stride 2 as those at the start of most networks
for photographs, so that 23 to 45 pixels each way come to the stages. Three things that measured
well on aligned images of 14 x 14 pixels decided what is in here:

- A stem that reads every pixel and pools beats one of the same latency with stride 2.
- A linear layer over a grid of at most 4 x 4 cells sees where things are. Against the mean over
  the whole image it gains 0.2 to 1.7 points of accuracy and costs a few percent of the latency.
- Widths are multiples of 16, which is what the convolutions of ONNX Runtime and oneDNN work in:
  on one core of an x86-64 server a width of 24 takes as long as 32.

Beside the network the recipe is searched: learning rate, weight decay, cutout and augmentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import nn

from netwright.errors import SettingError
from netwright.space import Answer, Choose, Design, Space
from netwright.spaces.blocks import (
    Activation,
    InvertedBottleneck,
    NextBlock,
    Norm,
    Residual,
    SqueezeExcite,
    conv,
    group_norm,
    separable,
)
from netwright.spaces.input_shapes import halvings
from netwright.spaces.portfolio import portfolio_of, prior_of
from netwright.spaces.ready import ready

_STAGES = 3
_WAYS = ("max", "average", "stride", "none")  # to halve the image, or not to
_COLOURS = 3  # channels of an image that is no gray one
_GRID = 4  # cells along each side of what a grid head reads
_SIDE = 32  # that an image keeps, or twice as much, before the stem
_ENTRY = (16, 32, 32, 32, 32, 32)  # channels of what halves it, layer by layer
_PHOTOGRAPH = 32  # pixels of the shorter side from which on images are taken to be photographs
_CROP = 16  # so many times as large are images as the border by which they are moved about

Size = tuple[int, int]


@ready
def convnet(inputs: Sequence[int], classes: int) -> Space:
    """The space for images of shape `inputs` = (c, h, w).

    Raises:
        SettingError: `inputs` is no shape of an image of at least 8 x 8 pixels.
    """
    if not isinstance(inputs, Sequence) or len(inputs) != 3 or min(inputs[1:]) < 8:
        raise SettingError(
            "`convnet(inputs, classes)` must be given images (c, h, w) of at least 8 x 8 pixels, "
            f"got {inputs!r}; for tables use `mlp`."
        )
    size = (inputs[1], inputs[2])
    sized = partial(recipe, side=min(size), is_coloured=inputs[0] == _COLOURS)
    cutouts = {"cutout": _cutouts(min(size))}
    return Space(
        network,
        inputs,
        classes,
        recipe=sized,
        name="convnet",
        designs=_designs(size),
        portfolio=portfolio_of("convnet", cutouts),
        prior=prior_of("convnet", cutouts),
    )


def _designs(size: Size) -> list[Design]:
    """What a practitioner tries first, by its family; the size is the width of the stem.

    Plain stacks as in VGG (arXiv 1409.1556), pooled early or late, residual blocks as in ResNet
    (arXiv 1512.03385), inverted bottlenecks as in MobileNetV3 (arXiv 1905.02244), and depthwise
    convolutions before wide pointwise ones as in ConvNeXt (arXiv 2201.03545).
    """
    is_photograph = min(size) >= _PHOTOGRAPH
    common: dict[str, Answer] = {"learning_rate": 0.2, "weight_decay": 0.0005}
    widths = {"stem.width": 1, "stage1.width": 1, "stage2.width": 2, "stage3.width": 4}
    early = "stride" if halvings(size, _SIDE) else "max"
    three: dict[str, Answer] = {
        **common, "stage2": "blocks", "stage3": "blocks",
        "stage2.downsample": "stride", "stage3.downsample": "stride",
    }  # fmt: skip
    plain: dict[str, Answer] = {
        **common, "stem.downsample": early, "stage2": "blocks", "stage2.downsample": "max",
        "pooling": "average" if is_photograph else "grid",
        "stage1.block": "plain", "stage2.block": "plain",
    }  # fmt: skip
    deep: dict[str, Answer] = {
        **plain, "pooling": "average", "stage1.depth": 2, "stage2.depth": 2, "stage3": "blocks",
        "stage3.downsample": "max", "stage3.block": "plain",
    }  # fmt: skip
    residual: dict[str, Answer] = {**three, "stem.downsample": "max"}
    inverted: dict[str, Answer] = {**three, "stem.downsample": early, "activation": "hardswish"}
    modern: dict[str, Answer] = {**three, "stem.downsample": "stride", "activation": "silu"}
    for stage in ("stage1", "stage2", "stage3"):
        residual |= {f"{stage}.block": "residual", f"{stage}.depth": 1}
        inverted |= {f"{stage}.block": "inverted", f"{stage}.depth": 2}
        inverted |= {f"{stage}.attention": "squeeze_excite"}
        modern |= {f"{stage}.block": "next", f"{stage}.depth": 2, f"{stage}.kernel": 5}
    long = {"augmentation": "mixed"}
    return [
        Design("plain", plain, _wider(widths, 2), usual=16, most=64, long=long),
        Design("vgg", deep, widths, usual=32, most=64, long=long),
        Design("resnet", residual, widths, usual=32, most=64, long=long),
        Design("mobilenet", inverted, widths, usual=16, most=32),
        Design("convnext", modern, widths, usual=32, most=32),
    ]


def _wider(widths: Mapping[str, float], times: float) -> dict[str, float]:
    """The same with wider stages after the stem."""
    return {n: w if n.startswith("stem") else times * w for n, w in widths.items()}


def recipe(choose: Choose, side: int = 14, is_coloured: bool = False) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network.

    `side` is the shorter side of the images. Only answers that suit a full schedule are options: a
    low learning rate and little cutout win short trials and lose long ones, where a network has
    time to learn small sets by heart. What augmentation brings shows in long trainings only, so it
    is left to these; what it is where nothing was tried follows from the images. On 4,000 images of
    CIFAR-10 at 16 x 16 pixels the plain design of width 32 came in 30 epochs to 57.0 % as they are,
    60.2 mirrored, 61.5 moved by two pixels, 62.8 with both; on 2,400 of fashion14, where things are
    in their place, to 85.3, 85.5, 84.9 and 84.4.
    """
    return {
        "learning_rate": choose.value("learning_rate", [0.2, 0.4]),
        "weight_decay": choose.value("weight_decay", [0.0005, 0.001]),
        "cutout": choose.value("cutout", _cutouts(side)),
        **_augmented(choose, side, is_coloured),
    }


def _augmented(choose: Choose, side: int, is_coloured: bool) -> dict[str, Any]:
    """How images are changed in training: left, moved about, mirrored too, or mixed by CutMix.

    What CutMix brings depends on the network: in 36 epochs on 14 x 14 pixels, one or two trainings
    each, it gained 0.3 to 0.6 points with networks of 2 and 7 million MACs and lost 0.2 to 0.9 with
    0.5 and 0.1 million. In 60 epochs the plain design of width 32 gained 0.7 on CIFAR-10 at 16 x 16
    pixels, in 80 that of width 64 gained 2.1, and in 60 on fashion14 0.5 and VGG of width 64 0.4;
    so it is what designs have in long trainings. Enlarged crops and colours lost 2 to 3 on CIFAR-10
    in 15 epochs, so they go with it. Gray images may be letters, which mirrored are others: small
    ones are never mirrored.
    """
    is_photograph = side >= _PHOTOGRAPH
    crop = max(1, round(side / _CROP))
    ways: dict[str, dict[str, Any]] = {
        "none": {},
        "shifted": {"crop": crop},
        "moved": {"crop": crop, "flip": True},
        "mixed": {"crop": crop, "flip": True} if is_coloured else {},
    }
    ways["mixed"] |= {"cutmix": 0.5}
    if is_photograph:
        ways["mixed"] |= {"zoom": 0.4, "colour": 0.3}
    names = (
        ["moved", "shifted"] if is_coloured else ["none", "moved" if is_photograph else "shifted"]
    )
    return ways[choose.value("augmentation", [*names, "mixed"], late=True)]


def _cutouts(side: int) -> list[int]:
    """The sides of the squares that cutout takes out of images."""
    return [max(2, 2 * side // 7), max(3, 3 * side // 7)]


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
    entry, channels, size = _entry(inputs, norm, act)
    large = entry and halvings(size, _SIDE / 2**0.5)  # then the stem is one more that halves
    pool, stride, ratio = _downsample(choose, "stem", _WAYS[:-1] if large else _WAYS)
    stem = conv(channels, width, kernel, norm, act, stride=stride)
    layers: list[nn.Module] = [*entry, stem, *pool]

    dropout = choose.one_of("dropout", none=list, some=lambda: [nn.Dropout(0.2)])
    # A head of its own for each pooling and each stage the network may end with: none is shared.
    head: Callable[..., list[nn.Module]] = choose.one_of(
        "pooling", average=lambda: _average, max=lambda: _max, grid=lambda: _grid
    )

    def stages(first: int, width: int, size: Size) -> list[nn.Module]:
        """Stage `first`, where they are wanted the ones after it, and the head."""
        made, width, size = _stage(choose, f"stage{first}", width, size, norm, act)
        if first == _STAGES:
            return [*made, *head(width, size, classes, dropout)]
        rest = choose.one_of(
            f"stage{first + 1}",
            none=lambda: head(width, size, classes, dropout),
            blocks=lambda: stages(first + 1, width, size),
        )
        return [*made, *rest]

    return nn.Sequential(*layers, *stages(1, width, _smaller(size, ratio)))


def _entry(
    inputs: tuple[int, ...], norm: Norm, act: Activation
) -> tuple[list[nn.Module], int, Size]:
    """What halves a large image before the stem, and the channels and size that leave it."""
    channels, *sides = inputs
    size = (sides[0], sides[1])
    layers: list[nn.Module] = []
    for width in _ENTRY[: halvings(size, _SIDE)]:
        layers.append(conv(channels, width, 3, norm, act, stride=2))
        channels, size = width, _smaller(size, 2)
    return layers, channels, size


def _stage(
    choose: Choose, name: str, inputs: int, size: Size, norm: Norm, act: Activation
) -> tuple[list[nn.Module], int, Size]:
    """Layers of one stage, and the width and size that leave it."""
    width = choose.width(f"{name}.width", 16, 128, step=16)
    kernel = choose.value(f"{name}.kernel", [3, 5])
    block: Callable[..., nn.Module] = choose.one_of(
        f"{name}.block",
        plain=lambda: conv,
        separable=lambda: separable,
        residual=lambda: Residual,
        next=lambda: NextBlock,
        inverted=lambda: InvertedBottleneck,
    )
    ways = ("none", "stride") if name == "stage1" else _WAYS  # the stem's end is stage 1's start
    pool, first, ratio = _downsample(choose, name, ways)
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
            stride=1 if i else first,
        ),
    )
    attention = choose.one_of(
        f"{name}.attention", none=list, squeeze_excite=lambda: [SqueezeExcite(width)]
    )
    return [*pool, *blocks, *attention], width, _smaller(size, ratio)


def _downsample(choose: Choose, name: str, ways: Sequence[str]) -> tuple[list[nn.Module], int, int]:
    """The pooling layer, the stride of the convolution beside it, and the ratio of the sizes."""
    known: dict[str, Callable[[], tuple[list[nn.Module], int, int]]] = {
        "max": lambda: ([nn.MaxPool2d(2, ceil_mode=True)], 1, 2),
        "average": lambda: ([nn.AvgPool2d(2, ceil_mode=True)], 1, 2),
        "stride": lambda: ([], 2, 2),
        "none": lambda: ([], 1, 1),
    }
    made: tuple[list[nn.Module], int, int] = choose.one_of(
        f"{name}.downsample", **{way: known[way] for way in ways}
    )
    return made


def _smaller(size: Size, ratio: int) -> Size:
    """The size after a downsampling; an odd side is rounded up, by strides and pools alike."""
    return (-(-size[0] // ratio), -(-size[1] // ratio))


def _average(width: int, size: Size, classes: int, dropout: list[nn.Module]) -> list[nn.Module]:
    """The mean over the image."""
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), *dropout, nn.Linear(width, classes)]


def _max(width: int, size: Size, classes: int, dropout: list[nn.Module]) -> list[nn.Module]:
    """The largest value in the image."""
    return [nn.AdaptiveMaxPool2d(1), nn.Flatten(), *dropout, nn.Linear(width, classes)]


def _grid(width: int, size: Size, classes: int, dropout: list[nn.Module]) -> list[nn.Module]:
    """The largest value in each cell of a grid of at most 4 x 4."""
    kernel = (-(-size[0] // _GRID), -(-size[1] // _GRID))
    cells = -(-size[0] // kernel[0]) * -(-size[1] // kernel[1])
    pool = [nn.MaxPool2d(kernel, ceil_mode=True)] if max(kernel) > 1 else []
    return [*pool, nn.Flatten(), *dropout, nn.Linear(width * cells, classes)]
