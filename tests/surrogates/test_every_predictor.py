"""Every exported predictor passes every check; a new one gets its tests by being exported."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from netwright.surrogates import Fitted, GaussianProcess, Predictor
from netwright.testing import predictors
from netwright.testing.exports import PREDICTORS
from netwright.testing.predictors import PREDICTOR_CHECKS


@pytest.mark.parametrize("check", PREDICTOR_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("predictor", PREDICTORS, ids=lambda p: p.__name__)
def test_conformance(predictor: type[Predictor], check) -> None:
    check(predictor)


@dataclass(frozen=True)
class Faulty(Predictor):
    """A Gaussian process with a fault."""

    orderless = True
    fault: str

    def fit(self, space, architectures, scores) -> Fitted:
        if self.fault == "takes anything":
            scores = np.nan_to_num(np.resize(scores, len(architectures)), posinf=0.0)
        fitted = GaussianProcess().fit(space, architectures, scores)
        return FaultyFitted(self.fault, fitted, next(iter(scores)))


class FaultyFitted(Fitted):
    calls = 0

    def __init__(self, fault: str, fitted: Fitted, first: float) -> None:
        self._fault, self._fitted, self._first = fault, fitted, first

    def predict(self, architectures) -> tuple[Any, Any]:
        if self._fault == "needs a network" and not architectures:
            return np.zeros(1), np.ones(1)
        mean, deviation = self._fitted.predict(architectures)
        FaultyFitted.calls += 1
        with np.errstate(all="ignore"):
            return {
                "turned around": (100 - mean, deviation),
                "another unit": (mean / 100, deviation),
                "too certain where it is far": (mean, 1 / deviation),
                "squares": (mean, deviation + np.square(mean) - np.square(mean)),
                "not certain at all": (mean, deviation * np.nan),
                "changes": (mean + FaultyFitted.calls, deviation),
                "first": (mean + np.nan_to_num(self._first, neginf=0.0), deviation),
                "failures are good": (np.where(mean < 70, 1e3, mean), deviation),
            }.get(self._fault, (mean, deviation))


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("turned around", predictors.better_networks_are_told),
        ("another unit", predictors.better_networks_are_told),
        ("too certain where it is far", predictors.far_is_less_certain),
        ("not certain at all", predictors.few_and_equal_scores_are_survived),
        ("squares", predictors.scores_of_any_size_are_survived),
        ("changes", predictors.equal_fits_predict_equally),
        ("first", predictors.order_does_not_matter_where_that_is_said),
        ("failures are good", predictors.failures_are_survived),
        ("needs a network", predictors.no_networks_have_no_predictions),
        ("takes anything", predictors.wrong_scores_are_refused),
    ],
)
def test_a_fault_is_found(fault: str, check) -> None:
    check(lambda: Faulty("none"))
    with pytest.raises(AssertionError):
        check(lambda: Faulty(fault))
