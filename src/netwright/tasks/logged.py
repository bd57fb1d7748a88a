"""What a log says of its task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.errors import SettingError
from netwright.objective import COSTS
from netwright.tasks.base import Metric, Task
from netwright.tasks.classification import ACCURACY, LOSS, Classification
from netwright.tasks.labels import MultiLabel
from netwright.tasks.next_token import NextToken
from netwright.tasks.regression import Regression

USUAL = (ACCURACY, LOSS)
"""Metrics where nothing says what outputs mean, as with a function for an evaluator."""


def metrics_of(settings: Mapping[str, Any]) -> tuple[Metric, ...]:
    """The metrics of a run's task, by the run's settings: that of its first objective first.

    Where nothing says what outputs mean, the metric of the first objective goes before the usual
    ones, unless it is a cost.
    """
    task, objectives = settings.get("task"), settings.get("objectives", ())
    if task:
        first = [each["metric"] for each in objectives[:1]]
        known = map(Metric.from_json, task["metrics"])
        return tuple(sorted(known, key=lambda metric: metric.name not in first))
    usual = {metric.name: metric for metric in USUAL}
    own = [Metric(o["metric"], o["direction"]) for o in objectives if not _is_cost(o["metric"])]
    leading = [usual.get(metric.name, metric) for metric in own[:1]]
    return (*leading, *(metric for metric in USUAL if metric not in leading))


def _is_cost(metric: str) -> bool:
    """Whether a metric is known before any training, or is measured on a target."""
    return "@" in metric or metric in COSTS


def task_from(body: Mapping[str, Any]) -> Task:
    """The task that `to_json` of one of ours gave.

    Raises:
        SettingError: It is of a kind that is not ours.
    """
    extra = tuple(body.get("extra", ()))
    match body:
        case {"kind": "classification", "names": names}:
            return Classification(tuple(names), body.get("weights"), extra)
        case {"kind": "labels", "names": names}:
            return MultiLabel(tuple(names), extra)
        case {"kind": "next_token", "ids": ids, "lengths": lengths, "places": places}:
            return NextToken(ids, lengths, places)
        case {"kind": "regression", "names": names, "mean": mean, "deviation": deviation}:
            return Regression(tuple(names), mean, deviation, extra)
    raise SettingError(
        "A task must be of kind classification, labels, regression or next_token, got "
        f"{body['kind']!r}."
    )


def is_ours(task: Task) -> bool:
    """Whether `task_from` makes a task again out of what it is in a log."""
    if isinstance(task, NextToken):
        return True
    if not isinstance(task, Classification | MultiLabel | Regression):
        return False
    return all(isinstance(each, str) for each in task.extra)


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
