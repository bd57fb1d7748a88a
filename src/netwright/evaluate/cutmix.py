"""CutMix and mixup: each image is in part another one, and the loss is shared out alike.

CutMix (Yun et al. 2019, arXiv:1905.04899) takes a rectangle of the other image. It lies inside the
image at a random place, so that its share of the area is the one that was drawn but for the
rounding to pixels. Mixup (Zhang et al. 2017, arXiv:1710.09412) takes the mean of both by a share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from netwright.tasks import Outputs, Task


@dataclass(frozen=True)
class Mixed:
    """A batch and its targets: `first` for `share` of each image, else `second`."""

    inputs: tuple[Tensor, ...]
    first: Tensor
    second: Tensor
    share: float

    def loss(self, task: Task, outputs: Outputs, smoothing: float) -> Tensor:
        """The task's loss with both targets by their shares, the mean over the batch: ()."""
        loss = task.loss(outputs, self.first, smoothing=smoothing)
        if self.share == 1.0:
            return loss
        other = task.loss(outputs, self.second, smoothing=smoothing)
        return self.share * loss + (1.0 - self.share) * other


def mix(
    inputs: tuple[Tensor, ...],
    y: Tensor,
    alphas: tuple[float, float],
    generator: torch.Generator,
    rng: np.random.Generator,
) -> Mixed:
    """CutMix and mixup by their `alphas`; where neither is 0, half of the batches by each."""
    by_cutmix, by_mixup = alphas
    if by_mixup and (not by_cutmix or rng.random() < 0.5):
        return mixup(inputs, y, by_mixup, generator, rng)
    return cutmix(inputs, y, by_cutmix, generator, rng)


def mixup(
    inputs: tuple[Tensor, ...],
    y: Tensor,
    alpha: float,
    generator: torch.Generator,
    rng: np.random.Generator,
) -> Mixed:
    """Mix images as `cutmix` does, every pixel by the share that was drawn."""
    if not alpha or [x.ndim for x in inputs] != [4]:
        return Mixed(inputs, y, y, 1.0)
    (x,) = inputs
    share = float(rng.beta(alpha, alpha))
    other = torch.randperm(len(x), generator=generator).to(x.device)
    return Mixed((torch.lerp(x[other], x, share),), y, y[other], share)


def cutmix(
    inputs: tuple[Tensor, ...],
    y: Tensor,
    alpha: float,
    generator: torch.Generator,
    rng: np.random.Generator,
) -> Mixed:
    """Mix images (b, c, h, w) with those of the batch in another order; not with `alpha` 0.

    The share that is kept is drawn from Beta(alpha, alpha), one for the whole batch. Rows of a
    table (b, f) are not mixed, nor are images with something beside them: that is of one row.
    """
    if not alpha or [x.ndim for x in inputs] != [4]:
        return Mixed(inputs, y, y, 1.0)
    (x,) = inputs
    height, width = x.shape[2:]
    side = (1.0 - rng.beta(alpha, alpha)) ** 0.5
    h, w = round(height * side), round(width * side)
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    other = torch.randperm(len(x), generator=generator).to(x.device)
    mixed = x.clone()
    cut = (..., slice(top, top + h), slice(left, left + w))
    mixed[cut] = x[other][cut]
    return Mixed((mixed,), y, y[other], 1.0 - h * w / (height * width))
