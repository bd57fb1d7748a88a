"""The regressor: a number or several for rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array

from netwright.estimators.base import NetEstimator
from netwright.estimators.whole_targets import check_within_float32, whole_numbers
from netwright.tasks import Regression


class NetRegressor(RegressorMixin, NetEstimator):  # type: ignore[misc]
    """A network for numbers, found by a search; an estimator of scikit-learn.

    Targets are numbers (n,), or (n, k) for several of each row. The settings and the attributes are
    those of `NetClassifier` without what is about classes. `metric` is "rmse" (the default), "mae"
    or "r2", or the name of a scorer of scikit-learn; `score` is R2.
    """

    def predict(self, X: Any) -> NDArray[Any]:
        """A number (n,) for each row, or (n, k) where `y` had several.

        They are as exact as float32; several are float64, which scikit-learn asks for.
        """
        found: NDArray[Any] = self._outputs(X).numpy()
        return found.astype(np.float64) if self._several else found[:, 0]

    def _read_targets(self, y: Any) -> tuple[NDArray[np.float32], Regression]:
        call = f"`{type(self).__name__}.fit(X, y)`"
        y = whole_numbers(y, call)
        given = check_array(y, ensure_2d=False, allow_nd=False, dtype="numeric", input_name="y")
        if given.dtype.kind not in "biuf":
            given = given.astype(np.float64)
        with np.errstate(over="ignore"):
            numbers = given.astype(np.float32)
        check_within_float32(given, numbers, call)
        self._several = numbers.ndim == 2 and numbers.shape[1] > 1
        if not self._several:
            return numbers.reshape(-1), Regression()
        return numbers, Regression(tuple(f"y{place}" for place in range(numbers.shape[1])))

    def _known(self) -> dict[str, Any]:
        return {**super()._known(), "several": self._several}

    def _restore(self, known: Any) -> None:
        super()._restore(known)
        self._several = known["several"]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
