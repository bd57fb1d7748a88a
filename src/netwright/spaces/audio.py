"""Networks for recordings: log-mel features, 2-d convolutions over them, and pooling over time.

How features are made is part of the space: windows, bands, and what their power is compressed by.
Plain networks of convolutions over log-mel features are what Kong et al., "PANNs", arXiv
1912.10211, found strong for sound of all kinds. What a network answers for a recording does not
depend on the recordings beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import nn

from netwright.errors import SettingError
from netwright.network.signature import UNNAMED, Signature, TensorSpec
from netwright.space import Answer, Choose, Design, Space
from netwright.spaces.hearing import (
    Beside,
    Both,
    Crop,
    EachBand,
    MeanOfBands,
    Mel,
    OverTime,
    SpecAugment,
    Statistics,
    Within,
)
from netwright.spaces.input_shapes import check_sizes
from netwright.spaces.ready import ready
from netwright.spaces.sequence import POOLS, Attend

_WINDOWS = (32, 48)  # ms
_HOPS = (16, 24, 32)  # ms
_MELS = (32, 48)
_CROPS = (1.5, 3.0)  # seconds of a recording that a step of training sees at most
_HEAD = 16  # the size of a head of attention


@ready
def audio(
    inputs: Sequence[int] = (2, 16000),
    outputs: int = 2,
    *,
    rate: int = 8000,
    most_width: int = 16,
    stages: int = 3,
    most_depth: int = 2,
) -> Space:
    """The space for recordings of shape `inputs` = (2, t): samples at `rate` Hz, and their mask.

    The mask is 1 where there are samples and 0 after the end of a recording. Costs are those of a
    recording of t samples; a network takes any length. `most_width` is the most of the first stage;
    each stage halves bands and times, and has twice the width.

    Raises:
        SettingError: A shape that is no recording with its mask, or a size below 1.
    """
    shape = tuple(inputs)
    if len(shape) != 2 or shape[0] != 2:
        raise SettingError(
            "`audio(inputs, outputs)` must be given recordings of shape (2, t), samples and their "
            f"mask, got {inputs!r}."
        )
    sizes = {"rate": rate, "most_width": most_width, "stages": stages, "most_depth": most_depth}
    check_sizes("audio", inputs=shape[1], outputs=outputs, **sizes)
    takes = TensorSpec(UNNAMED, (2, None), longest=shape[1])
    signature = Signature((takes,), (TensorSpec("output", (outputs,)),))
    declared = partial(network, rate=rate, most=most_width, stages=stages, depth=most_depth)
    designs = _designs(most_width, stages, most_depth)
    return Space(declared, signature, recipe=recipe, name="audio", designs=designs)


def _designs(most: int, stages: int, most_depth: int) -> list[Design]:
    """Statistics of the bands, convolutions over the picture of a sound, and both; by width."""
    common: dict[str, Answer] = {
        "learning_rate": 0.004, "weight_decay": 0.1, "masked": "some", "root": 0.25,
        "statistics.dropped": 0.3, "dropout": 0.3,
    }  # fmt: skip
    scaled: dict[str, float] = {f"stage{stage}.width": 2.0**stage for stage in range(stages)}
    layers = {f"stage{stage}.depth": min(1, most_depth) for stage in range(stages)}
    wide = {"statistics.width": 8.0}
    return [
        Design("both", {**common, **layers, "answer": "both"}, scaled | wide, usual=most),
        Design("statistics", {**common, "answer": "statistics"}, wide, usual=most),
        Design("convolutions", {**common, **layers, "answer": "layers"}, scaled, usual=most),
    ]


def recipe(choose: Choose) -> dict[str, Any]:
    """Settings of `Training` that are answered together with the network."""
    return {
        "optimizer": "adamw",
        "learning_rate": choose.value("learning_rate", [0.002, 0.004, 0.008]),
        "weight_decay": choose.value("weight_decay", [0.01, 0.1]),
        "label_smoothing": choose.value("label_smoothing", [0.0, 0.1]),
        "batch": 64,
    }


def network(
    choose: Choose, inputs: Any, outputs: int, rate: int, most: int, stages: int, depth: int
) -> nn.Module:
    """The declaration."""
    mels = choose.value("mels", _MELS)
    crop = Crop(round(choose.value("crop_seconds", _CROPS) * rate))
    features = [crop, _features(choose, rate, mels), EachBand(mels)]
    masked = choose.one_of(
        "masked",
        none=lambda: SpecAugment(0.0, 0.0),
        some=lambda: SpecAugment(0.1, 0.15),
        much=lambda: SpecAugment(0.25, 0.3),
    )

    def layers() -> nn.Module:
        return _layers(choose, outputs, mels, most, stages, depth)

    def statistics() -> nn.Module:
        return _statistics(choose, outputs, mels)

    answer = choose.one_of(
        "answer",
        statistics=statistics,
        layers=layers,
        both=lambda: Both(statistics(), layers()),
    )
    return nn.Sequential(*features, masked, answer)


def _statistics(choose: Choose, outputs: int, mels: int) -> nn.Module:
    """A network with one hidden layer over means and deviations, as classical models have them."""
    hidden = choose.width("statistics.width", 32, 128, step=32)
    dropped = choose.value("statistics.dropped", [0.0, 0.3])
    first = nn.Linear(4 * mels, hidden)
    return nn.Sequential(
        Statistics(mels), first, nn.ReLU(), nn.Dropout(dropped), nn.Linear(hidden, outputs)
    )


def _layers(
    choose: Choose, outputs: int, mels: int, most: int, stages: int, depth: int
) -> nn.Module:
    """Convolutions over times and bands, and what becomes of all times together."""
    layers: list[nn.Module] = []
    act = choose.one_of("activation", relu=lambda: nn.ReLU, silu=lambda: nn.SiLU)
    step = max(1, most // 4)
    before = 1
    for stage in range(stages):
        name, full, each = f"stage{stage}", most * 2**stage, step * 2**stage
        width = choose.width(f"{name}.width", each, full, step=each)
        stem = nn.Sequential(_conv(before, width, 2), nn.BatchNorm2d(width), act())
        layers.append(Within(stem, 2))
        block = partial(_block, choose, name, width, act)
        layers.append(choose.repeat(f"{name}.depth", 0, depth, block))
        before = width
    dropout = choose.value("dropout", [0.1, 0.3, 0.5])
    rows = -(-mels // 2**stages)
    bands = choose.one_of(
        "bands",
        mean=MeanOfBands,
        each=lambda: nn.Sequential(
            nn.Conv2d(before, before, (rows, 1), bias=False), nn.BatchNorm2d(before), act()
        ),
    )
    layers.append(OverTime(bands))
    layers.append(
        choose.one_of(
            "over_time",
            none=nn.Identity,
            attention=lambda: Attend(before, 2, _HEAD, dropout),
        )
    )
    pool, times = choose.one_of("pool", **{n: partial(_pooled, n, before) for n in POOLS})
    head = nn.Linear(times * before, outputs)
    return nn.Sequential(*layers, pool, nn.Dropout(dropout), head)


def _features(choose: Choose, rate: int, mels: int) -> nn.Module:
    """What makes pictures of sound."""
    window = 2 * max(8, round(choose.value("window_ms", _WINDOWS) * rate / 2000))
    hop = max(1, round(choose.value("hop_ms", _HOPS) * rate / 1000))
    root = choose.value("root", [0.0, 0.25])
    even = choose.value("even", [True, False])
    return Mel(rate, window, hop, mels, root, even)


def _block(
    choose: Choose, name: str, width: int, act: Callable[[], nn.Module], i: int
) -> nn.Module:
    """One layer that looks at other times, so that what is past an end is 0 where it looks."""
    body = choose.one_of(
        f"{name}.block{i}",
        plain=lambda: nn.Sequential(_conv(width, width, 1), nn.BatchNorm2d(width)),
        separable=lambda: nn.Sequential(
            nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False),
            nn.BatchNorm2d(width), act(), nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        ),
    )  # fmt: skip
    return Beside(body, act())


def _conv(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


def _pooled(name: str, width: int) -> tuple[nn.Module, int]:
    make: Callable[[int], nn.Module]
    make, times = POOLS[name]
    return make(width), times
