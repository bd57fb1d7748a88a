"""What is told of the reference that a network is compared with."""

from __future__ import annotations

from netwright.record.judged import Beside
from netwright.record.record import Record
from netwright.trial import Trial


def is_below_reference(record: Record, trial: Trial) -> bool:
    """Whether the reference is better on the test part than this network.

    Where it is known how sure that is, only if it is sure; else by the two figures alone.
    """
    beside = beside_reference(record, trial)
    if beside is not None:
        return beside.verdict == "below"
    tested = record.tested_score(trial)
    scores = {} if tested is None else {record.metric.name: tested}
    return record.metric.is_below(scores, record.reference or {})


def beside_reference(record: Record, trial: Trial) -> Beside | None:
    """How far a network is from the reference, and how sure that is; None if it is not known."""
    judged = record.judged
    if judged is None or judged.number != trial.number:
        return None
    found = (each for each in judged.others if each.kind == "reference")
    return next((each for each in found if each.metric == record.metric.name), None)


def models_compared(record: Record) -> str:
    """Say what the classical models reached that the reference was chosen from.

    Empty where there was one alone.
    """
    reference = record.reference or {}
    reached, by = reference.get("compared", {}), reference.get("compared_by")
    if len(reached) < 2:
        return ""
    metric = next((each for each in record.metrics if each.name == by), record.metric)
    told = ", ".join(f"{name} {metric.show(value)}" for name, value in reached.items())
    return f"chosen on rows of the train part from: {told}"
