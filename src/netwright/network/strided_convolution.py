"""Pointwise convolutions with a stride, kept from a fault of the CPU library.

Of a 1 x 1 convolution with a stride oneDNN computes the gradient of the weight past the end of its
memory, where channels are last and fewer than the processor computes at once, 8 or 16: wrong
gradients, or the end of the process (https://github.com/uxlfoundation/oneDNN/issues/6035). Taking
the pixels first and convolving them without a stride gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeGuard

from torch import Tensor, nn
from torch.nn import functional

_AT_ONCE = 16  # channels, of the processors that compute most


def take_first(network: nn.Module) -> list[nn.Conv2d]:
    """Let such convolutions take their pixels first; returns those that may have to.

    Whether one has to is seen when it runs, since in a supernet kernels and channels change.
    """
    found = [module for module in network.modules() if _is_strided(module)]
    for conv in found:
        conv.forward = partial(_convolved, conv)  # type: ignore[method-assign]
    return found


@contextmanager
def taken_first(network: nn.Module) -> Iterator[None]:
    """Within it such convolutions take their pixels first."""
    changed = take_first(network)
    try:
        yield
    finally:
        for conv in changed:
            del conv.forward


def _is_strided(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    if type(module) is not nn.Conv2d or "forward" in vars(module):
        return False
    if type(module.groups) is not int or module.groups > 1:
        return False
    return any(
        type(step) is not int or step > 1 for step in module.stride
    )  # or depends on a choice


def _convolved(conv: nn.Conv2d, x: Tensor) -> Tensor:
    pointwise = set(conv.kernel_size) == {1} and conv.padding in ((0, 0), "valid")
    if not pointwise or x.shape[-3] >= _AT_ONCE:
        return nn.Conv2d.forward(conv, x)
    rows, columns = conv.stride
    return functional.conv2d(x[..., ::rows, ::columns], conv.weight, conv.bias)
