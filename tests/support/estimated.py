"""Settings of an estimator whose `fit` takes a moment."""

from typing import Any

QUICK: dict[str, Any] = {"trials": 1, "full_epochs": 10, "refit": False, "random_state": 0}
