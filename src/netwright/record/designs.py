"""What is told of the well-known networks that a search tried."""

from __future__ import annotations

from netwright.record.record import Record
from netwright.trial import Stage, Trial


def designs_told(record: Record) -> str:
    """What they reached on the validation part, as words; empty where none was tried.

    Each is told in the last stage that it came to, those that came further first.
    """

    def further(trial: Trial) -> tuple[Stage, float]:
        return trial.proposal.stage, record.metric.objective.gain(trial.metrics)

    best: dict[str, Trial] = {}
    for trial in record.history:
        name = trial.proposal.design
        stage = trial.proposal.stage
        if name is None or not trial.done or stage.is_refit or stage.is_recheck:
            continue
        if name not in best or further(trial) > further(best[name]):
            best[name] = trial
    return ", ".join(
        f"{name} {record.metric.show(reached)} ({trial.proposal.stage})"
        for name, trial in sorted(best.items(), key=lambda each: further(each[1]), reverse=True)
        if (reached := trial.metrics.get(record.metric.name)) is not None
    )


def designs_noted(record: Record, trial: Trial) -> str:
    """A sentence or two about them beside a network; empty where none was tried."""
    told = designs_told(record)
    if not told:
        return ""
    own = trial.proposal.design
    return (
        f"{f'It is the well-known network {own}. ' if own else ''}"
        f"Well-known networks by validation {record.metric.name}: {told}."
    )
