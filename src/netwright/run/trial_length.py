"""How long a trial of the search trains where minutes bound a run, and how many seconds it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from netwright.evaluate.pace import Pace
from netwright.run.plan import Plan
from netwright.run.timed import largest_in, middle, seconds_by_macs, seconds_each, small
from netwright.run.timetable import MANY_TRIALS, SLACK, Timetable, worth_a_last
from netwright.trial import Budget

_FEW = 2  # epochs of trials, at least, so that networks may be large which are trained for long
_TELLING = 100  # steps that a trial of few rows must have to say anything of its network

Timed = Sequence[dict[str, float]]


def trial_length(
    plan: Plan, table: Timetable, timed: Timed, pace: Pace, largest: float, more: float
) -> tuple[int, float]:
    """The epochs of a trial, and the seconds that it may take.

    Where there is time for some trainings in full, or nearly, and not for many, each trial is one:
    short ones would say less of the networks, and would leave few to be compared. Else they are so
    short that a network fits whose last training is just a long one, unless so few steps say
    nothing. None is larger: it would end
    untrained. `timed` are networks of which some steps were timed, `largest` the multiplications of
    the largest well-known network that is to be tried (0 without), and `more` how many times the
    rows of a trial a refit has.
    """
    full, good = plan.evaluator.full_epochs, good_epochs(plan)
    is_open = full > plan.evaluator.epochs and plan.leaves_epochs_open and bool(timed)
    whole = _whole(plan, table, timed, pace, largest, more, full // 2) if is_open else None
    if whole is not None:
        return whole
    short = _short(plan, table, timed, pace, more, _FEW)
    telling = math.ceil(_TELLING / _steps(plan))
    if not is_open or short[0] >= telling:
        return short
    whole = _whole(plan, table, timed, pace, largest, more, good, small)
    return whole or _short(plan, table, timed, pace, more, telling)


def good_epochs(plan: Plan) -> int:
    """Epochs from which on a last training of a plan is a good one."""
    return worth_a_last(plan.evaluator.full_epochs, _steps(plan))


def _steps(plan: Plan) -> float:
    """Steps in an epoch of a training in full."""
    evaluator = plan.evaluator
    whole = evaluator.steps(Budget(evaluator.full_epochs), {}).number
    return max(1.0, whole / max(1, evaluator.full_epochs * evaluator.trainings))


def _whole(
    plan: Plan,
    table: Timetable,
    timed: Timed,
    pace: Pace,
    largest: float,
    more: float,
    least: int,
    usually: Callable[[Sequence[float]], float] = middle,
) -> tuple[int, float] | None:
    """Of trainings in full, if they are to be had and not too many, or of `least` epochs or more.

    They are to be had where those that `usually` gives of the networks that were timed are.

    They have fewer epochs, down to those of a good last training, where a well-known network would
    not fit else: a larger one that is trained for fewer ends higher. Four convolutions on 2,400
    images of 14 pixels, one training each on a busy machine: 84.0 % with a width of 16 and 80
    epochs in 35 s, 85.1 % with 32 and 30 epochs in 41 s.
    """
    full = plan.evaluator.full_epochs
    for epochs in range(full, max(plan.evaluator.epochs, least), -1):
        usual = usually(seconds_each(plan, pace, timed, epochs))
        share = table.share(more * usual if plan.refit else 0.0)
        if SLACK * usual > share:
            continue
        if table.training * max(1, table.slots) > MANY_TRIALS * usual:
            return None
        while epochs > good_epochs(plan) and seconds_by_macs(plan, pace, largest, epochs) > share:
            epochs -= 1
        return epochs, share
    return None


def _short(
    plan: Plan, table: Timetable, timed: Timed, pace: Pace, more: float, least: int
) -> tuple[int, float]:
    """Of trials that are followed by longer trainings, of `least` epochs or more if they can."""
    epochs, full = plan.evaluator.epochs, plan.evaluator.full_epochs
    good = good_epochs(plan)
    bound = good * table.longest_epoch(good, more if plan.refit else 1.0)
    largest = largest_in(plan, pace, bound if timed and full > epochs else math.inf, good)
    if largest is not None and plan.leaves_epochs_open:
        while epochs > least and seconds_by_macs(plan, pace, largest, epochs) > table.trial:
            epochs -= 1
    while epochs > 1 and small(seconds_each(plan, pace, timed, epochs)) > table.trial:
        epochs -= 1
    if largest is None:
        return epochs, table.trial
    return epochs, min(table.trial, seconds_by_macs(plan, pace, largest, epochs))
