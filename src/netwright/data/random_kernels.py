"""Series as features by random convolutions, as MiniRocket has them, arXiv 2012.08791.

The 84 kernels of nine weights, three of which are 2 and the others -1, at several dilations; a
feature is the share of the steps at which the sum is above a threshold, which is a quantile of what
the kernel gives for a series of the train part. Departures: of several channels each kernel takes a
random choice, as in the reference implementation, but one for all its dilations; every sum is
padded; and after the end of a series, and where it lacks a value, no step counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

FEATURES = 9_996
"""As many as in the paper; a multiple of the number of kernels."""

KERNELS = 84
LENGTH = 9
"""Weights of a kernel."""

_AT_ONCE = 2**23  # sums that are held at the same time
_CHANNELS = 9  # that a kernel takes, at most

Features = NDArray[np.float32]


def kernel_features(train: Tensor, test: Tensor) -> tuple[Features, Features]:
    """Features of standardised series (n, c, t), on one scale by the train part."""
    kernels = RandomKernels.fitted(train)
    # imported here: it takes long, and every worker imports this module
    scaler = import_module("sklearn.preprocessing").StandardScaler
    scale = scaler().fit(learnt := kernels.features(train))
    asked = kernels.features(test) if len(test) else learnt[:0]
    return scale.transform(learnt), scale.transform(asked) if len(asked) else asked


@dataclass(frozen=True, eq=False)
class RandomKernels:
    """Kernels (84, c, 9), their dilations, and thresholds (84, k) for each dilation."""

    kernels: Tensor
    dilations: tuple[int, ...]
    thresholds: tuple[Tensor, ...]

    @classmethod
    def fitted(cls, series: Tensor, seed: int = 0) -> RandomKernels:
        """Kernels for standardised series (n, c, t) of the train part, NaN where there is none."""
        rng = np.random.default_rng(seed)
        kernels = kernels_for(series.shape[1], rng)
        there = _there(series)
        steps = float(there.sum(2).median())
        dilations = dilations_for(steps)
        count = FEATURES // len(kernels)
        each = [
            count // len(dilations) + (n < count % len(dilations)) for n in range(len(dilations))
        ]
        quantiles = quantiles_for(count)
        filled = series.nan_to_num(0.0)
        thresholds, start = [], 0
        for dilation, number in zip(dilations, each, strict=True):
            rows = torch.from_numpy(rng.integers(len(series), size=max(1, number)))
            found = []
            for place, row in enumerate(rows[:number].tolist()):
                sums = _sums(filled[row : row + 1], kernels, dilation)[0]
                some = sums[:, there[row, 0]] if there[row].any() else sums
                order = some.sort(1).values
                index = (quantiles[start + place] * (order.shape[1] - 1)).long()[:, None]
                found.append(order.gather(1, index))
            thresholds.append(torch.cat(found, 1) if found else torch.zeros(len(kernels), 0))
            start += number
        return cls(kernels, dilations, tuple(thresholds))

    def features(self, series: Tensor) -> Features:
        """Shares (n, f) for standardised series (n, c, t) of any length."""
        at_once = max(1, _AT_ONCE // (len(self.kernels) * series.shape[2]))
        return np.concatenate([self._of(rows) for rows in torch.split(series, at_once)])

    def _of(self, series: Tensor) -> Features:
        there = _there(series).float()
        count = there.sum(2).clamp_min(1)
        filled, found = series.nan_to_num(0.0), []
        for dilation, thresholds in zip(self.dilations, self.thresholds, strict=True):
            sums = _sums(filled, self.kernels, dilation)
            for column in thresholds.T:
                above = (sums > column[:, None]).float()
                found.append((above * there).sum(2) / count)
        return np.asarray(torch.cat(found, 1).numpy(), np.float32)


def kernels_for(channels: int, rng: np.random.Generator) -> Tensor:
    """The 84 kernels (84, c, 9), each of all channels or of some that are drawn."""
    kernels = torch.full((KERNELS, 1, LENGTH), -1.0)
    for place, high in enumerate(combinations(range(LENGTH), 3)):
        kernels[place, 0, list(high)] = 2.0
    if channels == 1:
        return kernels
    taken = torch.zeros(KERNELS, channels, 1)
    most = min(channels, _CHANNELS)
    for row in range(KERNELS):
        size = int(2 ** rng.uniform(0, np.log2(most + 1)))
        taken[row, rng.choice(channels, size, replace=False)] = 1
    return kernels * taken


def dilations_for(steps: float, most: int = 32) -> tuple[int, ...]:
    """Up to so many different dilations, by which a kernel spans no more than a series."""
    largest = np.log2(max(1.0, (steps - 1) / (LENGTH - 1)))
    return tuple(dict.fromkeys(int(2**power) for power in np.linspace(0, largest, most)))


def quantiles_for(count: int) -> Tensor:
    """The quantiles (count, 84) of the thresholds of each kernel, spread by the golden ratio."""
    golden = (np.arange(1, count * KERNELS + 1) * (np.sqrt(5) + 1) / 2) % 1
    return torch.from_numpy(golden).float().reshape(count, KERNELS)


def _there(series: Tensor) -> Tensor:
    """(n, 1, t): whether a step has a value of any channel."""
    return ~series.isnan().all(1, keepdim=True)


def _sums(filled: Tensor, kernels: Tensor, dilation: int) -> Tensor:
    """(n, 84, t)."""
    padding = dilation * (LENGTH // 2)
    return functional.conv1d(filled, kernels, padding=padding, dilation=dilation)
