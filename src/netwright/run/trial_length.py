"""How long a trial of the search trains where minutes bound a run, and how many seconds it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netwright.evaluate.pace import Pace
from netwright.run.known_networks import KnownNetwork
from netwright.run.plan import Plan
from netwright.run.timed import largest_in, middle, seconds_by_macs, seconds_each, small
from netwright.run.timetable import MANY_TRIALS, SLACK, Timetable, worth_a_last, worth_comparing
from netwright.trial import Budget

_FEW = 2  # epochs of trials, at least, so that networks may be large which are trained for long
_TELLING = 100  # steps that a trial of few rows must have to say anything of its network


@dataclass(frozen=True)
class TrialLength:
    """How long a trial of a plan trains, by what trainings seem to take.

    `timed` are random networks of which some steps were timed, which `pace` has learned, `largest`
    the multiplications of the largest well-known network that is to be tried (0 without), `more`
    how many times the rows of a trial a refit has, and `known` are well-known networks whose last
    training is just a long one.
    """

    plan: Plan
    table: Timetable
    timed: Sequence[dict[str, float]]
    pace: Pace
    largest: float
    more: float
    known: Sequence[KnownNetwork] = ()

    def decided(self) -> tuple[int, float]:
        """The epochs of a trial, and the seconds that it may take.

        Where there is time for some trainings in full, or nearly, and not for many, each trial is
        one: short ones would say less of the networks, and would leave few to be compared. Else
        they are so short that a network fits whose last training is just a long one, unless so few
        steps say nothing. None is larger: it would end untrained.
        """
        plan, full = self.plan, self.plan.evaluator.full_epochs
        is_open = full > plan.evaluator.epochs and plan.leaves_epochs_open and bool(self.timed)
        whole = self._whole(full // 2) if is_open else None
        if whole is not None and self._has_room(*whole):
            return whole
        short = self._short(_FEW)
        if not is_open or plan.evaluator.steps(Budget(short[0]), {}).number >= _TELLING:
            return short
        telling = math.ceil(_TELLING / _steps(plan))
        return self._whole(self._least, small) or self._short(telling)

    @property
    def _least(self) -> int:
        """Epochs from which on trainings are worth comparing."""
        return worth_comparing(self.plan.evaluator.full_epochs, _steps(self.plan))

    def _whole(
        self, least: int, usually: Callable[[Sequence[float]], float] = middle
    ) -> tuple[int, float] | None:
        """Of trainings in full, if they are to be had and not too many, or of `least` epochs.

        They are to be had where those that `usually` gives of the networks that were timed are.

        They have fewer epochs, down to those that are worth comparing, where a well-known network
        would not fit else: a larger one that is trained for fewer ends higher. Four convolutions on
        2,400 images of 14 pixels, one training each on a busy machine: 84.0 % with a width of 16
        and 80 epochs in 35 s, 85.1 % with 32 and 30 epochs in 41 s.
        """
        plan, table, pace, few = self.plan, self.table, self.pace, self._least
        for epochs in range(plan.evaluator.full_epochs, max(plan.evaluator.epochs, least), -1):
            usual = usually(seconds_each(plan, pace, self.timed, epochs))
            last = last_epochs(plan, epochs) / epochs
            share = table.share(self.more * usual * last if plan.refit else 0.0)
            if SLACK * usual > share:
                continue
            if table.training * max(1, table.slots) > MANY_TRIALS * usual:
                return None
            while epochs > few and seconds_by_macs(plan, pace, self.largest, epochs) > share:
                epochs -= 1
            return epochs, share
        return None

    def _has_room(self, epochs: int, share: float) -> bool:
        """Whether any well-known network with time for its last training fits into the share.

        Else smaller ones would be compared for long, and one of them returned: of 200 seconds for
        4,000 images of 16 pixels five such trainings took 120, and the result had 58.9 %, where a
        large one after short trials has 64.
        """
        steps = self.plan.evaluator.steps(Budget(epochs), {})
        return not self.known or min(each.seconds(steps) for each in self.known) <= share

    def _short(self, least: int) -> tuple[int, float]:
        """Of trials that longer trainings follow, of `least` epochs or more if they can."""
        plan, table, evaluator = self.plan, self.table, self.plan.evaluator
        epochs, is_longer = evaluator.epochs, evaluator.full_epochs > evaluator.epochs
        bound = longest_last(plan, table, self.more) if self.timed and is_longer else math.inf
        largest = largest_in(plan, self.pace, bound, good_epochs(plan))

        def needed(epochs: int) -> float:
            """Seconds that a trial of the largest network whose last training is long takes."""
            steps = plan.evaluator.steps(Budget(epochs), {})
            told = [each.seconds(steps) for each in self.known]
            if largest is not None:
                told.append(seconds_by_macs(plan, self.pace, largest, epochs))
            return max(told, default=math.inf)

        if (largest is not None or self.known) and plan.leaves_epochs_open:
            while epochs > least and needed(epochs) > table.trial:
                epochs -= 1
            if self.known:
                return epochs, min(table.known_trial, needed(epochs))
        while epochs > 1 and small(seconds_each(plan, self.pace, self.timed, epochs)) > table.trial:
            epochs -= 1
        return epochs, min(table.trial, needed(epochs))


def good_epochs(plan: Plan) -> int:
    """Epochs from which on a last training of a plan is a good one."""
    return worth_a_last(plan.evaluator.full_epochs, _steps(plan))


def last_epochs(plan: Plan, own: int) -> int:
    """Epochs that the refit is to have after trainings in full of so many.

    They are those of the full schedule where that can end with its time: a longer one ends higher.
    Four convolutions on 4,000 images of 16 pixels with CutMix came in 32 epochs to 63.3 %, and in
    80 to 66.2. After folds it is known after how many epochs a network is best.
    """
    is_of_one = plan.evaluator.trainings == 1
    longer = plan.last_ends_on_time and is_of_one and plan.leaves_epochs_open
    return plan.evaluator.full_epochs if longer else own


def longest_last(plan: Plan, table: Timetable, more: float) -> float:
    """Seconds that a good last training may take, with the rows of a trial."""
    good = good_epochs(plan)
    return good * table.longest_epoch(good, more if plan.refit else 1.0)


def _steps(plan: Plan) -> float:
    """Steps in an epoch of a training in full."""
    evaluator = plan.evaluator
    whole = evaluator.steps(Budget(evaluator.full_epochs), {}).number
    return max(1.0, whole / max(1, evaluator.full_epochs * evaluator.trainings))
