"""Learning curves are extrapolated: the posterior is right, and so is what is told of it."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from netwright.errors import SettingError
from netwright.surrogates import ParametricCurves
from netwright.surrogates.curves import _AHEAD, _RISE, _START, _families, _shapes, _weights

EPOCHS = np.arange(1.0, 41.0)
CURVES = {
    "power": 0.9 - 0.5 * EPOCHS**-0.7,
    "exponential": 0.9 - 0.6 * np.exp(-EPOCHS / 5),
    "hill": 0.1 + 0.7 * EPOCHS**1.5 / (4**1.5 + EPOCHS**1.5),
    "logarithm": 0.5 + 0.1 * np.log1p(np.log(EPOCHS)),
    "reciprocal of the logarithm": 0.9 - 0.2 / np.log1p(EPOCHS),
    "vapour pressure": 0.8 * np.exp(-1.5 / EPOCHS),
}


def noisy(values: np.ndarray, deviation: float = 0.004, seed: int = 0) -> np.ndarray:
    return values + deviation * np.random.default_rng(seed).standard_normal(len(values))


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("unit", [1.0, -250.0], ids=["as it is", "of another unit"])
def test_a_curve_of_each_family_is_followed(name: str, unit: float) -> None:
    """From 16 epochs to 40: nearer than the last value, and within three deviations."""
    values = noisy(CURVES[name])
    seen = values[:16] * abs(unit) + min(unit, 0.0)
    mean, deviation = ParametricCurves().fit(EPOCHS[:16], seen).predict(EPOCHS[-1:])
    found, spread = (mean - min(unit, 0.0)) / abs(unit), deviation / abs(unit)
    error = abs(found[0] - CURVES[name][-1])
    assert error < abs(values[15] - CURVES[name][-1])
    assert error < 3 * spread[0] < 0.4


def rise_of(epochs: np.ndarray, shape: int) -> float:
    """The prior deviation of a shape's rise over the epochs that were seen, in spans."""
    return _RISE / max(_shapes(_AHEAD * epochs[-1:], epochs)[shape, 0], 1.0)


def test_the_first_two_moments_are_those_of_draws_from_the_posterior() -> None:
    """Start and rise by importance sampling from the prior, of the likeliest noisy part."""
    epochs, values = np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.3, 1.0])
    fitted = ParametricCurves().fit(epochs, values)
    place = 3 + 5 * int(np.argmax(fitted._weights[3::5]))
    noise, shape = fitted._noise[place], fitted._shape[place]
    seen, later = _shapes(epochs, epochs)[shape], _shapes(np.array([6.0]), epochs)[shape, 0]
    rng = np.random.default_rng(0)
    start = _START * rng.standard_normal(400_000)
    rise = np.abs(rng.standard_normal(len(start))) * rise_of(epochs, shape)
    scaled = (values - values.mean()) / np.ptp(values)
    errors = scaled - start[:, None] - rise[:, None] * seen
    weights = np.exp(-(errors**2).sum(1) / 2 / noise**2)
    drawn = start + rise * later
    mean = np.average(drawn, weights=weights)
    variance = np.average((drawn - mean) ** 2, weights=weights) + noise**2
    means, deviations = fitted._parts([6.0])
    assert means[place, 0] == pytest.approx(mean, rel=0.02)
    assert deviations[place, 0] == pytest.approx(np.sqrt(variance), rel=0.03)


def test_evidence_is_that_of_the_normal_distribution() -> None:
    """Two parts of the mixture, compared by the density of what was seen, rises above 0."""
    epochs, values = np.array([1.0, 2.0, 3.0, 5.0]), np.array([0.0, 0.5, 0.7, 1.0])
    fitted = ParametricCurves().fit(epochs, values)
    scaled = (values - values.mean()) / np.ptp(values)
    shapes = _shapes(epochs, epochs)
    logs = []
    for place in (8, 502):
        shape, noise = fitted._shape[place], fitted._noise[place]
        rise, seen = rise_of(epochs, shape), shapes[shape]
        own = _START**2 * np.ones((4, 4)) + rise**2 * np.outer(seen, seen)
        covariance = own + noise**2 * np.eye(4)
        gain = rise**2 * np.linalg.solve(covariance, seen)
        above = norm.cdf(gain @ scaled / np.sqrt(rise**2 - rise**2 * gain @ seen))
        prior = _weights(len(shapes))[shape] * above
        logs.append(multivariate_normal(cov=covariance).logpdf(scaled) + np.log(prior))
    weights = fitted._weights[[8, 502]]
    assert np.log(weights[1] / weights[0]) == pytest.approx(logs[1] - logs[0])


