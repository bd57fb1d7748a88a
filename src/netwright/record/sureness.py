"""How sure the result of a run is, in sentences."""

from __future__ import annotations

from netwright.objective import MetricName
from netwright.record.choice import DESIGN, Finalist
from netwright.record.record import Record
from netwright.trial import Trial

_LEAST = {"macs": "the fewest multiply-accumulates", "params": "the fewest parameters"}


def judged_told(record: Record, trial: Trial | None) -> list[str]:
    """How far a network is from what it is compared with, a sentence each; empty for others."""
    if trial is None or record.judged is None or record.judged.number != trial.number:
        return []
    metrics = {metric.name: metric for metric in record.metrics}
    return [
        each.told(metrics[each.metric]) for each in record.judged.others if each.metric in metrics
    ]


def choice_told(record: Record, trial: Trial | None) -> str:
    """Why a network was taken, where its figure alone did not decide; empty for others."""
    finalist = None if trial is None else finalist_of(record, trial)
    if record.choice is None or finalist is None or finalist.trial != record.choice.number:
        return ""
    finalists = record.choice.finalists
    tied = sum(each.tied for each in finalists)
    twice = sum(each.seeds > 1 for each in finalists)
    rows = f"{finalists[0].rows:,} validation rows" if finalists[0].rows else "validation rows"
    again = f", {twice} of them trained twice," if twice else ""
    if tied > 1:
        which = f"{tied} networks cannot be told apart by {rows}{again}"
        return f"{which.rstrip(',')}; of these it {_by(record.choice.cost)}."
    if twice:
        return (
            f"The {twice} best networks were trained twice to tell them apart; by the mean of both "
            f"trainings on {rows} it is the best."
        )
    return ""


def _by(cost: str) -> str:
    """By what it was taken of those that cannot be told apart."""
    if cost == DESIGN:
        return "is the first well-known one, which says more than so few rows"
    metric = MetricName(cost) if cost else None
    if metric is None:
        return "has the best figure, and none costs much less"
    return f"has {_LEAST.get(metric, f'the least {metric}')}"


def finalist_of(record: Record, trial: Trial) -> Finalist | None:
    """What the choice says of a network: of this trial, or of the one that it is trained again of.

    None where it says nothing.
    """
    found = {} if record.choice is None else {x.trial: x for x in record.choice.finalists}
    before = trial.proposal.parent if trial.proposal.stage.is_refit else None
    return found.get(trial.number) or found.get(-1 if before is None else before)


def error_told(record: Record, trial: Trial) -> str:
    """How sure the validation figure of a network is, in a few words; empty if nothing is known."""
    finalist = finalist_of(record, trial)
    if finalist is None or finalist.error is None:
        return ""
    fraction = record.is_fraction(record.objectives[0].metric)
    error = f"{100 * finalist.error:.1f} points" if fraction else f"{finalist.error:.2g}"
    rows = f" on {finalist.rows:,} rows, which chose it" if finalist.rows else ""
    return f"± {error}{rows}"


def behind_told(record: Record, trial: Trial) -> str:
    """How far a finalist is behind the best one, in a few words; empty if nothing is known."""
    finalist = finalist_of(record, trial)
    if finalist is None or finalist.behind_error is None:
        return ""
    fraction = record.is_fraction(record.objectives[0].metric)
    times, digits = (100, ".1f") if fraction else (1, ".2g")
    size, error = times * finalist.behind, times * finalist.behind_error
    told = f"{size:{digits}} ± {error:{digits}}{' points' if fraction else ''}"
    return f"{told}, tied" if finalist.tied else told
