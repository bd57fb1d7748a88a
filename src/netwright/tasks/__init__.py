"""What outputs mean: losses, metrics, splits by label and decoding.

A task sees outputs and targets; where the examples come from is a matter of `data`.
"""

from netwright.tasks.base import Classical, Metric, Outputs, Task
from netwright.tasks.classification import Classification
from netwright.tasks.labels import MultiLabel
from netwright.tasks.logged import (
    USUAL,
    is_ours,
    metrics_of,
    shared_score_of,
    task_from,
    upgraded,
)
from netwright.tasks.next_token import NextToken
from netwright.tasks.regression import Regression
from netwright.tasks.split import Rows, check_fractions
from netwright.tasks.spread import Spread, spread_of

__all__ = [
    "USUAL",
    "Classical",
    "Classification",
    "Metric",
    "MultiLabel",
    "NextToken",
    "Outputs",
    "Regression",
    "Rows",
    "Spread",
    "Task",
    "check_fractions",
    "is_ours",
    "metrics_of",
    "shared_score_of",
    "spread_of",
    "task_from",
    "upgraded",
]
