"""Depthwise convolution with a faster backward on the CPU.

The library's own backward of a depthwise convolution leaves its fast path for windows wider than
three and for dilated ones, where it takes several times as long. Here

- the gradient of the input is a convolution of the same kind with the window turned around,
- the gradient of a dilated window is that of a dense one on the pixels of each phase, and
- the gradient of a wide window is put together from those of windows three wide.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

_FAST = 3  # the widest window whose gradient the library computes fast


def depthwise(x: Tensor, weight: Tensor, dilation: int = 1) -> Tensor:
    """Convolve each channel of (b, c, h, w) by its own window, `weight` (c, 1, k, k).

    k is odd, the stride is 1 and the padding keeps the size.
    """
    out: Tensor = _Depthwise.apply(x, weight, dilation)  # type: ignore[no-untyped-call]
    return out


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.dilation = dilation
        return _same(x, weight, dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        to_x = to_weight = None
        if ctx.needs_input_grad[0]:
            to_x = _same(gradient, weight.flip(2, 3), ctx.dilation)
        if ctx.needs_input_grad[1]:
            to_weight = _weight_gradient(x, gradient, weight, ctx.dilation)
        return to_x, to_weight, None


def _same(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    padding = dilation * (weight.shape[-1] // 2)
    return functional.conv2d(x, weight, None, 1, padding, dilation, weight.shape[0])


def _weight_gradient(x: Tensor, gradient: Tensor, weight: Tensor, dilation: int) -> Tensor:
    """The gradient of the window; the image may have any size."""
    size = weight.shape[-1]
    if dilation > 1:
        x, gradient = phases(x, dilation), phases(gradient, dilation)
    half = size // 2
    if size <= _FAST:
        return _of_window(x, gradient, weight, (half, half))
    found = torch.empty_like(weight)
    starts = [*range(0, size - _FAST, _FAST), size - _FAST]
    for start in starts:  # columns from `start` on see the image moved by as much
        left, right = half - start, start + _FAST - 1 - half
        moved = functional.pad(x, (left, right)).contiguous(memory_format=torch.channels_last)
        part = weight[..., start : start + _FAST]
        found[..., start : start + _FAST] = _of_window(moved, gradient, part, (half, 0))
    return found


def _of_window(x: Tensor, gradient: Tensor, weight: Tensor, padding: tuple[int, int]) -> Tensor:
    _, found, _ = torch.ops.aten.convolution_backward(
        gradient,
        x,
        weight,
        None,
        [1, 1],
        list(padding),
        [1, 1],
        False,
        [0, 0],
        weight.shape[0],
        [False, True, False],
    )
    made: Tensor = found
    return made


def phases(x: Tensor, every: int) -> Tensor:
    """(b, c, h, w) to (every^2 b, c, h / every, w / every): the pixels of each phase as an image.

    An image whose sides are no multiples is filled up with zeros.
    """
    b, c, h, w = x.shape
    if h % every or w % every:
        x = functional.pad(x, (0, -w % every, 0, -h % every))
        h, w = x.shape[2:]
    rows = x.permute(0, 2, 3, 1).reshape(b, h // every, every, w // every, every, c)
    rows = rows.permute(2, 4, 0, 1, 3, 5).reshape(-1, h // every, w // every, c)
    return rows.permute(0, 3, 1, 2)
