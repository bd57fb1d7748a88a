"""Language models: transformers that read tokens and give the logits of the next one.

A decoder as in GPT-2 (Radford et al., 2019): learned positions, normalisation before each part,
GELU, the head tied to the embedding or not. Beside the sizes, the kind of attention (all earlier
tokens, or a window of them) and of normalisation are choices.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn

from netwright.network.signature import UNNAMED, Signature, TensorSpec
from netwright.space import Answer, Choose, Design, Space
from netwright.spaces.attention import Attention, Block
from netwright.spaces.input_shapes import check_sizes
from netwright.spaces.ready import ready

_RATIOS = (2, 3, 4)
_SPREAD = 0.02  # of embeddings at first, as in GPT-2


@ready
def language_model(
    inputs: tuple[int] | int = (64,),
    classes: int = 256,
    *,
    widths: tuple[int, int, int] = (64, 192, 32),
    depths: tuple[int, int] = (2, 8),
    heads: tuple[int, int] = (2, 6),
    head_size: int = 32,
    every: bool = False,
) -> Space:
    """The space for contexts of shape `inputs` = (t,), ids of `classes` tokens.

    Inputs may have any dtype that holds ids exactly. `widths` are (least, most, step), `depths` and
    `heads` (least, most); `language_model(1024, 50257, widths=(768, 768, 1), depths=(12, 12),
    heads=(12, 12), head_size=64)` has GPT-2 in it. With `every` networks give the logits of what
    follows each place (b, t, classes), and of the last alone otherwise.

    Raises:
        SettingError: A size below 1.
    """
    length = inputs if isinstance(inputs, int) else inputs[0]
    check_sizes("language_model", inputs=length, classes=classes, head_size=head_size)
    told: dict[str, Any] = {"length": length, "count": classes, "every": every}
    declared = partial(network, widths=widths, depths=depths, heads=heads, size=head_size, **told)
    if not every:
        signature = Signature.single((length,), (classes,), ids=classes)
    else:
        takes = TensorSpec(UNNAMED, (None,), "int64", classes, length)
        gives = TensorSpec("output", (None, classes), longest=length)
        signature = Signature((takes,), (gives,))
    designs = _designs(depths, heads, widths)
    return Space(declared, signature, recipe=recipe, name="language_model", designs=designs)


def _designs(
    depths: tuple[int, int], heads: tuple[int, int], widths: tuple[int, int, int]
) -> list[Design]:
    """The transformer of GPT-2, shallow; by its width."""
    depth, count = min(max(4, depths[0]), depths[1]), min(max(4, heads[0]), heads[1])
    answers: dict[str, Answer] = {"depth": depth, "learning_rate": 0.002, "weight_decay": 0.1}
    for layer in range(depth):
        answers |= {f"layer{layer}.heads": count, f"layer{layer}.ratio": 4}
    return [Design("gpt", answers, {"width": 1.0}, usual=min(max(128, widths[0]), widths[1]))]


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.001, 0.002, 0.004]),
        "weight_decay": choose.value("weight_decay", [0.01, 0.1]),
        "label_smoothing": 0.0,
    }


def network(
    choose: Choose,
    inputs: Any,
    outputs: Any,
    widths: tuple[int, int, int],
    depths: tuple[int, int],
    heads: tuple[int, int],
    size: int,
    length: int,
    count: int,
    every: bool,
) -> nn.Module:
    """The declaration."""
    width = choose.width("width", widths[0], widths[1], step=widths[2])
    act = choose.one_of(
        "activation", gelu=lambda: nn.GELU, relu=lambda: nn.ReLU, silu=lambda: nn.SiLU
    )
    norm = choose.one_of("normalisation", layer=lambda: nn.LayerNorm, rms=lambda: nn.RMSNorm)
    dropout = choose.value("dropout", [0.0, 0.1])

    near = max(1, length // 4)  # tokens in a window

    def layer(i: int) -> nn.Module:
        many = choose.width(f"layer{i}.heads", *heads)
        attention = choose.one_of(
            f"layer{i}.attention",
            full=lambda: Attention(width, many, size, causal=True),
            window=lambda: Attention(width, many, size, window=near),
        )
        inner = width * choose.value(f"layer{i}.ratio", _RATIOS)
        return Block(width, inner, attention, act, norm=norm, dropout=dropout)

    body = choose.repeat("depth", *depths, layer)
    layers = (nn.Embedding(count, width), nn.Embedding(length, width), body, norm(width))
    made: nn.Module = choose.one_of(
        "head",
        tied=lambda: Decoder(*layers, None, every),
        own=lambda: Decoder(*layers, nn.Linear(width, count, bias=False), every),
    )
    return made


class Decoder(nn.Module):
    """Tokens and their places, the layers, and the head on the last token, or on every one.

    Without a head of its own, the logits are the products with the embedding.
    """

    def __init__(
        self,
        tokens: nn.Embedding,
        places: nn.Embedding,
        body: nn.Module,
        norm: nn.Module,
        head: nn.Linear | None,
        every: bool = False,
    ) -> None:
        super().__init__()
        self.tokens, self.places, self.body, self.norm = tokens, places, body, norm
        self.head, self.every = head, every
        for embedding in (
            tokens,
            places,
        ):  # small, since the first is the head too, where it is tied
            nn.init.normal_(embedding.weight, std=_SPREAD)

    def forward(self, x: Tensor) -> Tensor:
        """Ids (b, t) to logits of what follows, (b, classes) or (b, t, classes)."""
        states = self.body(self.tokens(x.long()) + self.places.weight[: x.shape[1]])
        last = self.norm(states if self.every else states[:, -1])
        out: Tensor = last @ self.tokens.weight.t() if self.head is None else self.head(last)
        return out
