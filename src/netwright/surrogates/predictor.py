"""The contract of a predictor: what it learns from, and what it says of other networks."""

from __future__ import annotations

import reprlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from netwright.errors import SettingError
from netwright.space import Architecture, Space

Array = NDArray[np.float64]


class Predictor(ABC):
    """Learns a score from networks that have it, and guesses it of others.

    Settings are the fields of a frozen dataclass; what was learnt is what `fit` returns. A larger
    score is better, as `Objective.gain` gives it.
    """

    orderless: ClassVar[bool] = False
    """Whether networks that are learnt from in another order give the same predictions."""

    @abstractmethod
    def fit(
        self, space: Space, architectures: Sequence[Architecture], scores: Sequence[float] | Array
    ) -> Fitted:
        """Learn from n members of a space and their n scores, one or more.

        Minus infinity is the score of a network that did not end well. Equal calls give what
        predicts equally, whatever was asked in between.

        Raises:
            SettingError: Not one score a network, none at all, or one that is NaN or infinity.
        """


class Fitted(ABC):
    """What a predictor learnt; it does not change."""

    @abstractmethod
    def predict(self, architectures: Sequence[Architecture]) -> tuple[Array, Array]:
        """Return the mean and the deviation of what each would score, m finite values each.

        Both are in the unit of the scores; a deviation is above 0.
        """


def numbers_of(call: str, given: object) -> Array:
    """Return what a call was given as an array of numbers.

    Raises:
        SettingError: It holds something else.
    """
    try:
        found = np.asarray(given)
        numbers = np.asarray(given, dtype=np.float64) if found.dtype.kind in "biufO" else None
    except (TypeError, ValueError, OverflowError):
        numbers = None
    if numbers is None:
        raise SettingError(f"`{call}` must be numbers, got {reprlib.repr(given)}.")
    return numbers


def checked_scores(
    predictor: Predictor, architectures: Sequence[Architecture], scores: Sequence[float] | Array
) -> Array:
    """Return the n scores that `fit` was given.

    Raises:
        SettingError: As of `Predictor.fit`.
    """
    call = f"{type(predictor).__name__}.fit(architectures=..., scores=...)"
    checked = numbers_of(call, scores)
    if checked.shape != (len(architectures),) or not len(architectures):
        raise SettingError(
            f"`{call}` must be one score for each architecture, at least one, got "
            f"{len(architectures)} architectures and scores of shape {checked.shape}."
        )
    wrong = np.flatnonzero(np.isnan(checked) | np.isposinf(checked))
    if len(wrong):
        raise SettingError(
            f"`{call}` must be numbers, and minus infinity for what did not end well, got "
            f"{checked[wrong[0]]} at place {wrong[0]}."
        )
    return checked