def test_a_bound_cuts_off_what_is_above() -> None:
    """As draws from the mixture that are not above it."""
    epochs, values = np.array([1.0, 2.0, 3.0]), np.array([0.2, 0.5, 0.8])
    free = ParametricCurves().fit(epochs, values)
    cut = ParametricCurves(bound=1.0).fit(epochs, values)
    means, deviations = (part[:, 0] * 0.6 for part in free._parts([20.0]))
    rng = np.random.default_rng(0)
    parts = rng.choice(len(means), size=400_000, p=free._weights)
    drawn = 0.5 + means[parts] + deviations[parts] * rng.standard_normal(len(parts))
    kept = drawn[drawn <= 1.0]
    assert free.exceeds(1.0, 20.0) == pytest.approx((drawn > 1.0).mean(), abs=0.005)
    (mean,), (deviation,) = cut.predict([20.0])
    assert mean == pytest.approx(kept.mean(), abs=0.003)
    assert deviation == pytest.approx(kept.std(), rel=0.02)
    assert cut.exceeds(0.9, 20.0) == pytest.approx((kept > 0.9).mean(), abs=0.005)
    assert cut.exceeds(1.0, 20.0) == 0
    beyond = ParametricCurves(bound=0.7).fit(epochs, values).predict([20.0])[0][0]
    assert beyond < 0.8  # the largest value that was seen, where the bound is not true


@pytest.mark.parametrize("bound", [float("nan"), float("inf"), "1", True])
def test_settings_are_checked(bound) -> None:
    with pytest.raises(SettingError, match=r"`ParametricCurves\(bound=...\)` must be a finite num"):
        ParametricCurves(bound=bound)


def test_families_have_equal_weights() -> None:
    epochs = np.array([1.0, 2.0, 4.0])
    shapes = _shapes(epochs, epochs)
    assert (shapes[:, 0] == 0).all() and set(shapes[:, -1]) <= {0.0, 1.0}
    assert (np.diff(shapes, axis=1) >= 0).all()
    sizes = [len(family) for family in _families(epochs, 4.0)]
    weights = np.split(_weights(len(shapes)), np.cumsum(sizes)[:-1])
    assert [part.sum() for part in weights] == pytest.approx([1 / len(sizes)] * len(sizes))


def test_more_epochs_make_it_more_certain_and_later_ones_less() -> None:
    values = noisy(CURVES["power"])
    early, late = (ParametricCurves().fit(EPOCHS[:n], values[:n]) for n in (6, 24))
    deviations = [each.predict([30.0, 40.0])[1] for each in (early, late)]
    assert (deviations[1] < deviations[0]).all()
    assert deviations[0][1] > deviations[0][0]


def test_the_probability_to_exceed_is_that_of_mean_and_deviation() -> None:
    fitted = ParametricCurves().fit(EPOCHS[:12], noisy(CURVES["power"])[:12])
    (mean,), (deviation,) = fitted.predict([40.0])
    values = mean + deviation * np.array([-6.0, -1.0, 0.0, 1.0, 6.0])
    exceeds = [fitted.exceeds(value, 40.0) for value in values]
    assert exceeds == sorted(exceeds, reverse=True)
    assert exceeds[0] > 0.99 and 0.3 < exceeds[2] < 0.7 and exceeds[4] < 0.01


