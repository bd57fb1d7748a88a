"""Options that run on the first channels alone, while the others go by.

Xu et al., "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search", arXiv
1907.05737: of c channels the first c / parts are given to the options, the others go by (pooled,
where the options halve the image), and all are shuffled. Here the options stay those of the
supernet, and run with the first of their own channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from netwright.supernet.sliced_layers import cut, hook, is_hooked

_CHANNELS = ("in_channels", "out_channels", "num_features", "groups")


def first(x: Tensor, parts: int) -> Tensor:
    """The channels of (b, c, h, w) that are given to the options: (b, c / parts, h, w)."""
    layout = torch.channels_last if _is_last(x) else torch.contiguous_format
    return x[:, : x.shape[1] // parts].contiguous(memory_format=layout)


def gone_by(x: Tensor, parts: int, size: tuple[int, int]) -> Tensor:
    """The other channels, pooled to (h, w) where that is half as large."""
    rest = x[:, x.shape[1] // parts :]
    if rest.shape[2:] == size:
        return rest
    return functional.max_pool2d(rest, 2, 2, ceil_mode=True)


def shuffled(out: Tensor, rest: Tensor, parts: int) -> Tensor:
    """Both side by side, so that the next first channels hold some of each part."""
    whole = torch.cat([out, rest], 1)
    b, c, h, w = whole.shape
    if not _is_last(whole):
        return whole.view(b, parts, c // parts, h, w).transpose(1, 2).reshape(b, c, h, w)
    rows = whole.permute(0, 2, 3, 1).view(b, h, w, parts, c // parts)
    return rows.transpose(3, 4).reshape(b, h, w, c).permute(0, 3, 1, 2)


class Place(Protocol):
    """Where options are: `ways`, and in how many `parts` channels are divided for them."""

    ways: nn.ModuleList
    parts: int


class Narrowed:
    """A place whose layers use the first of their channels, 1 / `parts`, while they are `on`."""

    def __init__(self, place: Place, layers: Sequence[nn.Module], parts: int) -> None:
        self.layers, self._place, self._parts = layers, place, parts
        self._whole = [{k: vars(m)[k] for k in _CHANNELS if k in vars(m)} for m in layers]
        self._part = [{k: max(1, v // parts) for k, v in each.items()} for each in self._whole]
        for layer in layers:
            hook(layer)

    def on(self) -> None:
        """Let the layers use a part of their tensors."""
        self._place.parts = self._parts
        for layer, numbers in zip(self.layers, self._part, strict=True):
            vars(layer).update(numbers)
            cut(layer)

    def off(self) -> None:
        """Let the layers use all of their tensors."""
        self._place.parts = 1
        for layer, numbers in zip(self.layers, self._whole, strict=True):
            vars(layer).update(numbers)
            cut(layer)


def narrowed(place: Place, x: Tensor, out: Tensor, parts: int) -> Narrowed | None:
    """Let options use the first of their channels; None where that cannot be.

    `x` and `out` are what the options were given and gave with all of their channels.
    """
    if x.ndim != 4 or x.shape[1] != out.shape[1] or x.shape[1] % parts:
        return None
    halved = torch.Size(-(-side // 2) for side in x.shape[2:])
    if out.shape[2:] not in (x.shape[2:], halved):
        return None
    layers = [m for m in place.ways.modules() if any(True for _ in _own(m))]
    if not layers or not all(_divides(layer, parts) for layer in layers):
        return None
    made = Narrowed(place, layers, parts)
    made.on()
    wanted = (len(out), out.shape[1] // parts, *out.shape[2:])
    before = [m.training for m in place.ways.modules()]
    try:
        with torch.no_grad():
            if all(way.eval()(first(x, parts)).shape == wanted for way in place.ways):
                return made
    except (RuntimeError, ValueError):  # a layer that counts its channels in another way
        pass
    finally:
        for module, training in zip(place.ways.modules(), before, strict=True):
            module.training = training
    made.off()
    return None


def _own(module: nn.Module) -> Iterator[Any]:
    yield from module.parameters(recurse=False)
    yield from module.buffers(recurse=False)


def _divides(layer: nn.Module, parts: int) -> bool:
    if is_hooked(layer) or not isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
        return False
    if isinstance(layer, nn.BatchNorm2d):
        return layer.num_features % parts == 0
    if layer.groups not in (1, layer.in_channels):
        return False
    return layer.in_channels % parts == layer.out_channels % parts == 0


def _is_last(x: Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last)
