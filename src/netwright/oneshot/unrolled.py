"""The gradient of logits through a step of the weights: DARTS of second order.

Liu, Simonyan and Yang, arXiv 1806.09055, equations 6 to 8: the validation loss is that of the
weights after one step on the training loss. The product of its gradient with the mixed second
derivative is the difference of two gradients of the training loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_NEAR = 0.01  # times one over the gradient's norm: how far the weights move for a difference


def unrolled(
    logits: Sequence[Tensor],
    weights: Sequence[nn.Parameter],
    *,
    training: Callable[[], Tensor],
    validation: Callable[[], Tensor],
    penalty: Callable[[], Tensor | float],
    step: Callable[[nn.Parameter, Tensor], Tensor],
    moved: float,
) -> tuple[list[Tensor], float]:
    """The gradient in each of the logits of `validation() + penalty()` after a step of the weights.

    `step(weight, gradient)` is what is subtracted from a weight, which a change of its gradient
    changes by `moved` times as much. The weights are as before when it returns. Also returns the
    validation loss after the step.
    """
    before = [p.detach().clone() for p in weights]
    try:
        gradients = torch.autograd.grad(training(), weights, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(weights, gradients, strict=True):
                if gradient is not None:
                    parameter.sub_(step(parameter, gradient))
        loss = validation()
        whole = loss + penalty()
        found = torch.autograd.grad(whole, [*logits, *weights], allow_unused=True)
        direct, vector = found[: len(logits)], found[len(logits) :]
        norm = torch.sqrt(sum(((v**2).sum() for v in vector if v is not None), torch.zeros(())))
        near = _NEAR / max(float(norm), 1e-12)
        sides = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                for parameter, start, v in zip(weights, before, vector, strict=True):
                    parameter.copy_(start if v is None else start + sign * near * v)
            with frozen(weights):
                sides.append(torch.autograd.grad(training(), logits, allow_unused=True))
    finally:
        with torch.no_grad():
            for parameter, start in zip(weights, before, strict=True):
                parameter.copy_(start)
    made = []
    for logit, here, there, back in zip(logits, direct, *sides, strict=True):
        implicit = (_or_zeros(there, logit) - _or_zeros(back, logit)) / (2 * near)
        made.append(_or_zeros(here, logit) - moved * implicit)
    return made, float(loss.detach())


@contextmanager
def frozen(weights: Sequence[nn.Parameter]) -> Iterator[None]:
    """Within it the weights have no gradient, so that none of theirs is computed."""
    for parameter in weights:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in weights:
            parameter.requires_grad_(True)


def _or_zeros(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient
