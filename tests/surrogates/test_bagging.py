"""Members that learn from samples: by what their deviation is too small."""

import numpy as np
import pytest

from netwright.surrogates.bagging import bootstrap, widening


def test_samples_are_drawn_with_replacement() -> None:
    drawn = bootstrap(np.random.default_rng(0), 50, 100)
    assert drawn.shape == (50, 100) and drawn.min() == 0 and drawn.max() == 99
    shares = [len(set(row)) / 100 for row in drawn.tolist()]
    assert np.mean(shares) == pytest.approx(1 - np.exp(-1), abs=0.02)


def test_rows_that_were_learnt_from_do_not_count() -> None:
    """Three members that leave out the last of three rows: they are 3 off there, and 1 apart."""
    drawn = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1]])
    said = np.array([[50.0, 9.0, 3 - np.sqrt(1.5)], [50.0, 9.0, 3.0], [-50, 9, 3 + np.sqrt(1.5)]])
    assert widening(said, np.zeros(3), drawn) == pytest.approx(3.0, rel=1e-3)


def test_it_is_never_narrower_and_has_a_bound() -> None:
    drawn = np.array([[0, 0], [0, 0], [0, 0]])
    apart = np.array([[0.0, -9.0], [0.0, 0.0], [0.0, 9.0]])
    assert widening(apart, np.zeros(2), drawn) == 1.0
    assert widening(np.zeros((3, 2)), np.ones(2), drawn) == 10.0
    assert widening(apart, np.zeros(2), np.array([[0, 1]] * 3)) == 1.0  # none was left out
