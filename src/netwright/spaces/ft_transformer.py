"""The FT-Transformer for tables: every feature is a token.

Gorishniy et al., "Revisiting Deep Learning Models for Tabular Data", arXiv 2106.11959, section 3.3,
for numeric features: a learned vector and bias for each, a class token, layers that normalise
before each part, ReLU or GELU, and the head on that token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.space import Choose, Space
from netwright.spaces.attention import Attention, Block, Token
from netwright.spaces.input_shapes import check_sizes
from netwright.spaces.ready import ready

_PERCENT = (100, 133, 200)  # of the width, inside a layer


@ready
def ft_transformer(
    inputs: Sequence[int] | int = (16,),
    classes: int = 2,
    *,
    widths: tuple[int, int, int] = (32, 128, 32),
    depths: tuple[int, int] = (1, 4),
    heads: tuple[int, int] = (2, 8),
    head_size: int = 16,
) -> Space:
    """The space for rows of shape `inputs` = (f,), or of f features.

    `widths` are (least, most, step), `depths` and `heads` (least, most).

    Raises:
        SettingError: A shape that is no row, or a size below 1.
    """
    shape = (inputs,) if isinstance(inputs, int) else tuple(inputs)
    if len(shape) != 1:
        raise SettingError(
            f"`ft_transformer(inputs, classes)` must be given rows of f features, got {inputs!r}; "
            "for images use `convnet` or `vit`."
        )
    check_sizes("ft_transformer", inputs=shape[0], head_size=head_size)
    declared = partial(network, widths=widths, depths=depths, heads=heads, size=head_size)
    return Space(declared, shape, classes, recipe=recipe, name="ft_transformer")


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.0003, 0.001, 0.003]),
        "weight_decay": choose.value("weight_decay", [0.0, 0.0001, 0.01]),
    }


def network(
    choose: Choose,
    inputs: tuple[int, ...],
    classes: int,
    widths: tuple[int, int, int],
    depths: tuple[int, int],
    heads: tuple[int, int],
    size: int,
) -> nn.Module:
    """The declaration."""
    width = choose.width("width", widths[0], widths[1], step=widths[2])
    count = choose.width("heads", *heads)
    inner = width * choose.value("inner_percent", _PERCENT) // 100
    act = choose.one_of("activation", relu=lambda: nn.ReLU, gelu=lambda: nn.GELU)
    dropout = choose.value("dropout", [0.0, 0.1, 0.2])

    def layer(i: int) -> nn.Module:
        return Block(width, inner, Attention(width, count, size), act, dropout=dropout)

    body = choose.repeat("depth", *depths, layer)
    return TableTransformer(inputs[0], width, body, act, classes)


class Features(nn.Module):
    """Each feature times a vector of its own, plus another."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.features, self.width = features, width
        self.weight = nn.Parameter(torch.randn(features, width) / features**0.5)
        self.bias = nn.Parameter(torch.zeros(features, width))

    def tensor_sizes(self) -> dict[str, Any]:
        """Sizes of the tensors, for supernets."""
        return dict.fromkeys(("weight", "bias"), (self.features, self.width))

    def forward(self, x: Tensor) -> Tensor:
        """(b, f) to (b, f, width)."""
        return x[:, :, None] * self.weight + self.bias


class TableTransformer(nn.Module):
    """Features as tokens, a class token, the layers, and the head on that token."""

    def __init__(
        self,
        features: int,
        width: int,
        body: nn.Module,
        act: Callable[[], nn.Module],
        classes: int,
    ) -> None:
        super().__init__()
        self.features = Features(features, width)
        self.token = Token(features, width, positions=False)
        self.body = body
        self.head = nn.Sequential(nn.LayerNorm(width), act(), nn.Linear(width, classes))

    def forward(self, x: Tensor) -> Tensor:
        """(b, f) to (b, classes)."""
        x = self.body(self.token(self.features(x)))
        out: Tensor = self.head(x[:, 0])
        return out
