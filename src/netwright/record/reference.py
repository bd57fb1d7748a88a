"""What is told of the reference that a network is compared with."""

from __future__ import annotations

from netwright.record.record import Record


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
