"""Numbers in short: their range, their mean, and how many there are in each part of the range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BINS = 10


def range_of(values: NDArray[np.float64]) -> dict[str, Any]:
    """The range, the mean and ten bins of equal width; None and no bins where all are missing."""
    some = values[~np.isnan(values)]
    gaps = len(values) - len(some)
    if not len(some):
        return {"gaps": gaps, "least": None, "most": None, "mean": None, "histogram": []}
    counts, _ = np.histogram(some, _BINS)
    least, most, mean = float(some.min()), float(some.max()), float(some.mean())
    return {
        "gaps": gaps, "least": least, "most": most, "mean": mean, "histogram": counts.tolist(),
    }  # fmt: skip
