"""All that scikit-learn asks of an estimator."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

import netwright as nw

LEARNING = {"check_classifiers_train", "check_regressors_train", "check_class_weight_classifiers"}
"""Checks that ask for a network that learned something."""

DEAR = LEARNING | {
    "check_classifier_data_not_an_array",
    "check_classifiers_classes",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_regressor_data_not_an_array",
    "check_regressors_int",
}
"""Checks that take long, since they learn or fit often."""


def cases() -> Iterator[Any]:
    """Each check of each estimator; what both are asked for, of the regressor when thorough."""
    asked: set[str] = set()
    for kind in (nw.NetClassifier, nw.NetRegressor):
        shown: dict[str, int] = {}
        for _, check in estimator_checks_generator(kind()):
            name = getattr(check, "func", check).__name__
            shown[name] = shown.get(name, 0) + 1
            epochs = 20 if name in LEARNING else 1
            estimator = kind(trials=1, full_epochs=epochs, refit=False)
            marks = [pytest.mark.thorough] if name in DEAR or name in asked else []
            told = f"{kind.__name__}-{name}-{shown[name]}"
            yield pytest.param(estimator, check, id=told, marks=marks)
        asked |= shown.keys()


@pytest.mark.parametrize(("estimator", "check"), [*cases()])
def test_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
