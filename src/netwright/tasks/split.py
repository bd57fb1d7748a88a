"""Splits of rows: fractions, and stratified, seeded, disjoint parts of labelled ones."""

from __future__ import annotations

import warnings
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
    In each part every class has its share to within one row, and at least one row; a class with
    fewer rows than there are parts has all of them in train. Rows come in random order, so that the
    first rows of a part are a fair sample of it; where both fractions are None they stay in their
    order.

    Raises:
        SettingError: a fraction is outside its rule.
        DataError: fewer than two classes have enough rows; the message names one and its count.
    """
    check_fractions(validation, test)
    if validation is None and test is None:
        nothing = np.empty(0, np.int64)
        return np.arange(len(y)), nothing, nothing
    counts = np.bincount(y, minlength=len(class_names))
    wanted = [part for part, f in (("validation", validation), ("test", test)) if f is not None]
    needed = 1 + len(wanted)
    divided = np.where(counts < needed, 0, counts)  # the rest stays in train
    if np.count_nonzero(divided) < 2:
        name, count = class_names[int(counts.argmin())], int(counts.min())
        parts = f"{', '.join(['train', *wanted[:-1]])} and {wanted[-1]}"
        raise DataError(
            f"{source}: class {name!r} has {count} row{'s' * (count != 1)}; a split into {parts} "
            f"needs at least {needed} rows of each of two classes."
        )
    validation_counts = _shares(divided, validation)
    test_counts = _shares(divided, test)
    _leave_one(divided, validation_counts, test_counts, (validation or 0.0, test or 0.0))
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
        is_number = isinstance(fraction, int | float | np.number) and type(fraction) is not bool
        if fraction is not None and not (is_number and 0 < fraction < 1):
            raise SettingError(
                f"`{name}=...` must be a fraction of the rows above 0 and below 1, got "
                f"{fraction!r}."
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
    least_one: NDArray[np.int64] = np.where(counts > 0, np.maximum(shares, 1), 0)
    return least_one


def _leave_one(
    counts: NDArray[np.int64],
    validation: NDArray[np.int64],
    test: NDArray[np.int64],
    fractions: tuple[float, float],
) -> None:
    """Give rows back to train, in place, where the two parts took all rows of a class."""
    while (full := (validation + test >= counts) & (counts > 0)).any():
        over_validation = validation - counts * fractions[0] - counts * (validation <= 1)
        over_test = test - counts * fractions[1] - counts * (test <= 1)
        from_test = over_test >= over_validation
        test -= full & from_test
        validation -= full & ~from_test


def split_evenly(
    groups: NDArray[np.int64],
    *,
    validation: float | None,
    test: float | None,
    rng: np.random.Generator,
    source: str,
) -> tuple[Rows, Rows, Rows]:
    """Row numbers of train, validation and test, in each of which a group has about its share.

    `groups` has shape (n,). Each part that is wanted has a row at least. Rows come in random order;
    where both fractions are None they stay in their order.

    Raises:
        SettingError: a fraction is outside its rule.
        DataError: there are fewer rows than parts.
    """
    check_fractions(validation, test)
    count, nothing = len(groups), np.empty(0, np.int64)
    if validation is None and test is None:
        return np.arange(count), nothing, nothing
    sizes = [0 if f is None else max(1, round(f * count)) for f in (validation, test)]
    parts = 1 + sum(f is not None for f in (validation, test))
    if count < parts:
        raise DataError(f"{source}: {parts} parts need as many rows at least, got {count}.")
    while sum(sizes) >= count:
        sizes[int(np.argmax(sizes))] -= 1
    left = rng.permutation(count)
    left = left[np.argsort(groups[left], kind="stable")]
    taken = []
    for size in sizes:
        # every so many rows from a random one on, so that each group is met by its share
        places = np.floor((np.arange(size) + rng.random()) * len(left) / max(1, size))
        places = np.minimum(places, len(left) - 1).astype(np.int64)
        taken.append(rng.permutation(left[places]))
        left = np.delete(left, places)
    return rng.permutation(left), taken[0], taken[1]


def fold_rows(
    strata: NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
    groups: NDArray[np.int64] | None = None,
) -> Rows:
    """The number of its fold for each row (n,), from 0 to below `count`; -1 is none.

    Each fold has its share of the rows of each stratum to within one. The only row of a stratum is
    in no fold, so that whoever leaves a fold out still learns from it. With `groups` (n,) all rows
    of one are in one fold, as scikit-learn's `StratifiedGroupKFold` has it.

    Raises:
        SettingError: There are fewer rows, or groups, than folds.
    """
    units = len(strata) if groups is None else len(np.unique(groups))
    if not 2 <= count <= units:
        what = "rows" if groups is None else "groups"
        raise SettingError(f"`folds` must be from 2 to the number of {what}, {units}, got {count}.")
    folds = np.full(len(strata), -1, np.int64)
    if groups is not None:
        # imported here: it takes longer than torch does, and every worker imports this module
        from sklearn.model_selection import StratifiedGroupKFold

        seed = int(rng.integers(2**31))
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of strata with fewer rows than folds
            for fold, (_, held) in enumerate(splitter.split(strata, strata, groups)):
                folds[held] = fold
        return folds
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    _, places, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    order = order[sizes[places[order]] > 1]
    folds[order] = np.arange(len(order)) % count
    return folds
