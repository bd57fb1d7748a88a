"""Metrics over all rows of a part, by a few operations on whole arrays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.tasks.base import Batches, only

Floats = NDArray[np.float64]

_BINS = 15  # of the expected calibration error


def collected(batches: Batches) -> tuple[Tensor, Tensor]:
    """The one output (n, ...) and the targets (n, ...) of all rows, on the CPU."""
    outputs, targets = [], []
    for given, wanted in batches:
        outputs.append(only(given).detach().cpu())
        targets.append(wanted.detach().cpu())
    return torch.cat(outputs), torch.cat(targets)


def by_class(
    classes: NDArray[np.int64], said: NDArray[np.int64], count: int
) -> tuple[float, float]:
    """The balanced accuracy, and the mean F1 over classes: of rows (n,) and what is said of them.

    The balanced accuracy is the mean over classes that have a row, the F1 over those that have a
    row or are said of one.
    """
    right = np.bincount(classes[classes == said], minlength=count)
    rows = np.bincount(classes, minlength=count)
    called = np.bincount(said, minlength=count)
    there, either = rows > 0, rows + called > 0
    return (
        float(np.mean(right[there] / rows[there])),
        float(np.mean(2 * right[either] / (rows + called)[either])),
    )


def by_label(there: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """The mean F1 over labels (n, k); 0 for one that no row has and none is said to have."""
    both = (there & said).sum(0)
    either = there.sum(0) + said.sum(0)
    return float(np.mean(2 * both / np.maximum(either, 1)))


def area(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """The area under the ROC curve: how often a positive row has a higher score than another.

    Equal scores count one half. NaN where all rows are of one kind.
    """
    others, ours = np.sort(scores[~positive]), scores[positive]
    if not len(others) or not len(ours):
        return float("nan")
    below = np.searchsorted(others, ours, "left").sum(dtype=np.float64)
    not_above = np.searchsorted(others, ours, "right").sum(dtype=np.float64)
    return float((below + not_above) / (2.0 * len(others) * len(ours)))


def mean_area(scores: Floats, positive: Iterable[NDArray[np.bool_]]) -> float:
    """The mean of `area` over the columns of scores (n, k); those of one kind are left out."""
    found = np.array([area(*pair) for pair in zip(scores.T, positive, strict=True)])
    known = found[~np.isnan(found)]
    return float(known.mean()) if len(known) else float("nan")


def calibration_error(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """The expected calibration error, over 15 bins of equal width.

    Guo et al. 2017, arXiv:1706.04599: how far the share of right answers is from the mean
    confidence, in each bin, weighed by its rows.
    """
    bins = np.clip(np.ceil(confidence * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    gap = np.bincount(bins, right - confidence, _BINS)
    return float(np.abs(gap).sum() / len(confidence))


def deviations(outputs: Floats, targets: Floats) -> tuple[float, float, float]:
    """RMSE, mean absolute error and R2 of numbers (n, k), each the mean over the k numbers.

    The R2 of a number that is the same in all rows is 1 where all are right, else 0.
    """
    gaps = outputs - targets
    squares = (gaps**2).mean(0)
    spread = ((targets - targets.mean(0)) ** 2).mean(0)
    varies = spread > 0
    shares = squares / np.where(varies, spread, 1.0)
    r2 = np.where(varies, 1 - shares, (squares == 0).astype(np.float64))
    return float(np.sqrt(squares).mean()), float(np.abs(gaps).mean()), float(r2.mean())
