"""What every predictor must do. A check is given `make()`, which makes the predictor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from netwright.errors import SettingError
from netwright.space import Architecture, Space
from netwright.surrogates import Fitted, Predictor
from netwright.surrogates.predictor import Array
from netwright.testing.spaces import SPACES

Make = Callable[[], Predictor]

_LEARNT, _OTHERS = 40, 60  # networks
_ORDER = 0.5  # the least rank correlation where each answer adds its part
_SCALE, _LEVEL = 3.0, 70.0  # of the scores


def _drawn(space: Space, count: int, seed: int = 0) -> list[Architecture]:
    """Different members of a space: so many, or those of some draws."""
    rng = np.random.default_rng(seed)
    return list(dict.fromkeys(space.sample(rng) for _ in range(4 * count)))[:count]


def _scores(space: Space, architectures: Sequence[Architecture]) -> Array:
    """Scores to which each answer adds its part, n values around the level."""
    rows = space.encode(architectures)
    parts = np.random.default_rng(5).standard_normal(rows.shape[1])
    scores: Array = _SCALE * (rows @ parts) + _LEVEL
    return scores


def _sound(fitted: Fitted, architectures: Sequence[Architecture]) -> tuple[Array, Array]:
    """What is predicted: one finite mean and one finite deviation above 0 for each."""
    mean, deviation = fitted.predict(architectures)
    assert mean.shape == deviation.shape == (len(architectures),), (mean.shape, deviation.shape)
    assert np.isfinite(mean).all() and np.isfinite(deviation).all(), (mean, deviation)
    assert (deviation > 0).all(), deviation
    return mean, deviation


def better_networks_are_told(make: Make) -> None:
    """Where each answer adds its part, other networks are ordered about as they are.

    And in the unit of the scores: predictions are nearer to these than their mean is.
    """
    space = SPACES["conditional"]()
    members = _drawn(space, _LEARNT + _OTHERS)
    learnt, others = members[:_LEARNT], members[_LEARNT:]
    mean, _ = _sound(make().fit(space, learnt, _scores(space, learnt)), others)
    scores = _scores(space, others)
    correlation = float(spearmanr(mean, scores)[0])
    assert correlation >= _ORDER, correlation
    error, usual = np.abs(mean - scores).mean(), np.abs(scores - scores.mean()).mean()
    assert error < usual, (error, usual)


def far_is_less_certain(make: Make) -> None:
    """The deviation is larger on average at random networks than at what was learnt from.

    That is one network and some of which one answer differs.
    """
    space = SPACES["huge"]()
    rng = np.random.default_rng(3)
    base = space.sample(rng)
    near = list(dict.fromkeys([base, *(space.mutate(base, rng) for _ in range(_LEARNT))]))
    fitted = make().fit(space, near, _scores(space, near))
    (_, close), (_, far) = _sound(fitted, near), _sound(fitted, _drawn(space, _OTHERS, seed=4))
    assert far.mean() > close.mean(), (far.mean(), close.mean())


def equal_fits_predict_equally(make: Make) -> None:
    """Whatever was asked in between, of this fit and of others."""
    space = SPACES["conditional"]()
    members = _drawn(space, _LEARNT, seed=6)
    learnt, asked = members[:20], members[20:]
    predictor = make()
    first = predictor.fit(space, learnt, _scores(space, learnt))
    before = first.predict(asked)
    second = predictor.fit(space, learnt, _scores(space, learnt))
    second.predict(learnt)
    for again in (first.predict(asked), second.predict(asked)):
        assert np.allclose(before, again, rtol=1e-9, atol=0), (before, again)
    assert predictor == make(), "`fit` changed the settings, or they are no frozen dataclass"


def order_does_not_matter_where_that_is_said(make: Make) -> None:
    """Of a predictor that is `orderless`, the rows it learns from may come in any order."""
    if not make().orderless:
        return
    space = SPACES["conditional"]()
    members = _drawn(space, _LEARNT, seed=7)
    learnt, asked = members[:20], members[20:]
    scores = _scores(space, learnt)
    mixed = np.random.default_rng(8).permutation(len(learnt))
    straight = make().fit(space, learnt, scores).predict(asked)
    other = make().fit(space, [learnt[i] for i in mixed], scores[mixed]).predict(asked)
    assert np.allclose(straight, other, rtol=1e-6), (straight, other)


def few_and_equal_scores_are_survived(make: Make) -> None:
    """One network, the same one twice, and many of one score."""
    space = SPACES["conditional"]()
    members = _drawn(space, 12, seed=9)
    for learnt, scores in (
        (members[:1], [0.0]),
        (members[:1] * 2, [_LEVEL, _LEVEL + 1]),
        (members, [_LEVEL] * len(members)),
    ):
        _sound(make().fit(space, learnt, scores), members)


def scores_of_any_size_are_survived(make: Make) -> None:
    """Scores about the largest number there is, about the least, and differences of no digits."""
    space = SPACES["conditional"]()
    members = _drawn(space, 12, seed=11)
    parts = _scores(space, members) - _LEVEL
    parts = parts / np.abs(parts).max()
    small = np.arange(len(members)) * 5e-324
    one = np.where(np.arange(len(members)) == 3, 1e300, 0.5)
    sizes: list[Any] = [parts * size for size in (1e300, 1.7e308, 1e-300)]
    for scores in (*sizes, small, one, 1 + parts * 1e-16):
        _sound(make().fit(space, members, scores), members)
    failed = np.where(np.arange(len(members)) % 2 == 0, -math.inf, parts * 1e300)
    _sound(make().fit(space, members, failed), members)


def failures_are_survived(make: Make) -> None:
    """Networks that did not end well are expected to be worse than the others, or all alike."""
    space = SPACES["cells"]()
    members = _drawn(space, _LEARNT, seed=10)
    scores = _scores(space, members)
    failed = scores < np.quantile(scores, 0.4)
    fitted = make().fit(space, members, np.where(failed, -math.inf, scores))
    mean, _ = _sound(fitted, members)
    assert mean[failed].mean() < mean[~failed].mean(), mean
    _sound(make().fit(space, members[:4], [-math.inf] * 4), members)


def no_networks_have_no_predictions(make: Make) -> None:
    """Asked of none it says nothing."""
    space = SPACES["flat"]()
    members = _drawn(space, 4)
    _sound(make().fit(space, members, _scores(space, members)), [])


def wrong_scores_are_refused(make: Make) -> None:
    """NaN, infinity, what is no number, another number of scores, and none at all."""
    space = SPACES["flat"]()
    members = _drawn(space, 3)
    for learnt, scores in (
        (members, [1.0, math.nan, 2.0]),
        (members, [1.0, math.inf, 2.0]),
        (members, [1.0, 2.0]),
        (members, ["a", "b", "c"]),
        (members, None),
        (members, [[1.0], [2.0], [3.0]]),
        ([], []),
    ):
        try:
            make().fit(space, learnt, scores)  # type: ignore[arg-type]
        except SettingError:
            continue
        raise AssertionError(f"`fit` took {len(learnt)} networks with the scores {scores}.")


PREDICTOR_CHECKS: tuple[Callable[[Make], None], ...] = (
    better_networks_are_told,
    far_is_less_certain,
    equal_fits_predict_equally,
    order_does_not_matter_where_that_is_said,
    few_and_equal_scores_are_survived,
    scores_of_any_size_are_survived,
    failures_are_survived,
    no_networks_have_no_predictions,
    wrong_scores_are_refused,
)
