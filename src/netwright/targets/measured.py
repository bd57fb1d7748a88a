"""What one network costs on one target: made ready there, measured, and what came back checked."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import nn

from netwright.errors import EvaluationError, NetwrightError
from netwright.network.normalised import Deployment
from netwright.network.onnx_graph import first_line
from netwright.objective import MetricName
from netwright.targets.base import Target


def measured(
    target: Target, network: nn.Module, deployment: Deployment, *, whole: bool = False
) -> dict[str, float]:
    """What a network costs on a target, by metric; `whole` with what no limit can be on.

    The network takes normalised inputs; what is measured takes raw ones, as it will be deployed.

    Raises:
        EvaluationError: The network cannot be run there, or a metric is missing or no number.
        MissingExtra: A package is not installed.
    """
    try:
        artifact = target.prepare(
            deployment.raw(network), deployment.signature, deployment.examples
        )
        listed: object = target.measure([artifact])
    except NetwrightError:
        raise
    except Exception as error:
        takes = ", ".join(spec.text for spec in deployment.signature.inputs)
        raise EvaluationError(
            f"What a network on {takes} costs on {target.name} cannot be measured: "
            f"{first_line(error)}"
        ) from error
    if not isinstance(listed, list | tuple) or len(listed) != 1 or not _is_mapping(listed[0]):
        raise EvaluationError(
            f"`{type(target).__name__}.measure(artifacts)` must return a list with a mapping of "
            f"metrics for each artifact, got {listed!r} for one."
        )
    return _checked(target, listed[0], whole)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _checked(target: Target, figures: Mapping[str, float], whole: bool) -> dict[str, float]:
    names = [*target.metrics]
    names += [name for name in figures if whole and name not in target.metrics]
    found: dict[str, float] = {}
    for name in names:
        value = figures.get(name)
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise EvaluationError(
                f"The target {target.name!r} must measure {name} as a finite number, got {value!r}."
            )
        if name in target.metrics and value <= 0:
            raise EvaluationError(
                f"The target {target.name!r} must measure {name} as a number above 0, got "
                f"{value!r}."
            )
        found[MetricName.on(name, target.name)] = float(value)
    return found
