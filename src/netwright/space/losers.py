"""The options that lost in the trials of a history, by a rank test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are imported when they are used, which takes longer than a space does

from netwright.errors import SettingError
from netwright.space.architecture import Answer, Architecture
from netwright.space.choose import Choice


@dataclass(frozen=True)
class Dropped:
    """An option that lost: in how many trials it was, its median score and that of the others.

    `p_value` is that of a one-sided test that its scores are no lower than the others'.
    """

    choice: str
    option: Answer
    trials: int
    median: float
    others: float
    p_value: float


def losers(
    choices: Iterable[Choice],
    scored: Iterable[tuple[Architecture, float]],
    least: int,
    level: float,
) -> list[Dropped]:
    """The options that lose, choice by choice; see `shrunk`.

    Raises:
        SettingError: `least` below 2, or `level` outside 0 to 1.
    """
    if type(least) is not int or least < 2 or not 0 < level < 1:
        raise SettingError(
            "`shrunk(space, scored, least=..., level=...)` must have at least 2 trials an option "
            f"and a level between 0 and 1, got least={least!r}, level={level!r}."
        )
    choices = list(choices)
    try:
        members = [(a, float(score)) for a, score in scored if np.isfinite(score)]
    except TypeError as error:
        raise SettingError(
            "`shrunk(space, scored)` must be pairs of an architecture and a score, such as "
            f"`run.scored()` gives, got {scored!r}."
        ) from error
    if not members:
        return []
    best = max(members, key=lambda each: each[1])[0]
    tests = sum(len(c.options) for c in choices if len(c.options) > 1)
    found = []
    for choice in choices:
        found += _losers_of(choice, members, best.answers.get(choice.name), least, level / tests)
    return found


def _losers_of(
    choice: Choice,
    members: list[tuple[Architecture, float]],
    best: Answer,
    least: int,
    level: float,
) -> list[Dropped]:
    """Numbers lose from the ends of their range inwards, others in any order, the worst first."""
    numbers = all(isinstance(o, int | float) and type(o) is not bool for o in choice.options)
    left, found = list(choice.options), []
    while len(left) > 1:
        ends = [left[0], left[-1]] if numbers else left
        tests = [_test(choice.name, o, left, members) for o in ends if o != best]
        lost = [t for t in tests if t is not None and t.trials >= least and t.p_value < level]
        if not lost:
            break
        worst = min(lost, key=lambda test: test.p_value)
        found.append(worst)
        left.remove(worst.option)
    return found


def _test(
    name: str, option: Answer, left: list[Answer], members: list[tuple[Architecture, float]]
) -> Dropped | None:
    """The scores with an option against those with the others that are left."""
    active = [(a.answers[name], score) for a, score in members if name in a.answers]
    own = [score for answer, score in active if answer == option]
    others = [score for answer, score in active if answer != option and answer in left]
    if not own or not others:
        return None
    p_value = float(scipy.stats.mannwhitneyu(own, others, alternative="less").pvalue)
    return Dropped(name, option, len(own), float(np.median(own)), float(np.median(others)), p_value)
