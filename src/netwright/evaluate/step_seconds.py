"""What a step of a training takes, by a few of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from netwright.evaluate.fit import Diverged

_FEW, _WARMING = 20, 0.5  # steps of an epoch that come before them, and seconds at most

Clock = Callable[[], float]


def step_seconds(
    train: Callable[[Callable[[], bool]], None],
    count: int,
    epoch: int = 0,
    clock: Clock = time.perf_counter,
) -> float | None:
    """Seconds of a step, the median of `count` after a first one; None where it diverges.

    `train(goes_on)` ends when `goes_on()`, which it asks after each step, says no. Of an `epoch` of
    few steps all come before those that are timed: in the first one a network may take longer.
    """
    ends: list[float] = []

    def goes_on() -> bool:
        ends.append(clock())
        is_quick = ends[-1] - ends[0] < _WARMING
        return len(ends) <= count + (epoch if is_quick and epoch <= _FEW else 0)

    try:
        train(goes_on)
    except Diverged:
        return None
    last = ends[-count - 1 :]
    return float(np.median(np.diff(last))) if len(last) > 1 else None
