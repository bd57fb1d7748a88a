"""What a network answers, row by row, as figures that a page can show: values of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WORST = 12  # rows of those whose answers are furthest from right
_BINS = 10  # of probabilities and of residuals
_PAIRS = 300  # of a target and what was said of it, that are kept of all rows
_MATRIX = 40  # classes, of which all pairs are counted; of more the most frequent mistakes
_MISTAKES = 30


def examined_classes(shares: Floats, classes: NDArray[np.int64], names: Sequence[str]) -> Any:
    """Of probabilities (n, k) and classes (n,).

    `by_class` has for each name its rows, how many of them are found, and how many rows are said
    to be of it. `confusion` has (class, class said, rows) for each pair that occurs, of more than
    40 classes the 30 most frequent mistakes alone. `calibration` has for ten bins of the
    probability of what is said their rows, the mean of it and the share that is right. `worst` are
    the wrong answers that were given with the highest probability.
    """
    said = shares.argmax(1)
    count, confidence = len(names), shares.max(1)
    table = np.bincount(classes * count + said, minlength=count * count).reshape(count, count)
    pairs = [(int(a), int(b), int(table[a, b])) for a, b in np.argwhere(table)]
    if count > _MATRIX:
        wrong = [pair for pair in pairs if pair[0] != pair[1]]
        pairs = sorted(wrong, key=lambda pair: -pair[2])[:_MISTAKES]
    wrong_rows = np.flatnonzero(said != classes)
    worst = wrong_rows[np.argsort(-confidence[wrong_rows], kind="stable")][:WORST].tolist()
    return {
        "kind": "classes",
        "names": list(names),
        "by_class": [
            [int(table[place].sum()), int(table[place, place]), int(table[:, place].sum())]
            for place in range(count)
        ],
        "confusion": [list(pair) for pair in pairs],
        "calibration": _calibration(confidence, said == classes),
        "worst": [
            {
                "row": row,
                "is": names[classes[row]],
                "said": names[said[row]],
                "probability": float(confidence[row]),
            }
            for row in worst
        ],
    }


def _calibration(confidence: Floats, right: NDArray[np.bool_]) -> list[list[float]]:
    bins = np.clip(np.ceil(confidence * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    found = []
    for place in np.unique(bins):
        own = bins == place
        found.append([int(own.sum()), float(confidence[own].mean()), float(right[own].mean())])
    return found


def examined_labels(
    shares: Floats, there: NDArray[np.bool_], names: Sequence[str]
) -> dict[str, Any]:
    """Of probabilities (n, k) and which labels hold (n, k).

    `by_class` is as `examined_classes` has it, for each label. `worst` are the rows whose answers
    have the largest mean distance from right.
    """
    said = shares >= 0.5
    distance = np.abs(shares - there).mean(1)
    worst = np.argsort(-distance, kind="stable")[:WORST]
    worst = worst[(said[worst] != there[worst]).any(1)]

    def named(row: NDArray[np.bool_]) -> list[str]:
        return [name for name, holds in zip(names, row, strict=True) if holds]

    return {
        "kind": "labels",
        "names": list(names),
        "by_class": [
            [int(a.sum()), int((a & b).sum()), int(b.sum())]
            for a, b in zip(there.T, said.T, strict=True)
        ],
        "worst": [
            {"row": int(row), "is": named(there[row]), "said": named(said[row])} for row in worst
        ],
    }


def examined_numbers(said: Floats, wanted: Floats, names: Sequence[str]) -> dict[str, Any]:
    """Of answers and targets (n, k), in the units of the user.

    `numbers` has for each of them `residuals`, what is said less what is: the least, the most,
    their quartiles and a histogram of ten bins; and `pairs` of what is and what is said, of at most
    300 rows. `worst` are the rows that are furthest off, by the deviations of the targets.
    """
    gaps = said - wanted
    spread = wanted.std(0)
    distance = np.abs(gaps / np.where(spread > 0, spread, 1.0)).max(1)
    worst = np.argsort(-distance, kind="stable")[:WORST].tolist()
    some = np.linspace(0, len(said) - 1, min(len(said), _PAIRS)).astype(np.int64)
    numbers = []
    for place, name in enumerate(names):
        own = gaps[:, place]
        least, *quartiles, most = np.quantile(own, [0, 0.25, 0.5, 0.75, 1]).tolist()
        told = {"least": least, "quartiles": quartiles, "most": most}
        told["histogram"] = np.histogram(own, _BINS)[0].tolist()
        pairs = np.stack([wanted[some, place], said[some, place]], 1).tolist()
        numbers.append({"name": name, "residuals": told, "pairs": pairs})
    return {
        "kind": "numbers",
        "numbers": numbers,
        "worst": [
            {"row": row, "is": wanted[row].tolist(), "said": said[row].tolist()} for row in worst
        ],
    }


def by_name(examined: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each class or label of what was examined; none where there are no classes.

    `rows` are of it, `recall` is the share of them that is found, `precision` the share of those
    said to be of it that are; None where there is no row to take a share of.
    """
    pairs = zip(examined.get("names", ()), examined.get("by_class", ()), strict=True)
    return [
        {
            "class": name,
            "rows": rows,
            "recall": found / rows if rows else None,
            "precision": found / said if said else None,
            "f1": 2 * found / (rows + said) if rows + said else None,
        }
        for name, (rows, found, said) in pairs
    ]
