"""Networks for series and audio: 1-D convolutions, with a recurrent layer after them or not.

The convolutional part is the residual network that Wang et al., "Time Series Classification from
Scratch with Deep Neural Networks", arXiv 1611.06455, found a strong baseline; a recurrent layer on
top of convolutions is DeepConvLSTM (Ordonez and Roggen, 2016). Blocks of many kernels after one
bottleneck are those of InceptionTime (Ismail Fawaz et al., arXiv 1909.04939), whose outputs are
added here and not put side by side, so that widths can be shared. Dilations, and a summary by the
maximum and the share of positive values, are from ROCKET (Dempster et al., arXiv 1910.13051); the
share is a smooth one here, since networks learn by gradient. In the place of all layers may be the
fixed kernels of MiniRocket under a linear model, which few series teach best.

Where series have unequal lengths, their mask goes through the network as a last channel, and what
is after the end of a series is put to 0 after each convolution: so an answer does not depend on
what else is in the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from netwright.network.signature import UNNAMED, Signature, TensorSpec
from netwright.space import Answer, Choose, Design, Space
from netwright.spaces.attention import DropPath
from netwright.spaces.input_shapes import check_sizes, series_shape
from netwright.spaces.portfolio import portfolio_of, prior_of
from netwright.spaces.random_kernels import RandomKernels
from netwright.spaces.ready import ready

_KERNELS = (3, 5, 9)
_STEPS = 128  # that are left of a series by the first layer, at least; less than twice as many
_BOTTLENECK = 16  # channels before many kernels


@ready
def conv1d(
    inputs: Sequence[int] = (1, 128),
    classes: int = 10,
    *,
    width: int = 32,
    stages: int = 3,
    most_depth: int = 3,
    masked: bool = False,
) -> Space:
    """The space for series of shape `inputs` = (c, t): c channels at t times.

    `width` is the most of the first stage, and twice that of all others. Each stage halves the
    time. The first layer divides that of long series so that fewer than 256 steps are left, or half
    as many. With `masked` the last channel is a mask, 1 where a series has a value; after its last
    1 the series has ended, and networks take any number of times, so that none is recurrent.

    Raises:
        SettingError: A shape that is no series of at least 8 times, or a size below 1.
    """
    shape = series_shape("conv1d", inputs)
    check_sizes("conv1d", width=width, stages=stages, most_depth=most_depth)
    declared = partial(
        network, most=width, stages=stages, depth=most_depth, steps=shape[1], masked=masked
    )
    taken = TensorSpec(UNNAMED, (shape[0], None), longest=shape[1])
    signature = Signature((taken,), Signature.single((1,), (classes,)).outputs)
    return Space(
        declared,
        signature if masked else shape,
        None if masked else classes,
        recipe=recipe,
        name="conv1d",
        designs=_designs(width, stages, most_depth),
        portfolio=portfolio_of("conv1d"),
        prior=prior_of("conv1d"),
    )


def _designs(most: int, stages: int, most_depth: int) -> list[Design]:
    """MiniRocket, the ResNet of Wang et al., InceptionTime, and one with ROCKET's features."""
    scaled = {"stem.width": 1.0}
    common: dict[str, Answer] = {"learning_rate": 0.003, "weight_decay": 0.01}
    resnet, inception, rocket = dict(common), dict(common), dict(common)
    rocket |= {"stem.kernel": 9, "summary": "several", "dropout": 0.2}
    for stage in range(stages):
        scaled[f"stage{stage}.width"] = float(min(2, 2**stage))
        resnet[f"stage{stage}.kernel"] = 5
        inception |= {f"stage{stage}.many_kernels": True, f"stage{stage}.kernel": 9}
        inception[f"stage{stage}.depth"] = min(2, most_depth)
        rocket |= {f"stage{stage}.kernel": 9, f"stage{stage}.dilation": min(4, 2**stage)}
    named = {"resnet": resnet, "inception": inception, "rocket": rocket}
    fixed: dict[str, Answer] = {"answer": "kernels", "learning_rate": 0.001, "weight_decay": 0.1}
    found = [Design(name, answers, scaled, usual=most) for name, answers in named.items()]
    return [Design("minirocket", fixed), *found]


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.001, 0.003, 0.01]),
        "weight_decay": choose.value("weight_decay", [0.0, 0.01, 0.1]),
    }


