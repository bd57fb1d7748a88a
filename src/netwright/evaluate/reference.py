"""What a classical model reaches on the same split: no network may silently do worse."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from netwright.data import Data
from netwright.data.base import Inputs
from netwright.network.signature import TensorSpec

_ROWS = 15_000  # more rows are drawn down to so many: the time of an SVM grows with their square
_BYTES = 2**29  # of the features of these rows, likewise
_AT_ONCE = 2**26  # bytes of the features of the test part that are read and reduced at once
_MOST_IDS = 4096  # features of an input of ids, at most
_FIRST = 500  # rows that are timed first, where the seconds are bounded,
_MORE = 4  # times as many are worth a second training, if there is time for them
_POWER = 2.0  # of its rows, with which the time of an SVM grows
_FEATURES = 256  # more features are first reduced to so many principal components

Features = NDArray[np.float32]


def reference(
    data: Data, seconds: float | None = None, clock: Callable[[], float] = time.perf_counter
) -> dict[str, Any] | None:
    """The reference of the task, trained on the train part; None where the task has none.

    All inputs become features, side by side: numbers as they are, ids of each place as one feature
    for each of them. An input that has no fixed number of features, or more than 4,096 by its ids,
    is left out. Features of a table, and of several inputs, are standardised. Of more than 15,000
    rows, or than make 512 MiB of features, a seeded sample is taken, and more than 256 features are
    reduced to their principal components. Where it may take so many `seconds` only, a few rows are
    timed first, and as many are taken as there is time for by the square of their number. Returns
    what the task says, with the rows, of how many they are, and the seconds, and `left_out`, where
    an input was.
    """
    if not any(map(_is_read, data.raw)):
        return None
    began = clock()
    most = min(len(data.train), _ROWS, max(_MORE * _FIRST, _BYTES // _row_bytes(data.raw)))
    if seconds is None or most <= _MORE * _FIRST:
        return _trained_on(data, most, began, clock)
    found = _trained_on(data, _FIRST, began, clock)
    if found is None:
        return None
    left = seconds - found["seconds"]
    affordable = int(_FIRST * (max(0.0, left) / max(found["seconds"], 1e-9)) ** (1 / _POWER))
    rows = min(most, affordable)
    return _trained_on(data, rows, began, clock) if rows >= _MORE * _FIRST else found


def _trained_on(
    data: Data, count: int, began: float, clock: Callable[[], float]
) -> dict[str, Any] | None:
    """The reference on so many rows of the train part."""
    read = [spec for spec in data.raw if _is_read(spec)]
    rows = np.arange(len(data.train))
    if len(rows) > count:
        rows = np.sort(np.random.default_rng(0).choice(rows, count, replace=False))
    raw, targets = data.train.batch(torch.from_numpy(rows))
    scaled = len(read) > 1 or len(read[0].shape) == 1
    at_once = max(1, _AT_ONCE // _row_bytes(data.raw))
    parts = [slice(start, start + at_once) for start in range(0, max(1, len(data.test)), at_once)]
    tests = (_features(data.test.batch(rows)[0], data.raw) for rows in parts)
    train, test = _on_one_scale(_features(raw, data.raw), tests, is_table=scaled)
    _, test_targets = data.test.batch(slice(None))
    found = data.task.reference((train, targets.numpy()), (test, test_targets.numpy()))
    if found is None:
        return None
    left_out = [spec.name for spec in data.raw if spec not in read]
    return {
        **found,
        **({"left_out": left_out} if left_out else {}),
        "rows": len(rows),
        "of": len(data.train),
        "seconds": clock() - began,
    }


def _is_read(spec: TensorSpec) -> bool:
    """Whether a tensor is turned into features."""
    if None in spec.shape:
        return False
    return spec.ids is None or math.prod(spec.sizes) * spec.ids <= _MOST_IDS


def _features(raw: Inputs, specs: Sequence[TensorSpec]) -> Features:
    """Raw inputs, each (n, ...), as features (n, f)."""
    found = []
    for x, spec in zip(raw, specs, strict=True):
        if not _is_read(spec):
            continue
        if spec.ids is not None:
            x = functional.one_hot(x.long(), spec.ids)
        found.append(x.numpy().reshape(len(x), -1).astype(np.float32))
    return np.concatenate(found, 1)


def _row_bytes(specs: Sequence[TensorSpec]) -> int:
    """Bytes of the features of a row."""
    return 4 * sum(math.prod(s.sizes) * (s.ids or 1) for s in specs if _is_read(s))


def _on_one_scale(
    train: Features, tests: Iterable[Features], *, is_table: bool
) -> tuple[Features, Features]:
    """Both parts, standardised and reduced as the train part says; the test part piece by piece."""
    steps: list[Any] = [StandardScaler()] if is_table else []  # pixels share one scale already
    if train.shape[1] > _FEATURES and len(train) > _FEATURES:
        steps.append(PCA(_FEATURES, random_state=0))
    for step in steps:
        train = step.fit_transform(train)

    def reduced(rows: Features) -> Features:
        for step in steps:
            rows = step.transform(rows)
        return rows

    return train, np.concatenate(list(map(reduced, tests)))
