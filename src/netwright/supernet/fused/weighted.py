"""Sums of tensors by weights, in one place in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def weighted(onto: Tensor | None, weights: Sequence[Tensor], tensors: Sequence[Tensor]) -> Tensor:
    """`onto` plus the sum of the tensors of one shape, each times its weight, a scalar ().

    `onto` is written over.
    """
    out: Tensor = _Weighted.apply(onto, len(weights), *weights, *tensors)  # type: ignore[no-untyped-call]
    return out


class _Weighted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, onto: Tensor | None, count: int, *both: Tensor) -> Tensor:
        weights, tensors = both[:count], both[count:]
        learned = ctx.needs_input_grad[2 : 2 + count]
        ctx.count = count
        kept = [t if need else None for t, need in zip(tensors, learned, strict=True)]
        ctx.save_for_backward(*weights, *kept)
        if onto is not None:
            ctx.mark_dirty(onto)
        for weight, tensor, need in zip(weights, tensors, learned, strict=True):
            if onto is None:
                onto = tensor * weight
            elif need:
                onto.addcmul_(tensor, weight)
            else:
                onto.add_(tensor, alpha=float(weight))
        assert onto is not None
        return onto

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        saved, count, needs = ctx.saved_tensors, ctx.count, ctx.needs_input_grad
        weights, tensors = saved[:count], saved[count:]
        to_weights = [
            _product(gradient, t) if need else None
            for t, need in zip(tensors, needs[2 : 2 + count], strict=True)
        ]
        to_tensors = [
            gradient * w if need else None
            for w, need in zip(weights, needs[2 + count :], strict=True)
        ]
        return gradient if needs[0] else None, None, *to_weights, *to_tensors


def _product(one: Tensor, other: Tensor) -> Tensor:
    """The sum of the products of two tensors of one shape."""
    if one.is_contiguous() and other.is_contiguous():
        return torch.dot(one.view(-1), other.view(-1))
    return (one * other).sum()
