"""A search on a table: a strategy proposes, the table answers, and a simulated clock runs.

As in NAS-Bench-201 and NATS-Bench a trial takes the seconds that were recorded when the network was
trained. Simulated workers ask the strategy in the order in which they become free, so that what it
does not know yet is in flight as it would be. An architecture is not trained twice for a budget;
each training begins anew.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from netwright.bench.table import Table
from netwright.errors import SettingError
from netwright.objective import Objective
from netwright.stopping import Stopped
from netwright.strategies import Strategy
from netwright.trial import Budget, Proposal, Trial

_ATTEMPTS = 200  # proposals that are known already, before a random one is taken


@dataclass(frozen=True)
class Course:
    """What was evaluated, in the order it ended: rows of the table, and the clock then.

    `epochs` are the budgets of the evaluations, 0 where a strategy names none.
    """

    rows: NDArray[np.int64]
    seconds: NDArray[np.float64]
    epochs: NDArray[np.int64]

    def incumbents(self, table: Table, signal: str) -> NDArray[np.int64]:
        """After each evaluation the row that is best by a metric, larger being better.

        Of several budgets the largest counts.
        """
        values = np.empty(len(self.rows))
        for epochs in np.unique(self.epochs).tolist():
            own = self.epochs == epochs
            values[own] = table.column(signal, epochs or None)[self.rows[own]]
        distinct = np.unique(np.column_stack([self.epochs, values]), axis=0, return_inverse=True)
        places = np.where(np.isfinite(values), distinct[1].ravel(), -1)
        before = np.maximum.accumulate(np.append(-1, places[:-1]))
        better = np.where(places > before, np.arange(len(places)), 0)
        found: NDArray[np.int64] = self.rows[np.maximum.accumulate(better)]
        return found


def simulate(
    table: Table,
    strategy: Strategy | Stopped,
    objectives: Sequence[Objective],
    *,
    seed: int = 0,
    evaluations: int | None = None,
    seconds: float | None = None,
    cost: str | None = None,
    workers: int = 1,
) -> Course:
    """Search a table until `evaluations` have ended, or the clock has run for `seconds`.

    The objectives' metrics are columns of the table, and so is `cost`, in seconds; without it each
    trial takes one. Where a strategy names epochs they are those of that budget. A network that
    would end after `seconds` is not counted. A value that is NaN makes a failed trial.

    Raises:
        SettingError: No budget, an unknown column, or fewer than one worker.
    """
    if evaluations is None and seconds is None:
        raise SettingError("`simulate(...)` must have a budget: give evaluations or seconds.")
    if workers < 1:
        raise SettingError(f"`simulate(workers=...)` must be at least 1, got {workers!r}.")
    names = [o.metric for o in objectives]
    for name in names:
        table.column(name)  # is refused if there is none
    costs = _costs(table, cost)
    search = strategy.start(table.searched_by(names[0]), objectives)
    most = math.inf if evaluations is None else evaluations
    until = math.inf if seconds is None else seconds
    known: set[tuple[int, Budget | None]] = set()  # rows and budgets
    flying: list[tuple[float, int, Proposal, int]] = []  # when it ends, number, what, row
    rows: list[int] = []
    clocks: list[float] = []
    budgets: list[int] = []
    number, clock = 0, 0.0
    while len(rows) < most:
        while len(flying) < workers and number < most:
            drawn = _propose(table, search.propose, known, [f[2] for f in flying], seed, number)
            if drawn is None:
                break
            proposal, row = drawn
            known.add((row, proposal.budget))
            ends = clock + costs(proposal.epochs)[row]
            heapq.heappush(flying, (ends, number, proposal, row))
            number += 1
        if not flying or flying[0][0] > until:
            break
        clock, done, proposal, row = heapq.heappop(flying)
        metrics: dict[str, float] = {
            name: float(table.column(name, proposal.epochs)[row]) for name in names
        }
        well = all(map(math.isfinite, metrics.values()))
        search.observe(Trial(done, proposal, "done" if well else "failed", metrics))
        rows.append(row)
        clocks.append(clock)
        budgets.append(proposal.epochs or 0)
    return Course(np.array(rows, np.int64), np.array(clocks), np.array(budgets, np.int64))


def _costs(table: Table, cost: str | None) -> Callable[[int | None], NDArray[np.float64]]:
    """The seconds of each row by epochs."""

    @cache
    def costs(epochs: int | None) -> NDArray[np.float64]:
        found = np.ones(len(table)) if cost is None else table.column(cost, epochs)
        if not (found >= 0).all():
            row = int(np.argmin(found >= 0))
            raise SettingError(
                f"`simulate(cost={cost!r})` must be a column of numbers from 0 up, got "
                f"{found[row]} in row {row}."
            )
        return found

    costs(None)
    return costs


def _propose(
    table: Table,
    propose: Callable[[np.random.Generator, list[Proposal]], Proposal | None],
    known: set[tuple[int, Budget | None]],
    flying: list[Proposal],
    seed: int,
    number: int,
) -> tuple[Proposal, int] | None:
    """A proposal that is in the table and was not made before; None to wait or to end."""
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([seed, number, attempt])
        proposal = propose(rng, flying)
        if proposal is None:
            if flying:
                return None
            break
        row = table.row(proposal.architecture)
        if row is not None and (row, proposal.budget) not in known:
            return proposal, row
    rng = np.random.default_rng([seed, number, _ATTEMPTS])
    tried = {row for row, _ in known}
    left = [row for row in table.distinct if row not in tried]
    if not left:
        return None
    row = left[int(rng.integers(len(left)))]
    return Proposal(table.architecture(row)), row
