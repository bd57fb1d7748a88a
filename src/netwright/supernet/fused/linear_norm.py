"""A pointwise convolution and the batch normalisation after it, as one linear map.

Batch normalisation of z = w x needs the mean and the variance of z, which follow from the mean m
and the covariance C of x: w m and the diagonal of w C w'. So the normalisation can be folded into
the weights before anything is computed, z is never written, and nothing but x is kept for the
gradient. Several such maps add up to one output without their parts being written either, as in a
node of a cell that sums what all options of all its edges give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_PER_TERM = 4  # tensors


@dataclass(frozen=True)
class Term:
    """Rows x (n, i), a pointwise convolution `weight` (o, i), and a normalisation.

    `gain` and `shift` (o,) are those of the normalisation, `eps` what is added to variances.
    """

    x: Tensor
    weight: Tensor
    gain: Tensor
    shift: Tensor
    eps: float


def normalised(terms: Sequence[Term]) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """The sum of the terms (n, o), and of each the mean and the variance (o,) by which it was.

    The variance is the biased one, and no gradient goes through either.
    """
    flat = [t for term in terms for t in (term.x, term.weight, term.gain, term.shift)]
    out, *moments = _Normalised.apply([term.eps for term in terms], *flat)  # type: ignore[no-untyped-call]
    return out, list(zip(moments[::2], moments[1::2], strict=True))


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, epsilons: Sequence[float], *flat: Tensor) -> tuple[Tensor, ...]:
        out, shift = None, None
        folded, kept, moments = [], [], []
        for eps, (x, weight, gain, beta) in zip(epsilons, _grouped(flat), strict=True):
            mean = x.mean(0)
            covariance = torch.addmm(
                torch.outer(mean, mean), x.t(), x, beta=-1.0, alpha=1.0 / len(x)
            )
            spread = weight @ covariance
            variance = (spread * weight).sum(1).clamp_(min=0.0)
            scale = (variance + eps).rsqrt_()
            centre = weight @ mean
            moved = torch.addcmul(beta, gain * scale, centre, value=-1.0)
            shift = moved if shift is None else shift.add_(moved)
            folded.append(weight * (gain * scale)[:, None])
            kept += [x, weight, gain, mean, spread, scale]
            moments += [centre, variance]
        for (x, _, _, _), made in zip(_grouped(flat), folded, strict=True):
            assert shift is not None
            out = torch.addmm(shift, x, made.t()) if out is None else out.addmm_(x, made.t())
        assert out is not None
        ctx.save_for_backward(*kept)
        ctx.mark_non_differentiable(*moments)
        return out, *moments

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        kept, needs = ctx.saved_tensors, ctx.needs_input_grad[1:]
        to_shift = gradient.sum(0)
        found: list[Tensor | None] = []
        for place in range(len(kept) // 6):
            x, weight, gain, mean, spread, scale = kept[6 * place : 6 * place + 6]
            to_x, to_weight, to_gain, to_beta = needs[_PER_TERM * place : _PER_TERM * (place + 1)]
            whole = gain * scale
            to_folded = gradient.t() @ x
            to_whole = torch.addcmul(
                (to_folded * weight).sum(1), to_shift, weight @ mean, value=-1.0
            )
            to_centre = -whole * to_shift
            to_variance = -0.5 * whole * scale.square() * to_whole
            made: list[Tensor | None] = [None] * _PER_TERM
            if to_x:
                n = len(x)
                pulled = (2.0 / n) * (weight.t() @ (to_variance[:, None] * weight))
                constant = (weight.t() @ to_centre) / n - pulled @ mean
                through = torch.addmm(constant, x, pulled)
                made[0] = through.addmm_(gradient, whole[:, None] * weight)
            if to_weight:
                through = (whole[:, None] * to_folded).addr_(to_centre, mean)
                made[1] = through.addcmul_(to_variance[:, None], spread, value=2.0)
            if to_gain:
                made[2] = to_whole * scale
            if to_beta:
                made[3] = to_shift
            found += made
        return None, *found


def _grouped(flat: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
    return [tuple(flat[i : i + _PER_TERM]) for i in range(0, len(flat), _PER_TERM)]
