"""What an evaluation gave back, checked: numbers of whatever kind become floats here alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from numbers import Real

import numpy as np
from torch import Tensor, nn

from netwright.errors import EvaluationError
from netwright.evaluate.base import Result


class Unusable(EvaluationError):
    """An evaluation gave back what is no result, or a metric that is no number."""


def usable(result: object, call: str) -> Result:
    """The result of `call`, with floats as metrics.

    Raises:
        Unusable: It is no `Result`, its model is no module, or a metric is no number.
    """
    if not isinstance(result, Result):
        raise Unusable(
            f'`{call}` must return a `Result` such as `Result({{"score": 0.9}})`, got a '
            f"{type(result).__name__}."
        )
    model: object = result.model
    if model is not None and not isinstance(model, nn.Module):
        raise Unusable(
            f"`{call}` must return a `Result` whose model is an `nn.Module` or None, got a "
            f"{type(model).__name__}."
        )
    points: object = result.curve
    if not isinstance(points, Iterable):
        points = [points]
    curve = tuple(floats(point, f"{call}: Result(curve=...)") for point in points)
    return replace(result, metrics=floats(result.metrics, call), curve=curve)


def floats(metrics: object, call: str) -> dict[str, float]:
    """The metrics that `call` gave as floats: of numbers of Python and NumPy, and 0-dim tensors.

    Raises:
        Unusable: They are no mapping from names to such numbers.
    """
    if not isinstance(metrics, Mapping):
        raise Unusable(
            f'`{call}` must give metrics as a mapping such as {{"score": 0.9}}, got a '
            f"{type(metrics).__name__}."
        )
    return {_name(name, call): _float(name, value, call) for name, value in metrics.items()}


def _name(name: object, call: str) -> str:
    if not isinstance(name, str):
        raise Unusable(f"`{call}` must give metrics by their names, got the key {name!r}.")
    return name


def _float(name: object, value: object, call: str) -> float:
    scalar = isinstance(value, Real)
    if isinstance(value, Tensor | np.ndarray):
        scalar = value.ndim == 0 and (not isinstance(value, Tensor) or not value.is_complex())
    try:
        if scalar:
            return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pass  # such as a NumPy text, or a whole number above all floats
    shape = f" of the shape {tuple(value.shape)}" if isinstance(value, Tensor | np.ndarray) else ""
    raise Unusable(
        f"`{call}` must give the metric {name!r} as a number, got a {type(value).__name__}{shape}."
    )
