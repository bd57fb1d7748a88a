"""What the weights of a network were trained on, in words."""

from __future__ import annotations

from netwright.record.record import Record
from netwright.trial import Trial


def first_of_folds(record: Record, trial: Trial) -> int:
    """Of how many folds the weights of a network are those of the first; 0 where they are not.

    An ensemble has a network for each fold, and a refit learned from all rows.
    """
    evaluator = record.settings["evaluator"] or {}
    folds = evaluator.get("folds", 1)
    alone = record.settings.get("networks") == 1
    return int(folds) if alone and folds > 1 and not trial.proposal.stage.is_refit else 0


def weights_told(record: Record, trial: Trial) -> str:
    """What the weights are from, where the figures are not of them alone; else empty."""
    if trial.proposal.stage.is_refit:
        return (
            "The weights are from training on the train and validation parts together, the last "
            "step. The validation figures are from before it, after training on the train part."
        )
    folds = first_of_folds(record, trial)
    if not folds:
        return ""
    return (
        f"The weights are those of the first of {folds} folds, which learned from {folds - 1} of "
        f"{folds} parts of the train and validation rows. The validation figures are those of the "
        "networks of all folds, each on the rows that it did not learn from."
    )
