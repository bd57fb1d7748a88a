"""Language models: transformers that read tokens and give the logits of the next one.

A decoder as in GPT-2 (Radford et al., 2019): learned positions, normalisation before each part,
GELU, the head tied to the embedding or not. Beside the sizes, the kind of attention (all earlier
tokens, or a window of them) and of normalisation are choices.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn

from netwright.space import Choose, Space
from netwright.spaces.attention import Attention, Block
from netwright.spaces.input_shapes import check_sizes
from netwright.spaces.ready import ready

_RATIOS = (2, 3, 4)


@ready
def language_model(
    inputs: tuple[int] | int = (64,),
    classes: int = 256,
    *,
    widths: tuple[int, int, int] = (64, 192, 32),
    depths: tuple[int, int] = (2, 8),
    heads: tuple[int, int] = (2, 6),
    head_size: int = 32,
) -> Space:
    """The space for contexts of shape `inputs` = (t,), ids of `classes` tokens.

    Inputs may have any dtype that holds ids exactly. `widths` are (least, most, step), `depths` and
    `heads` (least, most); `language_model(1024, 50257, widths=(768, 768, 1), depths=(12, 12),
    heads=(12, 12), head_size=64)` has GPT-2 in it.

    Raises:
        SettingError: A size below 1.
    """
    length = inputs if isinstance(inputs, int) else inputs[0]
    check_sizes("language_model", inputs=length, classes=classes, head_size=head_size)
    declared = partial(network, widths=widths, depths=depths, heads=heads, size=head_size)
    return Space(declared, (length,), classes, recipe=recipe, name="language_model", tokens=classes)


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.0005, 0.001, 0.002]),
        "weight_decay": choose.value("weight_decay", [0.01, 0.1]),
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
    act = choose.one_of(
        "activation", gelu=lambda: nn.GELU, relu=lambda: nn.ReLU, silu=lambda: nn.SiLU
    )
    norm = choose.one_of("normalisation", layer=lambda: nn.LayerNorm, rms=lambda: nn.RMSNorm)
    dropout = choose.value("dropout", [0.0, 0.1])

    near = max(1, inputs[0] // 4)  # tokens in a window

    def layer(i: int) -> nn.Module:
        count = choose.width(f"layer{i}.heads", *heads)
        attention = choose.one_of(
            f"layer{i}.attention",
            full=lambda: Attention(width, count, size, causal=True),
            window=lambda: Attention(width, count, size, window=near),
        )
        inner = width * choose.value(f"layer{i}.ratio", _RATIOS)
        return Block(width, inner, attention, act, norm=norm, dropout=dropout)

    body = choose.repeat("depth", *depths, layer)
    layers = (nn.Embedding(classes, width), nn.Embedding(inputs[0], width), body, norm(width))
    made: nn.Module = choose.one_of(
        "head",
        tied=lambda: Decoder(*layers, None),
        own=lambda: Decoder(*layers, nn.Linear(width, classes, bias=False)),
    )
    return made


class Decoder(nn.Module):
    """Tokens and their places, the layers, and the head on the last token.

    Without a head of its own, the logits are the products with the embedding.
    """

    def __init__(
        self,
        tokens: nn.Embedding,
        places: nn.Embedding,
        body: nn.Module,
        norm: nn.Module,
        head: nn.Linear | None,
    ) -> None:
        super().__init__()
        self.tokens, self.places, self.body, self.norm = tokens, places, body, norm
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Ids (b, t) to logits of the token that follows (b, classes)."""
        states = self.body(self.tokens(x.long()) + self.places.weight[: x.shape[1]])
        last = self.norm(states[:, -1])
        out: Tensor = last @ self.tokens.weight.t() if self.head is None else self.head(last)
        return out