@pytest.mark.parametrize(
    ("epochs", "values"),
    [
        ([1.0, 2.0, 3.0], [0.1, 0.1, 0.1]),
        ([1.0, 2.0], [0.0, 0.0]),
        ([3.0, 9.0], [1e6, 2e6]),
        ([1.0, 2.0, 3.0], [-1e9, -2.0, -1.9]),
        ([1.0, 2.0, 3.0, 4.0], [0.9, 0.7, 0.5, 0.3]),
        ([1.0, 2.0, 3.0], [-1.7e308, 1.7e308, 1e308]),
        ([1.0, 2.0, 3.0], [1e-300, 2e-300, 3e-300]),
        ([1.0, 2.0, 3.0], [0.0, 5e-324, 1e-323]),
        ([1.0, 5e8, 1e9], [0.1, 0.2, 0.3]),
    ],
)
def test_awkward_curves_are_survived(epochs, values) -> None:
    fitted = ParametricCurves().fit(epochs, values)
    mean, deviation = fitted.predict([2.0, 20.0, 2000.0])
    assert np.isfinite(mean).all() and np.isfinite(deviation).all() and (deviation > 0).all()
    assert 0 <= fitted.exceeds(values[-1], 20.0) <= 1
    for bound in (1.0, 1e300, -5.0):
        bounded = ParametricCurves(bound).fit(epochs, values)
        assert np.isfinite(bounded.predict([2.0, 2000.0])).all()
        assert 0 <= bounded.exceeds(values[-1], 20.0) <= 1


@pytest.mark.parametrize("size", [1e-280, 1e280])
def test_a_curve_of_any_size_is_the_same_curve(size: float) -> None:
    values = noisy(CURVES["power"])[:12]
    usual = ParametricCurves(1.0).fit(EPOCHS[:12], values)
    other = ParametricCurves(size).fit(EPOCHS[:12], values * size)
    expected = np.array(usual.predict([20.0, 40.0]))
    assert np.array(other.predict([20.0, 40.0])) / size == pytest.approx(expected, rel=1e-6)
    assert other.exceeds(0.9 * size, 40.0) == pytest.approx(usual.exceeds(0.9, 40.0), rel=1e-6)


@pytest.mark.parametrize(
    "epochs", [[0.0], [-1.0], [0.5], [np.nan], [np.inf], [1e300], ["a"], [None], [[1.0, 2.0]], 5.0]
)
def test_what_are_no_later_epochs_is_refused(epochs) -> None:
    fitted = ParametricCurves().fit([1.0, 2.0, 3.0], [0.1, 0.2, 0.3])
    with pytest.raises(SettingError, match=r"`ExtrapolatedCurve.predict\(epochs=...\)` must be"):
        fitted.predict(epochs)
    if isinstance(epochs, list) and not isinstance(epochs[0], list):
        with pytest.raises(SettingError, match=r"must be"):
            fitted.exceeds(0.5, epochs[0])


@pytest.mark.parametrize("value", [np.nan, None, "a", [0.5]])
def test_what_is_no_value_to_exceed_is_refused(value) -> None:
    fitted = ParametricCurves().fit([1.0, 2.0, 3.0], [0.1, 0.2, 0.3])
    with pytest.raises(SettingError, match=r"exceeds\(value=...\)` must be a number, got"):
        fitted.exceeds(value, 5.0)


@pytest.mark.parametrize(
    ("epochs", "values", "said"),
    [
        ([1.0], [0.5], "two epochs or more"),
        ([1.0, 2.0], [0.5], "one value for each"),
        ([0.0, 1.0], [0.1, 0.5], "rise from 1"),
        ([2.0, 2.0], [0.1, 0.5], "rise from 1"),
        ([1.0, 2.0], [0.1, np.nan], "finite values"),
        ([1.0, 3.0, 2.0], [0.1, 0.2, 0.3], "rise from 1"),
        ([1.0, np.nan], [0.1, 0.2], "rise from 1"),
        ([1.0, np.inf], [0.1, 0.2], "at most 1e\\+09"),
        ([1.0, None], [0.1, 0.2], "rise from 1"),
        (["a", "b"], [0.1, 0.2], r"must be numbers, got \['a', 'b'\]"),
        ([1.0, 2.0], [[0.1], [0.2, 0.3]], "must be numbers"),
        ([1.0, 2.0], [1j, 2j], "must be numbers"),
        ([1.0, 2.0], [10**400, 1], "must be numbers"),
        (3.0, 0.5, "two epochs or more"),
    ],
)
def test_what_is_no_curve_is_refused(epochs, values, said: str) -> None:
    with pytest.raises(SettingError, match=rf"`ParametricCurves.fit\(.*{said}"):
        ParametricCurves().fit(epochs, values)
