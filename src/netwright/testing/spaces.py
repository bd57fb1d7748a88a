"""Small spaces that are awkward in different ways, on which every plug-in must work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from itertools import pairwise

from torch import nn

from netwright import spaces
from netwright.space import Answer, Choose, Space


def _flat(choose: Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    width = choose.width("width", 4, 16, step=4)
    act: nn.Module = choose.one_of("activation", relu=nn.ReLU, gelu=nn.GELU, tanh=nn.Tanh)
    bias = choose.value("bias", [True, False])
    return nn.Sequential(
        nn.Flatten(), nn.Linear(4, width, bias=bias), act, nn.Linear(width, outputs)
    )


def _conditional(choose: Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    def hidden(i: int) -> nn.Module:
        made: nn.Module = choose.one_of(
            f"layer{i}",
            narrow=lambda: nn.Linear(4, 4),
            deep=lambda: nn.Sequential(
                nn.Linear(4, w := choose.width(f"inner{i}", 2, 6, step=2)),
                choose.one_of(f"activation{i}", relu=nn.ReLU, tanh=nn.Tanh),
                nn.Linear(w, 4),
            ),
            skip=nn.Identity,
        )
        return made

    body = choose.repeat("depth", 0, 3, hidden)
    return nn.Sequential(nn.Flatten(), body, nn.Linear(4, outputs))


def _one_point(choose: Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(4, outputs))


class _Cell(nn.Module):
    def __init__(self, choose: Choose) -> None:
        super().__init__()
        self.picks = [choose.inputs(f"feeds{i}", i + 1, 1, min(2, i + 1)) for i in range(3)]
        self.nodes = nn.ModuleList(
            choose.one_of(f"op{i}", dense=lambda: nn.Linear(4, 4), pass_=nn.Identity)
            for i in range(3)
        )

    def forward(self, x):  # type: ignore[no-untyped-def]
        seen = [x]
        for pick, node in zip(self.picks, self.nodes, strict=True):
            seen.append(node(sum(seen[i] for i in pick)))
        return seen[-1]


def _cells(choose: Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    cells = [_Cell(choose) for _ in range(2)]  # the same choices twice: one cell, stacked
    return nn.Sequential(nn.Flatten(), *cells, nn.Linear(4, outputs))


def _huge(choose: Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    slopes = [round(0.01 * i, 2) for i in range(1, 13)]
    for i in range(6):
        layers.append(nn.Linear(4, 4, bias=choose.value(f"bias{i}", [True, False])))
        layers.append(choose.one_of(f"a{i}", relu=nn.ReLU, tanh=nn.Tanh, elu=nn.ELU, silu=nn.SiLU))
        layers.append(nn.LeakyReLU(choose.value(f"slope{i}", slopes)))
    return nn.Sequential(*layers, nn.Linear(4, outputs))


def _ruled(choose: Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    widths = [choose.width(f"width{i}", 4, 24, step=4) for i in range(4)]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, width in pairwise([inputs[0], *widths]):
        layers += [nn.Linear(before, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))


def _falling(answers: dict[str, Answer]) -> Mapping[str, Answer] | None:
    """A rule: no layer is wider than the one before it (126 of 1,296 are left)."""
    widths = [answers[f"width{i}"] for i in range(4)]
    return answers if widths == sorted(widths, key=int, reverse=True) else None  # type: ignore[arg-type]


@cache
def _made(name: str) -> Space:
    rule = _falling if name == "ruled" else None
    return Space(_DECLARED[name], (4,), 3, normal_form=rule)


_DECLARED = {
    "flat": _flat,
    "conditional": _conditional,
    "one_point": _one_point,
    "cells": _cells,
    "huge": _huge,
    "ruled": _ruled,
}

SPACES: dict[str, Callable[[], Space]] = {name: partial(_made, name) for name in _DECLARED}
"""Name to a function that gives the space; "huge" has some 10^11 members, "one_point" one, and
of the ways to answer "ruled" nine in ten are forbidden."""

_READY: dict[str, Callable[[], Space]] = {
    "conv1d": lambda: spaces.conv1d((2, 24), 4, width=16, stages=2),
    "convnet": lambda: spaces.convnet((1, 14, 14), 10),
    "convnext": lambda: spaces.convnext((3, 16, 16), 4, widths=(16, 32), most_depths=(2, 3)),
    "darts": lambda: spaces.darts((3, 8, 8), 4, channels=4, cells=3),
    "enas_macro": lambda: spaces.enas_macro((3, 8, 8), 4, channels=4, layers=6),
    "enas_micro": lambda: spaces.enas_micro((3, 8, 8), 4, channels=4, cells=3),
    "forest": lambda: spaces.forest((1, 8, 8), 4, channels=4),
    "ft_transformer": lambda: spaces.ft_transformer(9, 3, depths=(1, 3)),
    "language_model": lambda: spaces.language_model(12, 30, depths=(1, 3)),
    "mlp": lambda: spaces.mlp((12,), 3),
    "mobilenet_v3": lambda: spaces.mobilenet_v3((3, 16, 16), 4, width=0.25, resolutions=(12, 16)),
    "nasbench101": lambda: spaces.nasbench101((3, 8, 8), 4, channels=8, stacks=2, cells=1),
    "nasbench201": lambda: spaces.nasbench201((3, 8, 8), 4, channels=4, cells=1),
    "nasnet": lambda: spaces.nasnet((3, 8, 8), 4, channels=4, cells=3),
    "nats_size": lambda: spaces.nats_size((3, 8, 8), 4),
    "pnas": lambda: spaces.pnas((3, 8, 8), 4, channels=4, cells=3),
    "audio": lambda: spaces.audio((2, 400), 3, rate=1000, most_width=8, stages=2, most_depth=1),
    "regnet": lambda: spaces.regnet((3, 32, 32), 4, most_depth=2, most_width=64),
    "resnet": lambda: spaces.resnet((3, 16, 16), 4, width=16, stages=2, most_depth=2),
    "tabular": lambda: spaces.tabular((9,), 3, numbers=5),
    "text": lambda: spaces.text((24,), 3, buckets=64, most_width=16),
    "vit": lambda: spaces.vit((3, 16, 16), 4, widths=(16, 48, 16), depths=(1, 3), heads=(1, 3)),
}

READY = {name: cache(make) for name, make in _READY.items()}
"""Every ready space, at a size that is quick to build; each is made once a process."""
