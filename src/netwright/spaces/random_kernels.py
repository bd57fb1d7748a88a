"""What fixed convolutions say of a series, as MiniRocket has it (Dempster et al., 2012.08791).

The 84 kernels of nine weights, three of which are 2 and the others -1, at several dilations; a
feature is the share of the times at which what a kernel gives is above a threshold, which is a
quantile of what it gives for the first rows of a training. Departures: of several channels each
kernel takes a random choice for all its dilations; a long series is looked at in every so many
times; and a value counts in part where it is near a threshold, so that rounding changes little.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from netwright.data.random_kernels import (
    KERNELS,
    LENGTH,
    dilations_for,
    kernels_for,
    quantiles_for,
)

_DILATIONS = 12  # at most
_FEATURES = 4032  # of a series, about; a multiple of the number of kernels
_TIMES = 128  # of a series that are looked at, less than twice as many
_REMEMBERED = 4096  # series whose features are, 16 KiB each
_NEAR = 0.1  # deviations in which a share goes from 0 to 1


class RandomKernels(nn.Module):
    """Shares of all kernels and dilations, each on one scale as the batches in training say.

    They learn nothing, so those of a series are the same in each epoch: in training on a CPU those
    of so many series are remembered.
    """

    def __init__(self, channels: int, steps: int, masked: bool) -> None:
        super().__init__()
        dilations = dilations_for(steps, _DILATIONS)
        each = round(_FEATURES / KERNELS / len(dilations))
        stride = max(1, steps // _TIMES)
        kernels = kernels_for(channels - masked, np.random.default_rng(0))
        self.features = KERNELS * each * len(dilations)
        self.shares = nn.ModuleList(
            Shares(kernels, dilation, stride, each, place * each, masked)
            for place, dilation in enumerate(dilations)
        )
        self.norm = nn.BatchNorm1d(self.features, affine=False)
        self._known: dict[bytes, Tensor] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": {}}

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self._known = {}

    def _apply(self, fn: Any, recurse: bool = True) -> RandomKernels:
        self._known = {}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, t), the last channel a mask if masked, to (b, features)."""
        is_asked_again = self.training and x.device.type == "cpu"
        out: Tensor = self.norm(self._remembered(x) if is_asked_again else self._features(x))
        return out

    def _features(self, x: Tensor) -> Tensor:
        return torch.cat([share(x) for share in self.shares], 1)

    @torch.no_grad()
    def _remembered(self, x: Tensor) -> Tensor:
        """The features of a batch, those that are known from before."""
        keys = [blake2b(row.tobytes(), digest_size=16).digest() for row in x.numpy(force=True)]
        new = {key: place for place, key in enumerate(keys) if key not in self._known}
        found = dict(zip(new, self._features(x[list(new.values())]), strict=True)) if new else {}
        for key in list(found)[: max(0, _REMEMBERED - len(self._known))]:
            self._known[key] = found[key].clone()
        return torch.stack([self._known[key] if key in self._known else found[key] for key in keys])


class Shares(nn.Module):
    """The shares of the times at which each kernel of a dilation is above its thresholds.

    `first` is the place of the first of `count` thresholds in the sequence of quantiles.
    """

    kernels: Tensor
    scale: Tensor
    thresholds: Tensor

    def __init__(
        self, kernels: Tensor, dilation: int, stride: int, count: int, first: int, masked: bool
    ) -> None:
        super().__init__()
        self.dilation, self.stride, self.masked = dilation, stride, masked
        self.first, self.count = first, count
        self.register_buffer("kernels", kernels.clone())
        self.register_buffer("scale", torch.ones(KERNELS, 1))
        self.register_buffer("thresholds", torch.zeros(KERNELS, count, 1))
        self._begun = False

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self._begun = self.thresholds.is_meta or bool(self.thresholds.any())

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, t) to (b, 84 count)."""
        series, mask = (x[:, :-1], x[:, -1:]) if self.masked else (x, torch.ones_like(x[:, :1]))
        mask = mask[:, :, :: self.stride]
        padding = self.dilation * (LENGTH // 2)
        sums = functional.conv1d(series, self.kernels, None, self.stride, padding, self.dilation)
        if self.training and not self._begun:
            self._begin(sums, mask)
        above = ((sums * self.scale)[:, :, None] - self.thresholds).clamp_(0, 1)
        if not self.masked:
            return above.mean(3).flatten(1)
        count = mask.sum(2, keepdim=True).clamp(min=1)
        return ((above * mask[:, :, None]).sum(3) / count).flatten(1)

    @torch.no_grad()
    def _begin(self, sums: Tensor, mask: Tensor) -> None:
        """Take the thresholds from what the kernels give for some rows."""
        self._begun = True
        there = mask.expand_as(sums) > 0
        flat = torch.where(there, sums, math.inf).transpose(0, 1).flatten(1)
        order, counts = flat.sort(1).values, there.transpose(0, 1).flatten(1).sum(1, keepdim=True)
        places = quantiles_for(self.first + self.count)[self.first :].T.to(sums.device)
        index = (places * (counts - 1)).long().clamp(min=0)
        found = order.gather(1, index)
        mean = (sums * mask).sum((0, 2)) / counts[:, 0].clamp(min=1)
        square = ((sums - mean[:, None]).square() * mask).sum((0, 2)) / counts[:, 0].clamp(min=1)
        scale = 1 / (_NEAR * square.sqrt() + 1e-6)
        self.scale.copy_(scale[:, None])
        self.thresholds.copy_((found * scale[:, None] - 0.5).nan_to_num(0.0, 0.0, 0.0)[:, :, None])
