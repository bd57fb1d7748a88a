"""What is kept of trials: weights of those worth it, and the finalists' latency, measured again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from netwright.evaluate.admission import LATENCY
from netwright.evaluate.job import Task
from netwright.execute import Executor
from netwright.objective import Limit, Objective, dominates
from netwright.trial import Trial

_MEASURE = 3  # times a finalist is measured when the first figure is over its limit


class Weights:
    """The files with the weights of trials: those of finals stay, and of the search the front's."""

    def __init__(
        self, folder: Path, objectives: Sequence[Objective], limits: Sequence[Limit]
    ) -> None:
        self._folder, self._objectives, self._limits = folder, objectives, limits
        self._gains: dict[int, list[float]] = {}  # of the trials of the search that are kept

    def path(self, number: int) -> Path:
        """Where the weights of a trial are, if they are kept."""
        return self._folder / f"trial-{number}.safetensors"

    def take(self, trial: Trial) -> None:
        """Keep the weights of a trial that has ended if they may be wanted; drop what it beats."""
        stage = trial.proposal.stage
        if stage > 0:
            return
        gains = [o.gain(trial.metrics) for o in self._objectives]
        broken = any(limit.excess(trial.metrics) for limit in self._limits)
        useless = not trial.done or broken or stage != 0 or -math.inf in gains
        kept = self._gains.values()
        if useless or any(dominates(other, gains) or other == gains for other in kept):
            self._drop(trial.number)
            return
        for number in [n for n, other in self._gains.items() if dominates(gains, other)]:
            self._drop(number)
            del self._gains[number]
        self._gains[trial.number] = gains

    def _drop(self, number: int) -> None:
        with suppress(FileNotFoundError):
            self.path(number).unlink()


def measured_again(
    trials: Sequence[Trial],
    limits: Sequence[Limit],
    executor: Executor,
    waiting: Callable[[], None],
) -> dict[int, dict[str, float]]:
    """The latency of trials that have one, measured while the machine does nothing else.

    What is over its limit is measured up to three times, and the least counts. `waiting` is called
    several times a second.
    """
    bound = min((limit.bound for limit in limits if limit.metric == LATENCY), default=math.inf)
    found: dict[int, dict[str, float]] = {}
    for trial in trials:
        values: list[float] = []
        for _ in range(_MEASURE if LATENCY in trial.metrics else 0):
            value = _latency(trial, executor, waiting)
            values += [value] if value is not None else []
            if value is None or value <= bound:
                break
        if values:
            found[trial.number] = {LATENCY: min(values)}
    return found


def _latency(trial: Trial, executor: Executor, waiting: Callable[[], None]) -> float | None:
    """Measured once; None if it cannot be."""
    task = Task(trial.architecture, 0, 0, {}, measure=True)
    executor.submit(trial.number, task, alone=True)
    while True:
        for message in executor.wait(0.25):
            if message.kind == "ended":
                value: float | None = message.body.metrics.get(LATENCY)
                return value
            if message.kind == "lost":
                return None
        waiting()
