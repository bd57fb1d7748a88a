"""How long a trial of the search trains where minutes bound a run, and how many seconds it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from netwright.evaluate.pace import Pace
from netwright.run.known_networks import KnownNetwork
from netwright.run.plan import Plan
from netwright.run.timed import largest_in, middle, seconds_by_macs, seconds_each, small
from netwright.run.timetable import MANY_TRIALS, SLACK, Timetable, worth_a_last, worth_comparing
from netwright.trial import Budget

_FEW = 2  # epochs of trials, at least, so that networks may be large which are trained for long
_TELLING = 100  # steps that a trial of few rows must have to say anything of its network

Timed = Sequence[dict[str, float]]


def trial_length(
    plan: Plan,
    table: Timetable,
    timed: Timed,
    pace: Pace,
    largest: float,
    more: float,
    known: Sequence[KnownNetwork] = (),
) -> tuple[int, float]:
    """The epochs of a trial, and the seconds that it may take.

    Where there is time for some trainings in full, or nearly, and not for many, each trial is one:
    short ones would say less of the networks, and would leave few to be compared. Else they are so
    short that a network fits whose last training is just a long one, unless so few steps say
    nothing. None is larger: it would end
    untrained. `timed` are networks of which some steps were timed, `largest` the multiplications of
    the largest well-known network that is to be tried (0 without), `more` how many times the rows
    of a trial a refit has, and `known` are well-known networks whose last training is just a long
    one: short trials have time for them.
    """
    full = plan.evaluator.full_epochs
    is_open = full > plan.evaluator.epochs and plan.leaves_epochs_open and bool(timed)
    whole = _whole(plan, table, timed, pace, largest, more, full // 2) if is_open else None
    if whole is not None and not _have_room(plan, whole, known):
        whole = None
    if whole is not None:
        return whole
    short = _short(plan, table, timed, pace, more, _FEW, known)
    if not is_open or plan.evaluator.steps(Budget(short[0]), {}).number >= _TELLING:
        return short
    telling = math.ceil(_TELLING / _steps(plan))
    least = worth_comparing(full, _steps(plan))
    whole = _whole(plan, table, timed, pace, largest, more, least, small)
    return whole or _short(plan, table, timed, pace, more, telling, known)


def good_epochs(plan: Plan) -> int:
    """Epochs from which on a last training of a plan is a good one."""
    return worth_a_last(plan.evaluator.full_epochs, _steps(plan))


def last_epochs(plan: Plan, own: int) -> int:
    """Epochs that the refit is to have after trainings in full of so many.

    They are those of the full schedule where that can end with its time: a longer one ends higher.
    Four convolutions on 4,000 images of 16 pixels with CutMix came in 80 epochs to 66.2 %, and in
    the 30 that trials have to 64. After folds it is known after how many a network is best.
    """
    ends_on_time = plan.evaluator.ends_on_time and plan.space.networks == 1
    return plan.evaluator.full_epochs if ends_on_time and plan.leaves_epochs_open else own


def longest_last(plan: Plan, table: Timetable, more: float) -> float:
    """Seconds that a good last training may take, with the rows of a trial."""
    good = good_epochs(plan)
    return good * table.longest_epoch(good, more if plan.refit else 1.0)


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

    They have fewer epochs, down to those that are worth comparing, where a well-known network would
    not fit else: a larger one that is trained for fewer ends higher. Four convolutions on 2,400
    images of 14 pixels, one training each on a busy machine: 84.0 % with a width of 16 and 80
    epochs in 35 s, 85.1 % with 32 and 30 epochs in 41 s.
    """
    full = plan.evaluator.full_epochs
    for epochs in range(full, max(plan.evaluator.epochs, least), -1):
        usual = usually(seconds_each(plan, pace, timed, epochs))
        last = last_epochs(plan, epochs) / epochs
        share = table.share(more * usual * last if plan.refit else 0.0)
        if SLACK * usual > share:
            continue
        if table.training * max(1, table.slots) > MANY_TRIALS * usual:
            return None
        few = worth_comparing(full, _steps(plan))
        while epochs > few and seconds_by_macs(plan, pace, largest, epochs) > share:
            epochs -= 1
        return epochs, share
    return None


def _have_room(plan: Plan, whole: tuple[int, float], known: Sequence[KnownNetwork]) -> bool:
    """Whether a known network that has time for its last training fits into a training in full.

    Else smaller ones would be compared for long, and one of them returned.
    """
    steps, share = plan.evaluator.steps(Budget(whole[0]), {}), whole[1]
    return not known or min(each.seconds(steps) for each in known) <= share


def _short(
    plan: Plan,
    table: Timetable,
    timed: Timed,
    pace: Pace,
    more: float,
    least: int,
    known: Sequence[KnownNetwork],
) -> tuple[int, float]:
    """Of trials that are followed by longer trainings, of `least` epochs or more if they can."""
    epochs, full = plan.evaluator.epochs, plan.evaluator.full_epochs
    good = good_epochs(plan)
    bound = longest_last(plan, table, more) if timed and full > epochs else math.inf
    largest = largest_in(plan, pace, bound, good)

    def needed(epochs: int) -> float:
        """Seconds that a trial of the largest network takes whose last training is a long one."""
        steps = plan.evaluator.steps(Budget(epochs), {})
        told = [each.seconds(steps) for each in known]
        if largest is not None:
            told.append(seconds_by_macs(plan, pace, largest, epochs))
        return max(told, default=math.inf)

    if (largest is not None or known) and plan.leaves_epochs_open:
        while epochs > least and needed(epochs) > table.trial:
            epochs -= 1
    if known:
        return epochs, min(table.known_trial, needed(epochs))
    while epochs > 1 and small(seconds_each(plan, pace, timed, epochs)) > table.trial:
        epochs -= 1
    return epochs, table.trial if largest is None else min(table.trial, needed(epochs))
