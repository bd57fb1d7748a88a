"""What the report says beyond the trials: the expected best, which choices mattered, how sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are used
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from netwright.objective import Objective
from netwright.record.record import Record
from netwright.trial import Trial

LEAST_TRIALS = 30
"""Trials below which nothing is said of the choices."""

_TREES, _SHUFFLES = 200, 20
# Strategies whose trials without a parent are random draws; others choose all of theirs.
_RANDOM_WITHOUT_PARENT = ("RandomSearch", "RegularizedEvolution", "NSGA2", "LocalSearch")


@dataclass(frozen=True)
class Expected:
    """The expected best of 1..n random networks, with a standard deviation; n values each."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    measured: bool


def expected_best(record: Record) -> Expected | None:
    """The expected best gain of as many random networks, None without two of them.

    From the networks of the baseline if there was one, else from the run's own random trials: where
    the strategy begins with some those without a parent, and those that a one-shot search drew.
    Exact for drawing with replacement from what was seen: P(best <= v_i) = (i / n)^k. Dodge et al.,
    "Show Your Work", arXiv 1909.03004. Not carried beyond the number of networks it rests on.
    """
    objective = record.objectives[0]
    allowed = record.history.allowed(record.limits)
    baseline = [t for t in allowed if t.proposal.stage.is_baseline]
    begins = record.settings["strategy"]["name"] in _RANDOM_WITHOUT_PARENT
    begins = begins and record.settings.get("stopper") is None  # what it promotes has a parent
    own = [
        t
        for t in allowed
        if t.proposal.stage.is_search
        and (t.architecture in record.random or (begins and t.proposal.parent is None))
    ]
    drawn = baseline or own
    gains = np.array([objective.gain(t.metrics) for t in drawn])
    values = np.sort(gains[np.isfinite(gains)])
    n = len(values)
    if n < 2:
        return None
    cumulative = np.arange(0, n + 1) / n
    means, deviations = [], []
    for k in range(1, n + 1):
        weight = np.diff(cumulative**k)
        mean = float(weight @ values)
        means.append(mean)
        deviations.append(float(np.sqrt(max(0.0, weight @ values**2 - mean**2))))
    return Expected(np.array(means), np.array(deviations), bool(baseline))


def best_so_far(trials: Sequence[Trial], objective: Objective) -> list[float]:
    """The best gain after each trial, minus infinity before the first."""
    best, found = -np.inf, []
    for trial in trials:
        best = max(best, objective.gain(trial.metrics))
        found.append(float(best))
    return found


@dataclass(frozen=True)
class Importance:
    """How much of the spread a choice explains, and the mean of each of its options.

    `share` is the loss of R² when the choice's answers are shuffled, over that of all choices;
    `options` are (option, trials, mean, standard error of the mean).
    """

    choice: str
    share: float
    options: tuple[tuple[str, int, float, float], ...]


def importances(record: Record) -> list[Importance]:
    """The choices by what they explain of the first objective; empty below 30 trials.

    A random forest over the answers (one column an option, so that a choice that is not active is
    all zeros); the columns of a choice are shuffled together. Seeded.
    """
    objective = record.objectives[0]
    trials = [t for t in record.history if t.done and t.proposal.stage.explores]
    gains = np.array([objective.gain(t.metrics) for t in trials])
    trials = [t for t, gain in zip(trials, gains, strict=True) if np.isfinite(gain)]
    gains = gains[np.isfinite(gains)]
    if len(trials) < LEAST_TRIALS or np.ptp(gains) == 0:
        return []
    columns = sorted({(c, repr(a)) for t in trials for c, a in t.architecture.answers.items()})
    place = {key: i for i, key in enumerate(columns)}
    x = np.zeros((len(trials), len(columns)))
    for row, trial in zip(x, trials, strict=True):
        for choice, answer in trial.architecture.answers.items():
            row[place[choice, repr(answer)]] = 1.0
    forest = RandomForestRegressor(_TREES, min_samples_leaf=2, random_state=0).fit(x, gains)
    lost = _losses(forest, x, gains, [choice for choice, _ in columns])
    total = sum(lost.values()) or 1.0
    found = [
        Importance(choice, loss / total, _options(choice, trials, gains))
        for choice, loss in lost.items()
        if loss > 0
    ]
    return sorted(found, key=lambda i: -i.share)


def _losses(
    forest: RandomForestRegressor,
    x: NDArray[np.float64],
    gains: NDArray[np.float64],
    choices: list[str],
) -> dict[str, float]:
    """Mean loss of R² when the columns of each choice are shuffled together."""
    rng = np.random.default_rng(0)
    spread = np.sum((gains - gains.mean()) ** 2)
    base = np.sum((forest.predict(x) - gains) ** 2)
    lost = {}
    for choice in dict.fromkeys(choices):
        own = [i for i, name in enumerate(choices) if name == choice]
        if len(own) < 2 and x[:, own].min() == x[:, own].max():
            continue  # always the same answer
        errors = []
        for _ in range(_SHUFFLES):
            shuffled = x.copy()
            shuffled[:, own] = x[rng.permutation(len(x))][:, own]
            errors.append(np.sum((forest.predict(shuffled) - gains) ** 2))
        lost[choice] = max(0.0, float((np.mean(errors) - base) / spread))
    return lost


def _options(
    choice: str, trials: Sequence[Trial], gains: NDArray[np.float64]
) -> tuple[tuple[str, int, float, float], ...]:
    answers = [t.architecture.answers.get(choice, "not active") for t in trials]
    found = []
    for answer in sorted(set(answers), key=lambda a: (isinstance(a, str), str(a).zfill(9))):
        own = gains[[a == answer for a in answers]]
        error = float(own.std(ddof=1) / np.sqrt(len(own))) if len(own) > 1 else float("nan")
        found.append((str(answer), len(own), float(own.mean()), error))
    return tuple(found)


def interval(share: float, examples: int) -> tuple[float, float]:
    """The 95 % interval of a share that was counted over so many examples (Wilson, 1927).

    It is 0 to 1, that is nothing known, without examples or with a share that is none.
    """
    if examples < 1 or not 0 <= share <= 1:
        return 0.0, 1.0
    counted = scipy.stats.binomtest(round(share * examples), examples)
    low, high = counted.proportion_ci(0.95, method="wilson")
    return float(low), float(high)
