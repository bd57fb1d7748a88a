"""How sure it is that the network of a run is better than what it is compared with.

With the reference it is compared on the test part, which chose neither. With the best of the
well-known networks it is on the validation part, after the last stage that both came to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from netwright.network.weights import tensor_bytes
from netwright.record.artifacts import spread_key
from netwright.record.events import Judged
from netwright.record.judged import Beside
from netwright.record.reading import read_record
from netwright.record.record import Record
from netwright.record.writing import write
from netwright.run.choice import Scored, scored, spread_in
from netwright.run.plan import Plan
from netwright.store import Store
from netwright.tasks import Metric
from netwright.tasks.spread import Spread
from netwright.trial import RECHECK, Trial

REFERENCE = "reference"
TEST = "test"


def keep_spread(
    store: Store, run: str, trial: int | str, found: Callable[[], Spread | None]
) -> None:
    """Keep how sure the test figure of a trial, or of the reference, is, if it can be `found`."""
    try:
        spread = found()
    except Exception:  # of a task of the user's own: then nothing is said of it
        return
    if spread is not None:
        store.put(run, spread_key(trial, TEST), tensor_bytes(spread.to_tensors()))


def judge(store: Store, run: str, plan: Plan, best: Trial) -> None:
    """Log how far the network of a run is from the reference, and from the best design."""
    record = read_record(store, run)
    found = (_reference(store, record, best), _design(store, record, plan, best))
    others = tuple(each for each in found if each is not None)
    fact = Judged(best.number, others)
    if others and fact != record.judged:
        write(store, run, fact)


def _reference(store: Store, record: Record, best: Trial) -> Beside | None:
    """Beside the reference on the test part."""
    tested, reference, metric = record.tested_score(best), record.reference_score, record.metric
    ours, theirs = (
        spread_in(store, record.name, spread_key(trial, TEST)) for trial in (best.number, REFERENCE)
    )
    if tested is None or reference is None:
        return None
    return beside(metric, record.reference_name, (tested, reference), (ours, theirs))


def beside(
    metric: Metric,
    name: str,
    scores: tuple[float, float],
    spreads: tuple[Spread | None, Spread | None],
) -> Beside | None:
    """How far a network is from the reference of this name on the test part, and how sure that is.

    `scores` and `spreads` are those of the network and of the reference. None where it is not known
    how sure they are, or where they answered different rows.
    """
    ours, theirs = spreads
    error = None if ours is None or theirs is None else ours.error_beside(theirs)
    if ours is None or error is None or not math.isfinite(error):
        return None
    gain = metric.objective.gain
    difference = gain({metric.name: scores[0]}) - gain({metric.name: scores[1]})
    return Beside("reference", name, metric.name, "test", ours.rows, difference, error)


def _design(store: Store, record: Record, plan: Plan, best: Trial) -> Beside | None:
    """Beside the best well-known network of the last stage that both were trained in as long."""
    objective, metric = plan.objectives[0], record.metric
    if objective.metric != metric.name or best.proposal.design is not None:
        return None
    for trial in _way(record, best):
        rivals = [
            each
            for each in record.history.allowed(plan.limits, trial.proposal.stage)
            if each.proposal.design is not None and each.proposal.budget == trial.proposal.budget
        ]
        for rival in sorted(rivals, key=lambda t: (-objective.gain(t.metrics), t.number))[:1]:
            ours, theirs = _trained(store, record, plan, (trial, rival))
            error = ours.error_beside(theirs)
            if ours.spread is not None and error is not None and math.isfinite(error):
                name, rows = str(rival.proposal.design), ours.spread.rows
                difference = ours.gain - theirs.gain
                return Beside("design", name, metric.name, "validation", rows, difference, error)
    return None


def _way(record: Record, trial: Trial) -> list[Trial]:
    """The trials of a network that were scored on the validation part, the last one first."""
    found: list[Trial] = []
    each: Trial | None = trial
    while each is not None:
        if not each.proposal.stage.is_refit:
            found.append(each)
        each = record.history.numbered(each.proposal.parent)
    return found


def _trained(store: Store, record: Record, plan: Plan, trials: Sequence[Trial]) -> list[Scored]:
    """Networks by their trainings, with those of the recheck if all of them had one."""
    again = {t.proposal.parent: t for t in record.history if t.proposal.stage == RECHECK and t.done}
    both = all(trial.number in again for trial in trials)
    return [
        scored(store, record.name, plan.objectives[0], [t, *([again[t.number]] if both else [])])
        for t in trials
    ]
