"""The regressor: a number or several for rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array

from netwright.errors import DataError
from netwright.estimators.base import NetEstimator
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
        given = check_array(y, ensure_2d=False, allow_nd=False, dtype="numeric", input_name="y")
        if given.dtype.kind not in "biuf":
            given = given.astype(np.float64)
        with np.errstate(over="ignore"):
            numbers = given.astype(np.float32)
        if not np.isfinite(numbers).all():
            raise DataError("y holds a number beyond float32; give it in a larger unit.")
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
