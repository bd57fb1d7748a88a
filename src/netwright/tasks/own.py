"""What a task of a user's own gives, checked where data are made of it."""

from __future__ import annotations

import numpy as np

from netwright.errors import SettingError
from netwright.tasks.base import Metric, Task
from netwright.tasks.split import Rows


def check_task(task: object) -> None:
    """Refuse what is no task, or one whose metrics are none; None is left out.

    Raises:
        SettingError: Says what it must be.
    """
    if task is None:
        return
    if not isinstance(task, Task):
        made = ", an instance of that class" if isinstance(task, type) else ""
        raise SettingError(
            f"`task=...` must be a `netwright.Task` of your own{made}, or None for a "
            f"classification, got {task!r}."
        )
    metrics: object = task.metrics
    listed = isinstance(metrics, tuple | list) and metrics
    if not (listed and all(isinstance(metric, Metric) for metric in task.metrics)):
        raise SettingError(
            f'`{type(task).__name__}.metrics` must be a tuple such as (Metric("rmse", "minimize"),)'
            f", one at least, got {metrics!r}."
        )


def checked_split(task: Task, split: object, count: int) -> tuple[Rows, Rows, Rows]:
    """The row numbers of three parts, as a task gave them for `count` rows.

    Raises:
        SettingError: They are no three parts, or not all rows once.
    """
    call = f"{type(task).__name__}.split(...)"
    if not isinstance(split, tuple | list) or len(split) != 3:
        raise SettingError(
            f"`{call}` must return the row numbers of train, validation and test, got "
            f"{type(split).__name__ if split is not None else None}."
        )
    train, validation, test = (np.asarray(rows) for rows in split)
    parts = (train, validation, test)
    whole = all(rows.ndim == 1 and (rows.dtype.kind in "iu" or not rows.size) for rows in parts)
    every = np.concatenate([rows.ravel() for rows in parts])
    if not whole or not np.array_equal(np.sort(every), np.arange(count)):
        raise SettingError(
            f"`{call}` must give each of the {count:,} rows to one of the three parts, by whole "
            f"numbers from 0, got {len(every):,} row numbers, {len(np.unique(every)):,} of them "
            "different."
        )
    return train.astype(np.int64), validation.astype(np.int64), test.astype(np.int64)
