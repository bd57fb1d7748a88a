"""Scores by their ranks, and the way back."""

import numpy as np
import pytest

from netwright.surrogates import normal_scores
from netwright.surrogates.quantiles import Quantiles

NOTHING = np.zeros(1)


def test_what_was_seen_comes_back_and_between_it_is_a_line() -> None:
    scores = np.array([3.0, 90.0, 94.0, 93.0, 92.0])
    quantiles = Quantiles(scores)
    assert quantiles.normal == pytest.approx(normal_scores(scores))
    mean, _ = quantiles.back(quantiles.normal, np.zeros(5))
    assert mean == pytest.approx(scores)
    between = quantiles.normal[[2, 3]].mean()
    assert quantiles.back(np.array([between]), NOTHING)[0][0] == pytest.approx(93.5)


def test_beyond_the_ends_it_goes_on_as_from_the_middle() -> None:
    quantiles = Quantiles(np.array([0.0, 10.0, 12.0]))
    low, _, high = normal_scores([0.0, 10.0, 12.0])
    mean, _ = quantiles.back(np.array([low * 2, high * 2]), np.zeros(2))
    assert mean == pytest.approx([-10.0, 14.0])
    two = Quantiles(np.array([0.0, 1.0]))
    assert two.back(3 * two.normal, np.zeros(2))[0] == pytest.approx([-1.0, 2.0])


def test_the_deviation_is_that_of_the_quantiles_around() -> None:
    scores = 7.0 + 2.0 * normal_scores(np.arange(99.0))
    mean, deviation = Quantiles(scores).back(np.array([0.3]), np.array([0.5]))
    assert mean[0] == pytest.approx(7.6, abs=0.01) and deviation[0] == pytest.approx(1.0, rel=0.01)


def test_a_prediction_where_scores_are_equal_is_not_certain() -> None:
    scores = np.array([5.0] * 20 + [9.0])
    (mean,), (deviation,) = Quantiles(scores).back(np.array([-3.0]), np.array([0.1]))
    assert mean < 5.0 and deviation >= 0.05 * 0.1 * scores.std()


def test_failures_are_the_worst_that_was_seen_and_rank_behind_it() -> None:
    quantiles = Quantiles(np.array([-np.inf, 4.0, 6.0, -np.inf]))
    assert (quantiles.normal[[0, 3]] < quantiles.normal[1]).all()
    mean, _ = quantiles.back(quantiles.normal, np.zeros(4))
    assert mean == pytest.approx([4.0, 4.0, 6.0, 4.0])


@pytest.mark.parametrize(
    ("scores", "level", "deviation"),
    [([0.1] * 3, 0.1, 0.1), ([0.0], 0.0, 1.0), ([-np.inf] * 2, 0.0, 1.0)],
)
def test_where_nothing_varies_nothing_is_known_but_the_level(scores, level, deviation) -> None:
    found = Quantiles(np.array(scores)).back(np.array([-1.0, 2.0]), np.array([0.1, 0.2]))
    assert (found[0] == level).all() and (found[1] == deviation).all()
