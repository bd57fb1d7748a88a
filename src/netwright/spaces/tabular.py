"""Networks for tables: embedded numbers, layers over a row of features, members that are averaged.

Embeddings of numbers follow Gorishniy et al., "On Embeddings for Numerical Features in Tabular Deep
Learning", arXiv 2203.05556: piecewise-linear ones here with knots at fixed places, since the data
give numbers on one scale within 3, and periodic ones in the form of RealMLP (Holzmueller et al.,
"Better by Default", arXiv 2407.04491), with a bias and the number itself beside. Members that share
all layers but a scale of the first one's features and the last are TabM-mini (Gorishniy et al.,
arXiv 2410.24210). There each row trains every member; here it trains one that is drawn, so that a
step costs what it costs without members. Features as tokens that attend to each other are the
FT-Transformer (arXiv 2106.11959), here of one to three layers and before the same last ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.space import Answer, Choose, Design, Space
from netwright.spaces.attention import Attention, Block, Token
from netwright.spaces.ft_transformer import Features
from netwright.spaces.input_shapes import check_sizes
from netwright.spaces.portfolio import portfolio_of, prior_of
from netwright.spaces.ready import ready

_KNOTS = 16
_MOST = 200  # numbers that are embedded; of more each says little, and their first layer is large
_MOST_TOKENS = 64  # features that are tokens; the cost of attention grows with their square
_TOKEN, _HEAD = 64, 16  # sizes of a token, and of a head
_FREQUENCIES, _SIZE = 8, 4  # of the embedding of a number
_FURTHEST = 2.0  # a knot from 0; beyond it the last piece goes on


@ready
def tabular(inputs: Sequence[int] | int, outputs: int, *, numbers: int | None = None) -> Space:
    """The space for rows of shape `inputs` = (f,), or of f features.

    The first `numbers` of the features are numbers and may be embedded, by default all; the others
    are 0 or 1. More than 200 numbers are not embedded.

    Raises:
        SettingError: A shape that is no row, a size below 1, or more numbers than features.
    """
    shape = (inputs,) if isinstance(inputs, int) else tuple(inputs)
    if len(shape) != 1:
        raise SettingError(
            f"`tabular(inputs, outputs)` must be given rows of f features, got {inputs!r}; for "
            "images use `convnet` or `vit`."
        )
    check_sizes("tabular", inputs=shape[0], outputs=outputs)
    count = shape[0] if numbers is None else numbers
    if type(count) is not int or not 0 <= count <= shape[0]:
        raise SettingError(
            f"`tabular(numbers=...)` must be a whole number from 0 to the {shape[0]} features, got "
            f"{numbers!r}."
        )
    return Space(
        partial(network, numbers=count),
        shape,
        outputs,
        recipe=recipe,
        name="tabular",
        designs=_designs(0 < count <= _MOST, shape[0] <= _MOST_TOKENS),
        portfolio=portfolio_of("tabular"),
        prior=prior_of("tabular"),
    )


def _designs(embeds: bool, attends: bool) -> list[Design]:
    """Networks that did well on many tables, by their papers; the size is the width.

    The MLP, the ResNet and, of not too many features, the FT-Transformer of Gorishniy et al. (arXiv
    2106.11959), and, where numbers are embedded, those like RealMLP and TabM.
    """
    mlp: dict[str, Answer] = {
        "layer": "plain", "depth": 2, "dropout": 0.1, "learning_rate": 0.003, "weight_decay": 0.01,
        "linear": "beside",
    }  # fmt: skip
    resnet = {**mlp, "layer": "residual", "depth": 2, "linear": "alone"}
    found = [Design("mlp", mlp, {"width": 1}, usual=256)]
    if embeds:
        realmlp = {**mlp, "embedding": "slow", "activation": "silu", "label_smoothing": 0.1}
        tabm = {**mlp, "embedding": "piecewise", "members": "eight", "linear": "alone"}
        found.append(Design("realmlp", realmlp, {"width": 1}, usual=256))
        found.append(Design("tabm", tabm, {"width": 1}, usual=256))
    found.append(Design("resnet", resnet, {"width": 1}, usual=192))
    if attends:
        tokens: dict[str, Answer] = {
            **mlp, "embedding": "tokens", "tokens.depth": 2, "depth": 0, "linear": "alone",
            "learning_rate": 0.001,
        }  # fmt: skip
        found.append(Design("ft_transformer", tokens, {"width": 1}, usual=64))
    return found


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.001, 0.003, 0.01]),
        "weight_decay": choose.value("weight_decay", [0.0, 0.01, 0.1]),
        "label_smoothing": choose.value("label_smoothing", [0.0, 0.1]),
    }


def network(choose: Choose, inputs: tuple[int, ...], outputs: int, numbers: int) -> nn.Module:
    """The declaration."""
    features = inputs[0]
    width = choose.width("width", 32, 384, step=32)
    act = choose.one_of("activation", relu=lambda: nn.ReLU, silu=lambda: nn.SiLU)
    dropout = choose.value("dropout", [0.0, 0.1, 0.3])

    def embedded(embedding: nn.Module, size: int) -> nn.Module:
        return nn.Sequential(embedding, nn.Linear(numbers * size + features - numbers, width))

    def periodic(scale: float) -> nn.Module:
        return embedded(Periodic(numbers, scale), _SIZE)

    def attended() -> nn.Module:
        layers = choose.repeat("tokens.depth", 1, 3, lambda i: _attention(dropout))
        return nn.Sequential(Tokens(features, layers), nn.Linear(_TOKEN, width))

    ways: dict[str, Callable[[], nn.Module]] = {"none": lambda: nn.Linear(features, width)}
    if 0 < numbers <= _MOST:
        ways["piecewise"] = lambda: embedded(Piecewise(numbers), _KNOTS + 1)
        ways["slow"] = lambda: periodic(0.1)
        ways["middle"] = lambda: periodic(1.0)
        ways["fast"] = lambda: periodic(4.0)
    if features <= _MOST_TOKENS:
        ways["tokens"] = attended
    first = choose.one_of("embedding", **ways) if len(ways) > 1 else ways["none"]()
    layer = choose.one_of(
        "layer",
        plain=lambda: lambda: Layer(width, act, dropout),
        residual=lambda: lambda: Residual(Layer(width, act, dropout)),
    )
    body = choose.repeat("depth", 0, 4, lambda i: layer())
    inner = nn.Sequential(nn.BatchNorm1d(width), act(), nn.Dropout(dropout), *body)
    rest = choose.one_of(
        "members",
        one=lambda: nn.Sequential(inner, nn.Linear(width, outputs)),
        eight=lambda: Members(inner, width, outputs, 8),
    )
    main = nn.Sequential(first, rest)
    whole: nn.Module = choose.one_of(
        "linear", alone=lambda: main, beside=lambda: Beside(main, nn.Linear(features, outputs))
    )
    return whole


def _attention(dropout: float) -> nn.Module:
    attention = Attention(_TOKEN, _TOKEN // _HEAD, _HEAD)
    return Block(_TOKEN, 2 * _TOKEN, attention, nn.ReLU, dropout=dropout)


class Tokens(nn.Module):
    """Features as tokens that attend to each other, and what a class token makes of them."""

    def __init__(self, features: int, body: nn.Module) -> None:
        super().__init__()
        self.features = Features(features, _TOKEN)
        self.token = Token(features, _TOKEN, positions=False)
        self.body = body
        self.norm = nn.LayerNorm(_TOKEN)

    def forward(self, x: Tensor) -> Tensor:
        """(b, f) to (b, token)."""
        out: Tensor = self.norm(self.body(self.token(self.features(x)))[:, 0])
        return out


class Layer(nn.Sequential):
    """A layer, its normalisation, activation and dropout."""

    def __init__(self, width: int, act: Callable[[], nn.Module], dropout: float) -> None:
        super().__init__(nn.Linear(width, width), nn.BatchNorm1d(width), act(), nn.Dropout(dropout))


class Residual(nn.Module):
    """A layer, and what came in."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """(b, width) to the same shape."""
        out: Tensor = x + self.body(x)
        return out


class Beside(nn.Module):
    """The sum of a network and a linear model, which is there at once."""

    def __init__(self, body: nn.Module, linear: nn.Module) -> None:
        super().__init__()
        self.body, self.linear = body, linear

    def forward(self, x: Tensor) -> Tensor:
        """(b, f) to (b, outputs)."""
        out: Tensor = self.body(x) + self.linear(x)
        return out


class Piecewise(nn.Module):
    """Each of the first numbers as how far it is through each piece between knots, and itself."""

    knots: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.length = 2 * _FURTHEST / _KNOTS
        places = torch.linspace(-_FURTHEST, _FURTHEST, _KNOTS + 1)[:-1]
        self.register_buffer("knots", places)

    def forward(self, x: Tensor) -> Tensor:
        """(b, f) to (b, numbers (knots + 1) + others)."""
        numbers, others = x[:, : self.numbers], x[:, self.numbers :]
        through = ((numbers[:, :, None] - self.knots) / self.length).clamp(0, 1)
        return torch.cat([numbers, through.flatten(1), others], 1)


class Periodic(nn.Module):
    """Each of the first numbers as itself and what a layer makes of its cosines."""

    def __init__(self, numbers: int, scale: float) -> None:
        super().__init__()
        self.numbers = numbers
        self.frequency = nn.Parameter(torch.randn(numbers, _FREQUENCIES) * scale)
        self.phase = nn.Parameter(math.pi * (2 * torch.rand(numbers, _FREQUENCIES) - 1))
        spread = _FREQUENCIES**-0.5
        self.weight = nn.Parameter(spread * torch.randn(numbers, _FREQUENCIES, _SIZE - 1))
        self.bias = nn.Parameter(torch.zeros(numbers, _SIZE - 1))

    def forward(self, x: Tensor) -> Tensor:
        """(b, f) to (b, numbers size + others)."""
        numbers, others = x[:, : self.numbers], x[:, self.numbers :]
        waves = torch.cos(2 * math.pi * numbers[:, :, None] * self.frequency + self.phase)
        made = torch.einsum("bnf,nfs->bns", waves, self.weight) + self.bias
        return torch.cat([numbers, made.flatten(1), others], 1)


class Members(nn.Module):
    """Networks that share `body`, each with a scale of what goes in and a last layer of its own.

    A row trains one member that is drawn; in eval mode the answer is the mean of all.
    """

    def __init__(self, body: nn.Module, width: int, outputs: int, members: int) -> None:
        super().__init__()
        self.body, self.width, self.outputs, self.members = body, width, outputs, members
        signs = 2.0 * torch.randint(0, 2, (members, width)) - 1
        self.scale = nn.Parameter(signs)
        reach = width**-0.5
        self.weight = nn.Parameter(reach * (2 * torch.rand(members, width, outputs) - 1))
        self.bias = nn.Parameter(torch.zeros(members, outputs))

    def tensor_sizes(self) -> dict[str, Any]:
        """Sizes of the tensors, for supernets."""
        return {
            "scale": (self.members, self.width),
            "weight": (self.members, self.width, self.outputs),
            "bias": (self.members, self.outputs),
        }

    def forward(self, x: Tensor) -> Tensor:
        """(b, width) to (b, outputs)."""
        if self.training:
            drawn = torch.randint(self.members, (len(x),), device=x.device)
            inner = self.body(x * self.scale[drawn])
            out: Tensor = torch.einsum("bw,bwo->bo", inner, self.weight[drawn]) + self.bias[drawn]
            return out
        rows = (x[:, None, :] * self.scale).flatten(0, 1)
        inner = self.body(rows).unflatten(0, (-1, self.members))
        every = torch.einsum("bmw,mwo->bmo", inner, self.weight) + self.bias
        return every.mean(1)
