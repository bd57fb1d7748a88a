"""What outputs mean: losses, metrics, splits by label and decoding.

A task sees outputs and targets; where the examples come from is a matter of `data`.
"""

from netwright.tasks.base import Metric, Outputs, Task
from netwright.tasks.classification import Classification
from netwright.tasks.logged import USUAL, metrics_of, shared_score_of, task_from, upgraded
from netwright.tasks.split import Rows, check_fractions

__all__ = [
    "USUAL",
    "Classification",
    "Metric",
    "Outputs",
    "Rows",
    "Task",
    "check_fractions",
    "metrics_of",
    "shared_score_of",
    "task_from",
    "upgraded",
]
