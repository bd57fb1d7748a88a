"""Logs of before a metric had its target in its name: latency was measured on one target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MEASURED = "latency_ms"


def old_target(settings: Mapping[str, Any]) -> str | None:
    """Where latency was measured in a run whose metrics do not say it; None where they do."""
    return None if "targets" in settings else settings.get("target")


def upgraded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run as they are logged now."""
    target = old_target(settings)
    made = dict(settings)
    if target is None:
        return made
    made["limits"] = [
        {"metric": _located(limit["metric"], limit.get("on") or target), "bound": limit["bound"]}
        for limit in settings["limits"]
    ]
    made["objectives"] = [
        {**each, "metric": _located(each["metric"], target)} for each in settings["objectives"]
    ]
    made["targets"] = [{"name": made.pop("target")}]
    if settings.get("call"):
        call = dict(settings["call"])
        call["limits"] = [_called(text) for text in call.get("limits") or []]
        made["call"] = call
    return made


def with_targets(kind: str, body: Mapping[str, Any], target: str | None) -> dict[str, Any]:
    """The body of an event with the target in the names of its metrics, if there is an old one."""
    made = dict(body)
    if target is None:
        return made
    if kind in ("finished", "rejected", "measured"):
        made["metrics"] = _metrics(body["metrics"], target)
    if kind == "confirmed":
        made["trials"] = {n: _metrics(each, target) for n, each in body["trials"].items()}
    if kind == "created" and body.get("known"):
        made["known"] = [
            {**each, "metrics": _metrics(each["metrics"], target)} for each in body["known"]
        ]
    return made


def _metrics(metrics: Mapping[str, Any], target: str) -> dict[str, Any]:
    return {_located(name, target): value for name, value in metrics.items()}


def _located(metric: str, target: str) -> str:
    return f"{metric}@{target}" if metric == _MEASURED else metric


def _called(text: str) -> str:
    """`latency_ms=0.5@pytorch`, as a limit was written, as it is now."""
    metric, equals, rest = text.partition("=")
    value, at, target = rest.partition("@")
    return f"{metric}@{target}={value}" if equals and at else text
