"""How sure a metric is: what other rows of the same kind would have made of it.

A metric that is a mean over rows has the standard error of a mean. Any other is measured again on
rows that are drawn with replacement (the bootstrap, Efron 1979). Two networks that answered the
same rows are compared row by row, or draw by draw: rows that are hard for both say nothing of which
is better, so the error of their difference is much smaller than that of either (McNemar 1947 for
shares of right answers).

Rows of one unit, such as repeated answers to one row or the rows of one group, count as one: the
error is that of a mean over clusters. The answers of k-fold networks to the rows that each did not
learn from are taken as those of one network, which holds for learners that one row changes little
(Bayle et al. 2020, arXiv:2007.12671). That another training of the same network ends elsewhere is
no part of it.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.errors import EvaluationError
from netwright.tasks.base import Batches, Outputs, Task

Floats = NDArray[np.float64]
Units = NDArray[np.int64]

_DRAWS = 200  # of rows, for a metric that is no mean over them,
_DRAWN = 2000  # of so many units at most,
_BYTES = 2**26  # and of outputs of so many bytes
_KEPT = 20_000  # units whose values are kept, at most
_LEAST = 20  # units of which something can be said
_LEAST_DRAWS = 50  # of which the metric is a number


@dataclass(frozen=True, eq=False)
class Spread:
    """What a metric's standard error follows from, for one network on some rows.

    `values` (n,) are those of units, whose mean is the metric, or with `drawn` the metric of each
    draw of units. `rows` is how many were answered, `units` how many of them count by themselves;
    `which` tells other rows apart.
    """

    values: Floats
    rows: int
    units: int
    which: int
    drawn: bool = False

    @property
    def error(self) -> float:
        """The standard error of the metric."""
        return self._error(self.values)

    def error_beside(self, other: Spread) -> float | None:
        """The standard error of the difference of two metrics; None where the rows differ.

        Of shares of right answers half a row is added that the one has right alone, and half a row
        for the other, so that few such rows are not taken for certainty (Agresti and Min 2005).
        """
        own, others = (self.which, self.drawn), (other.which, other.drawn)
        if own != others or len(self.values) != len(other.values):
            return None
        error = self._error(self.values - other.values)
        if not self.drawn and _are_hits(self.values) and _are_hits(other.values):
            error = math.hypot(error, 1 / self.units)
        return error

    def _error(self, values: Floats) -> float:
        known = values[np.isfinite(values)]
        if len(known) < 2:
            return math.nan
        spread = float(np.std(known, ddof=1))
        return spread if self.drawn else spread / math.sqrt(self.units)

    def to_tensors(self) -> dict[str, Tensor]:
        """Two tensors by name, as they are kept in a file."""
        facts = [self.rows, self.units, self.which, int(self.drawn)]
        return {
            "values": torch.from_numpy(self.values.astype(np.float32)),
            "facts": torch.tensor(facts, dtype=torch.int64),
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Spread:
        """What `to_tensors` gave, with values in single precision."""
        rows, units, which, drawn = tensors["facts"].tolist()
        return cls(tensors["values"].double().numpy(), rows, units, which, bool(drawn))


def mean_spread(spreads: Sequence[Spread]) -> Spread | None:
    """That of the mean of a metric over networks; None where they answered different rows."""
    first, *others = spreads
    if any(first.error_beside(other) is None for other in others):
        return None
    return replace(first, values=np.mean([each.values for each in spreads], 0))


def spread_of(
    task: Task, metric: str, batches: Batches, rows: int, units: Units | None = None
) -> Spread | None:
    """How sure a metric of a task is, from what a network answers; None where too few rows say so.

    `batches` have so many `rows` and are gone through once. `units` (n,) has a number for each row;
    rows of one number count as one. By default all do by themselves.
    """
    unit, count = _numbered(units, rows)
    if count < _LEAST or metric not in {each.name for each in task.metrics}:
        return None
    noting = _Noting(batches)
    values = task.row_values(metric, noting)
    if values is None:
        return _by_draws(task, metric, noting, unit, count)
    return _by_rows(np.asarray(values, np.float64), noting, unit, count)


class _Noting:
    """Batches on their way to a task: notes which rows they are."""

    def __init__(self, batches: Batches) -> None:
        self._batches, self._digest = batches, hashlib.blake2b(digest_size=7)

    def __iter__(self) -> Iterator[tuple[Outputs, Tensor]]:
        for outputs, targets in self._batches:
            self._digest.update(targets.detach().cpu().double().numpy().tobytes())
            yield outputs, targets

    def which(self, units: Units) -> int:
        """A number of seven bytes that rows of other targets or units do not have."""
        self._digest.update(units.tobytes())
        return int.from_bytes(self._digest.digest())


def _numbered(units: Units | None, rows: int) -> tuple[Units, int]:
    """The unit of each row (n,), numbered from 0 without gaps, and how many units there are."""
    if units is None:
        return np.arange(rows), rows
    names, numbers = np.unique(units, return_inverse=True)
    return numbers.astype(np.int64), len(names)


def _by_rows(values: Floats, noting: _Noting, unit: Units, count: int) -> Spread | None:
    """From the values of rows (n,): of a unit the mean, plus what its rows are away from it.

    So the mean over units is that over rows, also where units have more or fewer of them.
    """
    if not np.isfinite(values).all():
        return None
    if count < len(values):
        mean = float(values.mean())
        sums: Floats = np.bincount(unit, values - mean, count).astype(np.float64)
        values = mean + sums * (count / len(values))
    if count > _KEPT:
        values = values[np.random.default_rng(0).choice(count, _KEPT, replace=False)]
    return Spread(values, len(unit), count, noting.which(unit))


def _by_draws(task: Task, metric: str, noting: _Noting, unit: Units, count: int) -> Spread | None:
    """From the metric on units that are drawn with replacement, by a seed.

    Of more units than are drawn from, or whose outputs would take much memory, some are drawn from,
    and the spread is made as much smaller as that of all would be.
    """
    rng = np.random.default_rng(0)
    measure, taken = _kept(task, metric, noting, unit, rng.permutation(count)[:_DRAWN])
    most = len(taken)
    if most < _LEAST:
        return None
    rows_of = _rows_of(unit[np.isin(unit, taken)], taken)
    values = np.array([measure(rows_of(rng.integers(0, most, most))) for _ in range(_DRAWS)])
    if np.isfinite(values).sum() < _LEAST_DRAWS:
        return None
    mean = float(np.nanmean(values))
    values = mean + (values - mean) * math.sqrt(most / count)
    return Spread(values, len(unit), count, noting.which(unit), drawn=True)


def _kept(
    task: Task, metric: str, noting: _Noting, unit: Units, wanted: Units
) -> tuple[_Measure, Units]:
    """The rows of the `wanted` units to measure on, as many as memory is for, and these units."""
    taken, place = wanted, 0
    outputs: list[tuple[Tensor, ...]] = []
    targets: list[Tensor] = []
    for given, known in noting:
        each = (given,) if isinstance(given, Tensor) else given
        if not place:
            each_unit = sum(x[:1].numel() * x.element_size() for x in each)
            each_unit *= max(1, len(unit) // len(np.unique(unit)))
            taken = np.sort(wanted[: _BYTES // max(1, each_unit)])
        there = torch.from_numpy(np.isin(unit[place : place + len(known)], taken))
        place += len(known)
        outputs.append(tuple(x.detach().cpu()[there] for x in each))
        targets.append(known.detach().cpu()[there])
    whole = tuple(torch.cat(parts) for parts in zip(*outputs, strict=True))
    one = isinstance(given, Tensor)
    return _Measure(task, metric, whole[0] if one else whole, torch.cat(targets)), taken


@dataclass(frozen=True)
class _Measure:
    """A metric on some of the rows; NaN where it cannot be had of them."""

    task: Task
    metric: str
    outputs: Outputs
    targets: Tensor

    def __call__(self, rows: NDArray[np.int64]) -> float:
        place = torch.from_numpy(rows)
        given = self.outputs
        some = given[place] if isinstance(given, Tensor) else tuple(x[place] for x in given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of a class that no row of a draw has
            try:
                found = self.task.measure([(some, self.targets[place])])
                return float(found.get(self.metric, math.nan))
            except EvaluationError:
                return math.nan


def _rows_of(
    unit: Units, taken: NDArray[np.int64]
) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """A function from places in `taken` to the rows of these units, `unit` being that of each."""
    order = np.argsort(unit, kind="stable")
    ends = np.searchsorted(unit[order], taken, "right")
    begins = np.searchsorted(unit[order], taken, "left")
    if (ends - begins == 1).all():
        return lambda places: order[begins[places]]
    pieces = [order[a:b] for a, b in zip(begins, ends, strict=True)]
    return lambda places: np.concatenate([pieces[place] for place in places])


def _are_hits(values: Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())
