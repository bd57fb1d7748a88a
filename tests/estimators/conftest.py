"""Rows of a table that all tests of estimators learn from."""

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from estimated import QUICK


@pytest.fixture(scope="session")
def table() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(80, 3))
    frame = pd.DataFrame(
        {
            "size": numbers[:, 0],
            "city": np.where(numbers[:, 1] > 0, "Rome", "Oslo"),
            "day": pd.date_range("2024-01-01", periods=80),
            "gap": np.where(numbers[:, 2] > 0.5, np.nan, numbers[:, 2]),
        }
    )
    label = np.where(numbers[:, 0] + (numbers[:, 1] > 0) > 0.5, "long", "wide")
    return frame, pd.Series(label, name="label")


@pytest.fixture(scope="session")
def fitted(table) -> nw.NetClassifier:
    return nw.NetClassifier(**QUICK).fit(*table)
