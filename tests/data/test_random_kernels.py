"""Random kernels as the reference of series."""

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.data.random_kernels import FEATURES, RandomKernels
from netwright.evaluate.reference import reference


def test_features_do_not_depend_on_what_makes_series_as_long() -> None:
    x = torch.randn(6, 2, 30, generator=torch.Generator().manual_seed(0))
    kernels = RandomKernels.fitted(x)
    longer = torch.cat([x, torch.full((6, 2, 9), torch.nan)], 2)
    wanted = kernels.features(x)
    assert wanted.shape == (6, FEATURES)
    assert np.array_equal(kernels.features(longer), wanted)
    assert np.array_equal(RandomKernels.fitted(x).features(x), wanted)
    assert 0.3 < wanted.mean() < 0.7


@pytest.mark.parametrize("task", ["classification", "regression", "multilabel"])
def test_unequal_series_have_a_reference(task: str) -> None:
    rng = np.random.default_rng(0)
    rows, level = [], rng.integers(2, size=60)
    for high in level:
        steps = rng.integers(20, 40)
        rows.append(np.sin(np.arange(steps) * (1.0 if high else 0.4)) + rng.normal(size=steps) / 5)
    y = {
        "classification": level,
        "regression": level + rng.normal(size=60) / 20,
        "multilabel": np.stack([level, rng.integers(2, size=60)], 1),
    }[task]
    found = reference(nw.data.from_arrays(rows, y, task=task))
    assert found is not None
    assert found["name"].endswith(" on random kernels")
    assert "left_out" not in found
    if task == "classification":
        assert found["accuracy"] == 1
        assert "loss" not in found
    if task == "regression":
        assert found["r2"] > 0.9
