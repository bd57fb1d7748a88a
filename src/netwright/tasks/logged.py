"""What a log says of its task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.errors import SettingError
from netwright.tasks.base import Metric, Task
from netwright.tasks.classification import ACCURACY, LOSS, Classification

USUAL = (ACCURACY, LOSS)
"""Metrics where nothing says what outputs mean, as with a function for an evaluator."""


def metrics_of(settings: Mapping[str, Any]) -> tuple[Metric, ...]:
    """The metrics of a run's task, the one that is searched for first, by the run's settings."""
    task = settings.get("task")
    return tuple(map(Metric.from_json, task["metrics"])) if task else USUAL


def task_from(body: Mapping[str, Any]) -> Task:
    """The task that `to_json` of one of ours gave.

    Raises:
        SettingError: It is of a kind that is not ours.
    """
    if body["kind"] != "classification":
        raise SettingError(f"A task must be of kind classification, got {body['kind']!r}.")
    return Classification(tuple(body["names"]))


def shared_score_of(named: Mapping[str, Any]) -> float:
    """The score by shared weights of a network that a log names; older logs call it another way."""
    score: float = named["score"] if "score" in named else named[f"shared_{ACCURACY.name}"]
    return score


def upgraded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run as they are logged now, where they are of before there were tasks."""
    if "task" in settings or "classes" not in settings.get("space", {}):
        return dict(settings)
    space = dict(settings["space"])
    space["outputs"] = space.pop("classes")
    names = space.pop("class_names", None)
    return {**settings, "space": space, "task": Classification(names).to_json() if names else None}
