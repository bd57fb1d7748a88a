"""Networks for series and audio: 1-D convolutions, with a recurrent layer after them or not.

The convolutional part is the residual network that Wang et al., "Time Series Classification from
Scratch with Deep Neural Networks", arXiv 1611.06455, found a strong baseline; a recurrent layer on
top of convolutions is DeepConvLSTM (Ordonez and Roggen, 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from netwright.space import Choose, Space
from netwright.spaces.attention import DropPath
from netwright.spaces.input_shapes import check_sizes, series_shape
from netwright.spaces.ready import ready

_KERNELS = (3, 5, 9)


@ready
def conv1d(
    inputs: Sequence[int] = (1, 128),
    classes: int = 10,
    *,
    width: int = 64,
    stages: int = 3,
    most_depth: int = 3,
) -> Space:
    """The space for series of shape `inputs` = (c, t): c channels at t times.

    `width` is the most of the first stage, and twice that of all others. Each stage halves the
    time.

    Raises:
        SettingError: A shape that is no series of at least 8 times, or a size below 1.
    """
    shape = series_shape("conv1d", inputs)
    check_sizes("conv1d", width=width, stages=stages, most_depth=most_depth)
    declared = partial(network, most=width, stages=stages, depth=most_depth)
    return Space(declared, shape, classes, recipe=recipe, name="conv1d")


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.001, 0.003, 0.01]),
        "weight_decay": choose.value("weight_decay", [0.0, 0.01, 0.1]),
    }


def network(
    choose: Choose, inputs: tuple[int, ...], classes: int, most: int, stages: int, depth: int
) -> nn.Module:
    """The declaration."""
    act = choose.one_of("activation", relu=lambda: nn.ReLU, gelu=lambda: nn.GELU)
    drop_path = choose.value("drop_path", [0.0, 0.1])
    step = max(1, most // 4)
    before = choose.width("stem.width", step, most, step=step)
    kernel = choose.value("stem.kernel", _KERNELS)
    layers: list[nn.Module] = [*_conv(inputs[0], before, kernel, 1), act()]
    for stage in range(stages):
        name, full = f"stage{stage}", most * min(2, 2**stage)
        width = choose.width(f"{name}.width", full // 4, full, step=full // 4)
        kernel = choose.value(f"{name}.kernel", _KERNELS)

        def block(
            i: int, w: int = width, k: int = kernel, b: int = before, s: int = stage
        ) -> nn.Module:
            given, stride = (w, 1) if i else (b, 2 if s else 1)
            body = nn.Sequential(*_conv(given, w, k, stride), act(), *_conv(w, w, k, 1))
            shortcut = choose.when(
                (given == w) & (stride == 1),
                nn.Identity,
                lambda: nn.Sequential(*_conv(given, w, 1, stride)),
            )
            return Residual(body, shortcut, act(), drop_path)

        layers.append(choose.repeat(f"{name}.depth", 1, depth, block))
        before = width
    kinds = {"lstm": nn.LSTM, "gru": nn.GRU}
    summary, features = choose.one_of(
        "summary",
        mean=lambda: ([nn.AdaptiveAvgPool1d(1), nn.Flatten()], before),
        max=lambda: ([nn.AdaptiveMaxPool1d(1), nn.Flatten()], before),
        **{kind: partial(_recurrent, choose, layer, before) for kind, layer in kinds.items()},
    )
    dropout = choose.value("dropout", [0.0, 0.2])
    return nn.Sequential(*layers, *summary, nn.Dropout(dropout), nn.Linear(features, classes))


def _recurrent(
    choose: Choose, layer: Callable[..., nn.Module], inputs: int
) -> tuple[list[nn.Module], int]:
    width = choose.width("recurrent.width", 32, 128, step=32)
    return [Recurrent(layer(inputs, width, batch_first=True))], width


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> tuple[nn.Module, nn.Module]:
    layer = nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return layer, nn.BatchNorm1d(outputs)


class Residual(nn.Module):
    """A body around which the input goes by."""

    def __init__(
        self, body: nn.Module, shortcut: nn.Module, act: nn.Module, drop_path: float
    ) -> None:
        super().__init__()
        self.body, self.shortcut, self.act = body, shortcut, act
        self.drop = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inputs, t) to (b, outputs, t / stride)."""
        out: Tensor = self.act(self.shortcut(x) + self.drop(self.body(x)))
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
