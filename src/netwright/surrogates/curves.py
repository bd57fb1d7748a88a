"""Learning curves: from a metric after the first epochs of a training to its value at a later one.

Domhan, Springenberg and Hutter, "Speeding Up Automatic Hyperparameter Optimization of Deep Neural
Networks by Extrapolation of Learning Curves", IJCAI 2015: a weighted combination of parametric
families, with a posterior over all of their parameters. Departures:

- The paper samples the posterior by MCMC, for minutes. Here each family is start + rise * shape(t),
  the shape's own parameters and the noise are on a grid, and start and rise have a normal prior, so
  that the posterior is exact but for the grid: one sum over all shapes, weighed by their evidence.
- Of the eleven families some are one once start and rise are free: pow3 and pow4; exp4, Janoschek
  and Weibull; Hill3, MMF and the logistic one of log(t). With the log-log-linear one, the vapour
  pressure and 1 / log(t) six are left, all of equal prior weight. The first two and the vapour
  pressure are freed of what is outermost in the paper: its log or exp of the whole.
- The combination is a mixture (one family is right, it is not known which), not a weighted sum.
- The metric may have any unit: priors are relative to the span of the values that were seen. A
  rise is above 0, and no value above the bound if one is given, as in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from netwright.errors import SettingError
from netwright.surrogates.predictor import numbers_of

Array = NDArray[np.float64]

_NOISES = (0.01, 0.03, 0.1, 0.3, 1.0)  # deviations of a value, in spans of the values seen
_AHEAD = 4.0  # times the epochs that were seen: until where a rise is expected of
_START, _RISE = 2.0, 1.5  # so many spans; and of the first value
_TINY = 1e-6  # the least span, of the largest value
_POWERS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
_SHIFTS = (0.0, 1.0, 4.0, 16.0)  # epochs
_SCALES = tuple(2.0**power for power in range(-3, 4))  # of the epochs that were seen
_STEEP = (0.5, 1.0, 1.5, 2.0, 3.0)
_RATIOS = (0.1, 1.0, 10.0)
_GROWTHS = (0.0, 0.05, 0.15)
_MOST = 1e9  # epochs
_LARGE = 300  # the power of 2 of values that are brought near 1, so that squares are numbers
_NOWHERE = 40.0  # deviations above the mean, where nothing of a normal distribution is


@dataclass(frozen=True)
class ParametricCurves:
    """Extrapolates a learning curve by six families of parametric curves, weighed by evidence.

    A larger value is better, as `Objective.gain` gives it, and curves are expected to rise. `bound`
    is the largest value that there can be, such as 1.0 for an accuracy, or None: with it few epochs
    say more. A schedule that lowers the learning rate at the end lifts a curve by what no family
    knows of.

    Raises:
        SettingError: `bound` is neither a finite number nor None.
    """

    bound: float | None = None

    def __post_init__(self) -> None:
        given = self.bound
        if given is not None and not (type(given) in (int, float) and math.isfinite(given)):
            raise SettingError(
                f"`ParametricCurves(bound=...)` must be a finite number or None, got {given!r}."
            )

    def fit(
        self, epochs: Sequence[float] | Array, values: Sequence[float] | Array
    ) -> ExtrapolatedCurve:
        """Learn from n epochs, at least two, numbered from 1, and the finite value after each.

        Raises:
            SettingError: Fewer than two, not one value an epoch, epochs that do not rise from 1 or
                more, or a value that is not finite.
        """
        call = "ParametricCurves.fit(epochs=..., values=...)"
        t, y = numbers_of(call, epochs), numbers_of(call, values)
        if t.shape != y.shape or t.ndim != 1 or len(t) < 2:
            raise SettingError(
                "`ParametricCurves.fit(epochs=..., values=...)` must be one value for each of two "
                f"epochs or more, got epochs of shape {t.shape} and values of shape {y.shape}."
            )
        if not (np.isfinite(y).all() and _are_epochs(t) and (np.diff(t) > 0).all()):
            raise SettingError(
                "`ParametricCurves.fit(epochs=..., values=...)` must be epochs that rise from 1 or "
                f"more, at most {_MOST:g}, and finite values, got {t.tolist()} and {y.tolist()}."
            )
        return ExtrapolatedCurve(t, y, math.inf if self.bound is None else self.bound)


class ExtrapolatedCurve:
    """What the first epochs of a curve say of later ones: a mixture over s shapes and noises."""

    def __init__(self, epochs: Array, values: Array, bound: float) -> None:
        power = int(np.frexp(np.abs(values).max())[1])
        self._power = power if abs(power) > _LARGE else 0
        values, bound = np.ldexp(values, -self._power), float(_scaled(bound, -self._power))
        self._epochs, self._level = epochs, float(values.mean())
        self._span = float(np.ptp(values)) or _TINY * max(1.0, float(np.abs(values).max()))
        self._bound = (max(bound, float(values.max())) - self._level) / self._span
        seen = _shapes(epochs, epochs)
        scaled = (values - self._level) / self._span
        self._noise = np.tile(_NOISES, len(seen))
        self._shape = np.repeat(np.arange(len(seen)), len(_NOISES))
        rows = np.stack([np.ones_like(seen), seen], axis=2)[self._shape]  # (s, n, 2)
        ahead = np.maximum(_shapes(_AHEAD * epochs[-1:], epochs)[:, 0], 1.0)[self._shape]
        prior = np.zeros((len(ahead), 2, 2))
        prior[:, 0, 0], prior[:, 1, 1] = _START**-2, (ahead / _RISE) ** 2
        precision = rows.transpose(0, 2, 1) @ rows / self._noise[:, None, None] ** 2 + prior
        self._covariance = np.linalg.inv(precision)
        pull = (rows * scaled[:, None]).sum(1) / self._noise[:, None] ** 2
        self._mean = (self._covariance @ pull[:, :, None])[:, :, 0]
        self._alpha = self._mean[:, 1] / np.sqrt(self._covariance[:, 1, 1])
        evidence = (
            (pull * self._mean).sum(1) / 2
            - (scaled**2).sum() / self._noise**2 / 2
            - len(epochs) * np.log(self._noise)
            + np.log(np.linalg.det(self._covariance)) / 2
            + np.log(ahead)
            + log_ndtr(self._alpha)  # that the rise is above 0
            + np.log(_weights(len(seen)))[self._shape]
        )
        weights = np.exp(evidence - evidence.max())
        self._weights = weights / weights.sum()

    def predict(self, epochs: Sequence[float] | Array) -> tuple[Array, Array]:
        """Mean and deviation of the value that is measured at each of m epochs, m values each.

        Raises:
            SettingError: Epochs are no numbers from 1 on.
        """
        means, deviations = self._parts(epochs)
        top = (self._bound - means) / deviations
        below = self._weights[:, None] * ndtr(top)
        weights = below / below.sum(0)
        hazard = _hazard(top)
        variances = deviations**2 * (1 - hazard * np.where(np.isinf(top), 0, hazard + top))
        means = means - deviations * hazard  # of what is not above the bound
        mean = (weights * means).sum(0)
        variance = (weights * (np.maximum(variances, 0) + (means - mean) ** 2)).sum(0)
        found = mean * self._span + self._level, np.sqrt(variance) * self._span
        mean, deviation = (np.nan_to_num(_scaled(each, self._power)) for each in found)
        return mean, deviation

    def exceeds(self, value: float, epoch: float) -> float:
        """The probability that the value measured at an epoch is above `value`.

        Raises:
            SettingError: The epoch is no number from 1 on, or `value` is none.
        """
        if not isinstance(value, int | float | np.number) or math.isnan(value):
            raise SettingError(
                f"`ExtrapolatedCurve.exceeds(value=...)` must be a number, got {value!r}."
            )
        value = float(_scaled(value, -self._power))
        means, deviations = self._parts([epoch])
        limits = np.array([(value - self._level) / self._span, self._bound])
        low, top = self._weights @ ndtr((limits - means) / deviations)
        return float(max(0.0, 1 - low / top))

    def _parts(self, epochs: Sequence[float] | Array) -> tuple[Array, Array]:
        """Mean and deviation at m epochs by each part of the mixture, (s, m), in spans.

        They are those of start + rise * shape + noise where the rise is above 0; there is no bound.
        """
        asked = numbers_of("ExtrapolatedCurve.predict(epochs=...)", epochs)
        if asked.ndim != 1 or not _are_epochs(asked):
            raise SettingError(
                "`ExtrapolatedCurve.predict(epochs=...)` must be epochs, each from 1 to "
                f"{_MOST:g}, got {epochs!r}."
            )
        later = _shapes(asked, self._epochs)
        rows = np.stack([np.ones_like(later), later], axis=2)[self._shape]  # (s, m, 2)
        pulled = rows @ self._covariance
        means = (rows @ self._mean[:, :, None])[:, :, 0]
        variances = (pulled * rows).sum(2)
        share = pulled[:, :, 1] / np.sqrt(self._covariance[:, 1, 1])[:, None]
        hazard = _hazard(self._alpha)
        means += share * hazard[:, None]
        variances -= share**2 * (hazard * (hazard + self._alpha))[:, None]
        return means, np.sqrt(np.maximum(variances, 0) + self._noise[:, None] ** 2)


def _scaled(values: Array | float, power: int) -> Array:
    """Values times a power of 2; what is beyond all numbers is infinite."""
    with np.errstate(over="ignore", under="ignore"):
        found: Array = np.ldexp(values, power)
    return found


def _are_epochs(given: Array) -> bool:
    """Whether all are numbers that epochs may have."""
    return bool(((given >= 1) & (given <= _MOST)).all())


def _hazard(limit: Array) -> Array:
    """By how many deviations the mean of a normal distribution moves that is cut at a limit."""
    limit = np.minimum(limit, _NOWHERE)
    found: Array = np.exp(-(limit**2) / 2 - log_ndtr(limit)) / math.sqrt(2 * math.pi)
    return found


def _families(t: Array, whole: float) -> list[list[Array]]:
    """Shapes that rise with the epochs t, by family; `whole` is how many epochs were seen."""
    scales = [whole * scale for scale in _SCALES]
    return [
        [-((t + shift) ** -power) for power, shift in product(_POWERS, _SHIFTS)],  # pow4
        [-np.exp(-((t / scale) ** s)) for scale, s in product(scales, _STEEP)],  # Weibull
        [1 / (1 + (scale / t) ** s) for scale, s in product(scales, _STEEP)],  # Hill
        [np.log1p(ratio * np.log(t)) for ratio in _RATIOS],  # log-log-linear
        [t**growth * np.exp(-s / t) for growth, s in product(_GROWTHS, _STEEP)],  # vapour pressure
        [-1 / np.log1p(t)],
    ]


def _shapes(t: Array, seen: Array) -> Array:
    """Every shape at m epochs t, (shapes, m): 0 at the first epoch that was seen, 1 at the last.

    A shape that is level there is level everywhere.
    """
    whole, ends = float(seen[-1]), seen[[0, -1]]
    made = []
    for family, bounds in zip(_families(t, whole), _families(ends, whole), strict=True):
        for shape, (first, last) in zip(family, bounds, strict=True):
            rise = last - first
            made.append((shape - first) / rise if rise > _TINY else np.zeros_like(t))
    return np.array(made)


def _weights(count: int) -> Array:
    """The prior weight of each of the shapes: families are equal."""
    sizes = [len(family) for family in _families(np.ones(1), 1.0)]
    assert sum(sizes) == count
    return np.repeat([1 / size for size in sizes], sizes) / len(sizes)