def network(
    choose: Choose,
    inputs: tuple[int | None, ...],
    classes: int,
    most: int,
    stages: int,
    depth: int,
    steps: int,
    masked: bool = False,
) -> nn.Module:
    """The declaration."""
    channels, longest = inputs[0], inputs[1] or steps
    assert channels is not None
    dropout = choose.value("dropout", [0.0, 0.2])

    def kernels() -> nn.Module:
        first = RandomKernels(channels, longest, masked)
        return nn.Sequential(first, nn.Dropout(dropout), nn.Linear(first.features, classes))

    def layers() -> nn.Module:
        body, features = _layers(choose, channels, most, stages, depth, longest, masked)
        return nn.Sequential(*body, nn.Dropout(dropout), nn.Linear(features, classes))

    answer: nn.Module = choose.one_of("answer", layers=layers, kernels=kernels)
    return answer


def _layers(
    choose: Choose, channels: int, most: int, stages: int, depth: int, steps: int, masked: bool
) -> tuple[list[nn.Module], int]:
    """Convolutions and what summarises all times, and how many features that gives."""
    act = choose.one_of("activation", relu=lambda: nn.ReLU, gelu=lambda: nn.GELU)
    drop_path = choose.value("drop_path", [0.0, 0.1])
    step = max(1, most // 4)
    before = choose.width("stem.width", step, most, step=step)
    kernel = choose.value("stem.kernel", _KERNELS)
    least = max(1, steps // _STEPS)
    stride = choose.value("stem.stride", [least, 2 * least])
    size = kernel + 2 * stride - 2  # no step is left out
    stem = nn.Sequential(*_conv(channels, before, size, stride), act())
    layers: list[nn.Module] = [Stem(stem, stride, masked)]
    for stage in range(stages):
        name, full = f"stage{stage}", most * min(2, 2**stage)
        quarter = max(1, full // 4)
        width = choose.width(f"{name}.width", quarter, full, step=quarter)
        kernel = choose.value(f"{name}.kernel", _KERNELS)
        dilation = choose.value(f"{name}.dilation", [1, 2, 4])
        many = choose.value(f"{name}.many_kernels", [False, True])

        def block(
            i: int,
            w: int = width,
            k: int = kernel,
            b: int = before,
            s: int = stage,
            d: int = dilation,
            many: bool = many,
        ) -> nn.Module:
            given, stride = (w, 1) if i else (b, 2 if s else 1)
            if many:
                first = nn.Sequential(Kernels(given, w, k, stride, d), nn.BatchNorm1d(w), act())
            else:
                first = nn.Sequential(*_conv(given, w, k, stride, d), act())
            second = nn.Sequential(*_conv(w, w, k, 1))
            shortcut = choose.when(
                (given == w) & (stride == 1),
                nn.Identity,
                lambda: nn.Sequential(*_conv(given, w, 1, stride)),
            )
            return Residual(first, second, shortcut, act(), drop_path, stride, masked)

        layers.append(choose.repeat(f"{name}.depth", 1, depth, block))
        before = width
    kinds = {} if masked else {"lstm": nn.LSTM, "gru": nn.GRU}  # `torch.export` unrolls them
    summary, features = choose.one_of(
        "summary",
        mean=lambda: (Summary(masked), before),
        max=lambda: (Summary(masked, largest=True), before),
        several=lambda: (Several(masked, before, before), before),
        **{kind: partial(_recurrent, choose, layer, before) for kind, layer in kinds.items()},
    )
    return [*layers, summary], features


def _recurrent(
    choose: Choose, layer: Callable[..., nn.Module], inputs: int
) -> tuple[nn.Module, int]:
    width = choose.width("recurrent.width", 32, 128, step=32)
    return Recurrent(layer(inputs, width, batch_first=True)), width


def _conv(
    inputs: int, outputs: int, kernel: int, stride: int, dilation: int = 1
) -> tuple[nn.Module, nn.Module]:
    padding = dilation * (kernel // 2)
    layer = nn.Conv1d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
    return layer, nn.BatchNorm1d(outputs)


class Stem(nn.Module):
    """The first layers; a mask among the inputs becomes the last channel of what is given."""

    def __init__(self, body: nn.Module, stride: int, masked: bool) -> None:
        super().__init__()
        self.body = body
        self.stride, self.masked = stride, masked

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, t) to (b, width, t / stride), and with a mask (b, width + 1, t / stride)."""
        out: Tensor = self.body(x)
        if not self.masked:
            return out
        steps = torch.arange(1, x.shape[2] + 1, device=x.device)
        last = (x[:, -1:] * steps).amax(2, keepdim=True)
        mask = (steps <= last).float()[:, :, :: self.stride]
        return torch.cat([out * mask, mask], 1)


class Kernels(nn.Module):
    """Convolutions of many sizes after one bottleneck, and one after the maxima; all added."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.bottleneck = nn.Conv1d(inputs, _BOTTLENECK, 1, bias=False)
        self.sizes = nn.ModuleList(
            nn.Conv1d(
                *(_BOTTLENECK, outputs, size, stride, dilation * (size // 2), dilation), bias=False
            )
            for size in (kernel, 2 * kernel + 1, 4 * kernel + 3)
        )
        self.of_largest = nn.Conv1d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, t) to (b, outputs, t / stride)."""
        narrow = self.bottleneck(x)
        near = functional.pad(x, (1, 1))
        largest = torch.maximum(torch.maximum(near[:, :, :-2], near[:, :, 2:]), x)
        out: Tensor = self.of_largest(largest)
        for size in self.sizes:
            out = out + size(narrow)
        return out


class Residual(nn.Module):
    """Two layers around which the input goes by; a mask is the last channel of both sides."""

    def __init__(
        self,
        first: nn.Module,
        second: nn.Module,
        shortcut: nn.Module,
        act: nn.Module,
        drop_path: float,
        stride: int,
        masked: bool,
    ) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.shortcut, self.act = shortcut, act
        self.drop = DropPath(drop_path)
        self.stride, self.masked = stride, masked

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, t) to (b, outputs, t / stride), both with one more channel if masked."""
        if not self.masked:
            out: Tensor = self.act(self.shortcut(x) + self.drop(self.second(self.first(x))))
            return out
        x, mask = x[:, :-1], x[:, -1:, :: self.stride]
        made = self.second(self.first(x) * mask)
        out = self.act(self.shortcut(x) + self.drop(made))
        return torch.cat([out * mask, mask], 1)


class Summary(nn.Module):
    """The mean or the largest of each channel over the times of a series."""

    def __init__(self, masked: bool, largest: bool = False) -> None:
        super().__init__()
        self.masked, self.largest = masked, largest

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, t), with one more channel if masked, to (b, c)."""
        if not self.masked:
            return x.amax(2) if self.largest else x.mean(2)
        mask = x[:, -1:]
        if self.largest:
            return (x[:, :-1] - 1e4 * (1 - mask)).amax(2) * mask.amax(2)
        return x[:, :-1].sum(2) / mask.sum(2).clamp_min(1)


class Several(nn.Module):
    """The mean, the largest and the smooth share of positive values of each channel, mixed."""

    def __init__(self, masked: bool, inputs: int, outputs: int) -> None:
        super().__init__()
        self.of_mean = nn.Linear(inputs, outputs)
        self.of_largest = nn.Linear(inputs, outputs, bias=False)
        self.of_share = nn.Linear(inputs, outputs, bias=False)
        self.threshold = nn.Conv1d(inputs, inputs, 1)
        self.masked = masked

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, t), with one more channel if masked, to (b, outputs)."""
        mask = x[:, -1:] if self.masked else torch.ones_like(x[:, :1])
        x = x[:, :-1] if self.masked else x
        count = mask.sum(2).clamp_min(1)
        share = (torch.sigmoid(4 * self.threshold(x)) * mask).sum(2) / count
        largest = (x - 1e4 * (1 - mask)).amax(2) * mask.amax(2)
        mean = (x * mask).sum(2) / count
        out: Tensor = self.of_mean(mean) + self.of_largest(largest) + self.of_share(share)
        return out


class Recurrent(nn.Module):
    """The state of a recurrent layer after the last time."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, t) to (b, width)."""
        out: Tensor = self.layer(x.transpose(1, 2))[0]
        return out[:, -1]
