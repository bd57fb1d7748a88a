"""Vision transformers: embedding, depth, heads and MLP ratio of each layer.

The network is that of Dosovitskiy et al., arXiv 2010.11929, as DeiT has it; the choices are those
of AutoFormer (Chen et al., arXiv 2107.00651): one width and depth, heads and ratio of each layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.space import Choose, Space
from netwright.spaces.attention import Attention, Block, Token
from netwright.spaces.input_shapes import check_sizes, image_shape
from netwright.spaces.ready import ready

_RATIOS = (2, 3, 4)


@ready
def vit(
    inputs: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    *,
    patch: int | None = None,
    widths: tuple[int, int, int] = (64, 192, 32),
    depths: tuple[int, int] = (2, 8),
    heads: tuple[int, int] = (1, 4),
    head_size: int = 32,
) -> Space:
    """The space for images of shape `inputs` = (c, h, w).

    `patch` is the side of a patch in pixels; None is about an eighth of the image, and a divisor of
    both sides if there is one near. Where it is none, the image is padded with zeros. `widths` are
    (least, most, step), `depths` and `heads` (least, most). `widths=(192, 240, 24), depths=(12,
    14), heads=(3, 4), head_size=64, patch=16` at 224 x 224 is AutoFormer-tiny, whose smallest
    networks have DeiT-tiny among them.

    Raises:
        SettingError: A shape that is no image, or whose sides are smaller than the patch.
    """
    shape = image_shape("vit", inputs, least=4)
    side = _patch(shape[1:]) if patch is None else patch
    check_sizes("vit", patch=side, head_size=head_size)
    if side > min(shape[1:]):
        raise SettingError(
            f"`vit(inputs, patch=...)` must be given images of at least {side} x {side} pixels for "
            f"a patch of {side}, got {shape[1]} x {shape[2]}; give a smaller patch."
        )
    declared = partial(
        network, patch=side, widths=widths, depths=depths, heads=heads, size=head_size
    )
    return Space(declared, shape, classes, recipe=recipe, name="vit")


def _patch(sides: tuple[int, ...]) -> int:
    """The side of a patch, of which there are about 64."""
    wanted = max(2, math.isqrt(math.prod(sides)) // 8)
    near = range(math.ceil(wanted / 1.5), int(wanted * 1.5) + 1)
    fitting = [side for side in near if side > 1 and not any(each % side for each in sides)]
    best = min(fitting, key=lambda side: abs(math.log(side / wanted)), default=wanted)
    return min(best, *sides)


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.0005, 0.001, 0.002]),
        "weight_decay": choose.value("weight_decay", [0.01, 0.05]),
    }


def network(
    choose: Choose,
    inputs: tuple[int, ...],
    classes: int,
    patch: int,
    widths: tuple[int, int, int],
    depths: tuple[int, int],
    heads: tuple[int, int],
    size: int,
) -> nn.Module:
    """The declaration."""
    width = choose.width("width", widths[0], widths[1], step=widths[2])
    act = choose.one_of("activation", gelu=lambda: nn.GELU, relu=lambda: nn.ReLU)
    dropout = choose.value("dropout", [0.0, 0.1])
    drop_path = choose.value("drop_path", [0.0, 0.1])

    def layer(i: int) -> nn.Module:
        attention = Attention(width, choose.width(f"layer{i}.heads", *heads), size)
        inner = width * choose.value(f"layer{i}.ratio", _RATIOS)
        return Block(width, inner, attention, act, dropout=dropout, drop_path=drop_path)

    body = choose.repeat("depth", *depths, layer)
    places = math.prod(math.ceil(side / patch) for side in inputs[1:])
    rows, columns = (math.ceil((-side % patch) / 2) for side in inputs[1:])
    patches = nn.Conv2d(inputs[0], width, patch, patch, padding=(rows, columns))
    return VisionTransformer(patches, Token(places, width), body, width, classes)


class VisionTransformer(nn.Module):
    """Patches, a class token, the layers, and the head on that token."""

    def __init__(
        self, patches: nn.Module, token: nn.Module, body: nn.Module, width: int, classes: int
    ) -> None:
        super().__init__()
        self.patches, self.token, self.body = patches, token, body
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, h, w) to (b, classes)."""
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = self.norm(self.body(self.token(x)))
        out: Tensor = self.head(x[:, 0])
        return out
