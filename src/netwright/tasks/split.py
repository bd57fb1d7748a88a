"""Splits of rows: fractions, and stratified, seeded, disjoint parts of labelled ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.errors import DataError, SettingError

Rows = NDArray[np.int64]


def split_rows(
    y: NDArray[np.int64],
    *,
    validation: float | None,
    test: float | None,
    rng: np.random.Generator,
    class_names: Sequence[str],
    source: str,
) -> tuple[Rows, Rows, Rows]:
    """Row numbers of train, validation and test; together they are all rows, each once.

    `y` has shape (n,) with labels 0..k-1. A fraction is of the n rows; None leaves that part empty.
    In each part every class has its share to within one row, and at least one row. Rows come in
    random order, so that the first rows of a part are a fair sample of it; where both fractions
    are None they stay in their order.

    Raises:
        SettingError: a fraction is outside its rule.
        DataError: a class has too few rows; the message names it and its count.
    """
    check_fractions(validation, test)
    if validation is None and test is None:
        nothing = np.empty(0, np.int64)
        return np.arange(len(y)), nothing, nothing
    counts = np.bincount(y, minlength=len(class_names))
    wanted = [part for part, f in (("validation", validation), ("test", test)) if f is not None]
    needed = 1 + len(wanted)
    short = np.flatnonzero(counts < needed)
    if len(short):
        name, count = class_names[short[0]], int(counts[short[0]])
        parts = f"{', '.join(['train', *wanted[:-1]])} and {wanted[-1]}"
        raise DataError(
            f"{source}: class {name!r} has {count} row{'s' * (count != 1)}; a split into {parts} "
            f"needs at least {needed} rows of each class."
        )
    validation_counts = _shares(counts, validation)
    test_counts = _shares(counts, test)
    _leave_one(counts, validation_counts, test_counts, (validation or 0.0, test or 0.0))
    order = rng.permutation(len(y))
    by_class = order[np.argsort(y[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    rank = np.empty(len(y), np.int64)  # the place of a row among the rows of its class
    rank[by_class] = np.arange(len(y)) - np.repeat(starts, counts)
    rank, limit = rank[order], (validation_counts + test_counts)[y[order]]
    in_test = rank < test_counts[y[order]]
    in_validation = ~in_test & (rank < limit)
    return order[rank >= limit], order[in_validation], order[in_test]


def check_fractions(validation: float | None, test: float | None) -> None:
    """Raise SettingError unless both fractions lie in (0, 1) and their sum is below 1."""
    for name, fraction in (("validation", validation), ("test", test)):
        if fraction is not None and not 0 < fraction < 1:
            raise SettingError(
                f"`{name}=...` must be a fraction of the rows above 0 and below 1, got {fraction}."
            )
    if (validation or 0.0) + (test or 0.0) >= 1:
        raise SettingError(
            f"`validation=...` and `test=...` must leave rows for training: their sum must be "
            f"below 1, got {validation} + {test}."
        )


def _shares(counts: NDArray[np.int64], fraction: float | None) -> NDArray[np.int64]:
    """Rows of each class by largest remainder, so that the sum is right too; at least one each."""
    if fraction is None:
        return np.zeros_like(counts)
    exact = counts * fraction
    shares = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(shares.sum())
    shares[np.argsort(shares - exact, kind="stable")[:missing]] += 1
    least_one: NDArray[np.int64] = np.maximum(shares, 1)
    return least_one


def _leave_one(
    counts: NDArray[np.int64],
    validation: NDArray[np.int64],
    test: NDArray[np.int64],
    fractions: tuple[float, float],
) -> None:
    """Give rows back to train, in place, where the two parts took all rows of a class."""
    while (full := validation + test >= counts).any():
        over_validation = validation - counts * fractions[0] - counts * (validation <= 1)
        over_test = test - counts * fractions[1] - counts * (test <= 1)
        from_test = over_test >= over_validation
        test -= full & from_test
        validation -= full & ~from_test
