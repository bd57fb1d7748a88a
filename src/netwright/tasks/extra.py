"""Metrics of a user's own: scorers of scikit-learn by their names, and plain functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from netwright.errors import EvaluationError, SettingError
from netwright.tasks.base import Metric

Extra = str | Callable[[NDArray[Any], NDArray[Any]], float]
"""The name of a scorer of scikit-learn, or a function of targets and decoded outputs."""

Kind = Literal["classes", "labels", "numbers"]


def checked_extra(call: str, extra: Iterable[Extra], taken: Iterable[str]) -> tuple[Extra, ...]:
    """Metrics that can be asked for beside those that are `taken`.

    Raises:
        SettingError: One is no scorer and no function, or has the name of another.
    """
    given = (extra,) if isinstance(extra, str) else tuple(extra)
    names = list(taken)
    for each in given:
        if isinstance(each, str):
            known = import_module("sklearn.metrics").get_scorer_names()
            if each not in known:
                raise SettingError(
                    f"`{call}(extra=...)` must have names of scikit-learn's scorers "
                    f"(`sklearn.metrics.get_scorer_names()`) or functions, got {each!r}."
                )
        elif not callable(each):
            raise SettingError(
                f"`{call}(extra=...)` must have names of scorers or functions "
                f"`(targets, outputs) -> float`, got {each!r}."
            )
        if name_of(each) in names:
            raise SettingError(
                f"`{call}(extra=...)` must have names that all differ from those of other "
                f"metrics, got {name_of(each)!r}."
            )
        names.append(name_of(each))
    return given


def name_of(extra: Extra) -> str:
    """What the metric is called: a scorer by its name, a function by its own."""
    return extra if isinstance(extra, str) else getattr(extra, "__name__", type(extra).__name__)


def metrics_of(extra: Iterable[Extra]) -> tuple[Metric, ...]:
    """The metrics; more is better, as scikit-learn has it."""
    return tuple(Metric(name_of(each), "maximize") for each in extra)


def measured(
    extra: Iterable[Extra], targets: NDArray[Any], decoded: NDArray[Any], kind: Kind
) -> dict[str, float]:
    """The metrics of targets and decoded outputs of all rows.

    Raises:
        EvaluationError: A scorer is for another kind of targets.
    """
    found = {}
    for each in extra:
        if isinstance(each, str):
            found[each] = _score(each, targets, decoded, kind)
        else:
            found[name_of(each)] = float(each(targets, decoded))
    return found


def _score(name: str, targets: NDArray[Any], decoded: NDArray[Any], kind: Kind) -> float:
    """What a scorer of scikit-learn says of an estimator that has these answers."""
    base, scorers = import_module("sklearn.base"), import_module("sklearn.metrics")
    estimator: Any = base.BaseEstimator
    mixin: Any = base.RegressorMixin if kind == "numbers" else base.ClassifierMixin

    class Answered(mixin, estimator):  # type: ignore[misc]
        """Answers rows by their numbers."""

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def predict(self, rows: NDArray[np.int64]) -> NDArray[Any]:
            given = decoded[rows[:, 0]]
            if kind == "classes":
                classes: NDArray[Any] = given.argmax(1)
                return classes
            return (given >= 0.5).astype(int) if kind == "labels" else given

        def predict_proba(self, rows: NDArray[np.int64]) -> NDArray[Any]:
            return decoded[rows[:, 0]]

    if kind != "numbers":
        places = np.arange(decoded.shape[1])
        Answered.classes_ = places if kind == "classes" else [np.arange(2)] * len(places)
    wanted = (targets > 0.5).astype(int) if kind == "labels" else targets
    try:
        return float(scorers.get_scorer(name)(Answered(), np.arange(len(decoded))[:, None], wanted))
    except (ValueError, TypeError, AttributeError) as error:
        raise EvaluationError(f"The metric {name!r} cannot be had: {error}") from error
