"""Series that come with the package `aeon`, and what a user would take in netwright's place.

Seed 0 has the parts of the archive; of other seeds train and test part are put together and divided
anew, with as many rows of each class in the train part.

- the nearest neighbour by dynamic time warping;
- random convolutions (MiniRocket, arXiv 2012.08791) with ridge regression, both of aeon;
- netwright: `NetClassifier(kind="series")` by its defaults, for some minutes on one worker.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from of_tasks.problem import Answer, Method, Parts, Problem, estimator, fitted

Series = list[NDArray[np.float64]]  # (c, t) each


def _of_archive(name: str, seed: int) -> Parts:
    folder = Path(import_module("aeon").__file__).parent / "datasets" / "data" / name
    load = import_module("aeon.datasets").load_from_ts_file
    train, wanted = load(folder / f"{name}_TRAIN.ts")
    test, asked = load(folder / f"{name}_TEST.ts")
    rows, y = [*train, *test], np.concatenate([wanted, asked])
    order = np.arange(len(rows))
    learnt, scored = order[: len(train)], order[len(train) :]
    if seed:
        learnt = _as_many_of_each(y, wanted, seed)
        scored = np.setdiff1d(order, learnt)
    return Parts(
        [rows[n] for n in learnt],
        y[learnt],
        [rows[n] for n in scored],
        y[scored],
        known={"kind": "series"},
    )


def _as_many_of_each(y: NDArray[Any], wanted: NDArray[Any], seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    each = zip(*np.unique(wanted, return_counts=True), strict=True)
    drawn = [rng.permutation(np.flatnonzero(y == label))[:count] for label, count in each]
    return np.sort(np.concatenate(drawn))


def _of_one_length(rows: Series) -> Any:
    """Rows (n, c, t), or as they are where they differ in their lengths."""
    return np.stack(rows) if len({row.shape[1] for row in rows}) == 1 else rows


def _as_aeon_has_them(parts: Parts, model: Any) -> Answer:
    answer = fitted(model, Parts(_of_one_length(parts.x), parts.y, [], []))
    return lambda rows: answer(_of_one_length(rows))


def _neighbour(parts: Parts, seed: int) -> Answer:
    module = import_module("aeon.classification.distance_based")
    return _as_aeon_has_them(parts, module.KNeighborsTimeSeriesClassifier(n_neighbors=1))


def _kernels(parts: Parts, seed: int) -> Answer:
    module = import_module("aeon.classification.convolution_based")
    lengths = {row.shape[1] for row in (*parts.x, *parts.x_test)}
    most = max(lengths)

    def padded(rows: Series) -> Any:
        """Of one length: MiniRocket of aeon takes no others; the last value goes on."""
        return np.stack(
            [np.pad(row, ((0, 0), (0, most - row.shape[1])), mode="edge") for row in rows]
        )

    model = module.MiniRocketClassifier(random_state=seed)
    answer = fitted(model, Parts(padded(parts.x), parts.y, [], []))
    return lambda rows: answer(padded(rows))


PROBLEMS = tuple(
    Problem(name, partial(_of_archive, name), "aeon")
    for name in (
        "ACSF1", "ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand", "JapaneseVowels",
        "OSULeaf", "PickupGestureWiimoteZ",
    )
)  # fmt: skip

METHODS = (
    Method("1-NN, warped", _neighbour, "aeon"),
    Method("MiniRocket and ridge", _kernels, "aeon"),
    Method("netwright", estimator),
)
