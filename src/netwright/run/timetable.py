"""How a run divides its minutes: what each stage may take, and which schedules can be afforded.

The bound is of the whole: start, search, baseline, finals, refit, test, export and report. Nothing
here reads a clock; what is decided is logged, so that a replay decides the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

_SEARCH = 0.5  # of what is left for trainings,
_SHORT = 0.25  # or so much, where there is none for a choice among finalists
_LEAST_TRIALS = 8  # that a search should have time for, by all workers together
_LEAST_KNOWN = 3  # of these well-known ones, before one of them is trained for all the rest
SLACK = 1.15
"""Of a forecast, before a schedule is called affordable."""

HOPED = 0.8
"""Of a forecast, where the schedule of a training ends on time however long its steps take."""

_WHOLE_TRIALS = 6  # trainings in full, at least, worth more than short trials and finals: with 4 a
# search of 200 seconds on 4,000 small pictures ended 5 points lower
MANY_TRIALS = 24
"""So many trainings in full are taken to be worth less than more short ones and finals."""

_GOOD = 20  # epochs of few rows that a last training has at least,
_COMPARED = 30  # or several that are compared before it, which take time from it,
_GOOD_STEPS = 150  # and so many steps at least, of very few
_WORTH = 2  # times the epochs of its trial that a final must have to teach anything new

Seconds = Callable[[int, int], float]
"""`seconds(place, epochs)`: what the finalist of a place, the best first, takes to train."""


@dataclass(frozen=True)
class Schedules:
    """What follows the search: `finals` of (networks, epochs), and the epochs of the refit.

    No refit is 0 epochs. In the last final each network has `variants` trainings, one with each
    answer to the late choices; one alone where the final has fewer than `long` epochs, or where it
    is not `are_late`. A last training has `good` epochs at least, or as many as `worth_a_last` says
    of those wanted.
    """

    finals: tuple[tuple[int, int], ...]
    refit: int = 0
    variants: int = 1
    long: int = 0
    are_late: bool = True
    good: int = 0

    def shortened(self, share: float) -> Schedules:
        """With so much of all epochs, one at least."""
        finals = tuple((n, max(1, int(epochs * share))) for n, epochs in self.finals)
        refit = max(1, int(self.refit * share)) if self.refit else 0
        return replace(self, finals=finals, refit=refit)

    def seconds(self, seconds: Seconds, slots: int, more: float) -> float:
        """What all of it takes with `slots` workers; a refit has `more` times the rows."""
        whole = 0.0
        for number, (count, epochs) in enumerate(self.finals, 1):
            each = [seconds(place, epochs) for place in range(count)]
            late = self.are_late and number == len(self.finals) and epochs >= self.long
            whole += max([*each, (self.variants if late else 1) * sum(each) / slots])
        if self.refit:
            whole += more * max(seconds(place, self.refit) for place in range(self._last()))
        return whole

    def least(self) -> Schedules:
        """The least that tells which of some networks is best: two of them, trained for long."""
        if not self.finals:
            return self
        good = self.worth_comparing
        return replace(
            self, finals=((min(2, self.finals[-1][0]), good),), refit=self.refit and good
        )

    @property
    def worth_comparing(self) -> int:
        """Epochs from which on several networks may be compared before the last training."""
        return max(self.worth_a_last, worth_comparing(self.last, math.inf))

    @property
    def is_single(self) -> bool:
        """Whether all that follows is one training."""
        if self.refit:
            return not self.finals
        return self.is_of_one and not self.tries_late

    @property
    def is_of_one(self) -> bool:
        """Whether one network is in the finals, in one alone."""
        return [count for count, _ in self.finals] == [1]

    @property
    def tries_late(self) -> bool:
        """Whether the last final trains a network with each answer to the late choices."""
        return self.variants > 1 and self.are_late

    @property
    def worth_a_last(self) -> int:
        """Epochs from which on a last training is a good one."""
        return self.good or worth_a_last(self.last)

    @property
    def last(self) -> int:
        """Epochs of the training that the network handed back has; 0 where that is its trial."""
        return self.refit or (self.finals[-1][1] if self.finals else 0)

    def _last(self) -> int:
        return self.finals[-1][0] if self.finals else 1


@dataclass(frozen=True)
class Timetable:
    """The minutes of a run, in seconds since its start.

    `whole` is the bound, `start` what had passed before the first trial, `end` what test, export
    and report will take.
    """

    whole: float
    start: float
    end: float
    slots: int

    @property
    def training(self) -> float:
        """Seconds that are left for trainings, 0 where there are none."""
        return max(0.0, self.whole - self.start - self.end)

    @property
    def trained_by(self) -> float:
        """When the last training must be over."""
        return self.whole - self.end

    def search_ends(self, wanted: Schedules, seconds: Seconds | None, more: float) -> float:
        """When the search must be over: after half of the time, or later if the rest needs less.

        Where two finalists cannot be trained for long, and one of them again, it has a quarter:
        time for well-known networks, of which one is trained for all the rest. `seconds` is None
        while no trial says what a finalist takes.
        """
        half = self.start + _SEARCH * self.training
        if not wanted.finals and not wanted.refit:
            return self.trained_by
        if seconds is None:
            return half
        slots = max(1, self.slots)
        every = self.trained_by - SLACK * wanted.seconds(seconds, slots, more)
        few = self.trained_by - SLACK * wanted.least().seconds(seconds, slots, more)
        return max(every, half if few >= half else self.start + _SHORT * self.training)

    @property
    def trial(self) -> float:
        """What one trial of the search may take."""
        return _SEARCH * self.training * max(1, self.slots) / max(_LEAST_TRIALS, self.slots)

    @property
    def known_trial(self) -> float:
        """What a trial of a well-known network may take, where each is a short one: three fit."""
        return max(self.trial, _SHORT * self.training * max(1, self.slots) / _LEAST_KNOWN)

    def share(self, refit: float) -> float:
        """What one of few trials may take, each a training in full, before a refit."""
        return max(0.0, self.training - refit) * max(1, self.slots) / _WHOLE_TRIALS

    def longest_epoch(self, epochs: int, more: float) -> float:
        """Seconds an epoch may take, so that a short search leaves so many for the last training.

        That training has `more` times the rows of a trial.
        """
        return (1 - _SHORT) * self.training / (SLACK * more * max(1, epochs))

    def least(self, cheapest: float) -> float:
        """The least bound, in seconds, that leaves time for one training of so many seconds."""
        return self.start + self.end + SLACK * cheapest


def long_enough(wanted: int) -> int:
    """Epochs from which on a final shows what late answers are worth, where so many were wanted.

    In a third of a schedule CutMix and strong augmentation lose, whatever they gain in all of it.
    """
    return -(-wanted // 2)


def worth_a_last(wanted: int, steps: float = math.inf) -> int:
    """Epochs from which on a last training is a good one, where so many were wanted.

    With few `steps` in an epoch it has more of them: on the 36 series of ArrowHead one network came
    in 30, 64 and 128 epochs of two steps to 74, 79 and 79 %, and another one in 30 and 128 to 42
    and 74 %.

    Few rows have many epochs in full, and a larger network for fewer of them ends higher: four
    convolutions on 2,400 images of 14 pixels at 85.0 % with a width of 16 after 35 epochs in 12
    seconds, at 84.6 % after 80 in 19, and with a width of 32 at 85.9 % after 28 in 23.
    """
    return min(wanted, max(math.ceil(_GOOD_STEPS / steps), min(_GOOD, long_enough(wanted))))


def worth_comparing(wanted: int, steps: float) -> int:
    """Epochs from which on trainings are worth comparing, where so many were wanted."""
    return max(worth_a_last(wanted, steps), min(_COMPARED, long_enough(wanted)))


def affordable(
    wanted: Schedules,
    seconds: Seconds,
    left: float,
    *,
    slots: int,
    more: float,
    own: Sequence[int],
    on_time: bool = False,
) -> Schedules:
    """What of the wanted schedules fits into the seconds that are left.

    First all epochs become fewer, as long as the last training is a long one; then the finals
    before the last one are left out, then networks of it, then the choice among finalists: one
    long training of what looks best is worth more than several short ones. Where none can be long
    it is that one, as long as there is time. What teaches nothing new is left out, too. `own` are
    the epochs that finalists have had, the best first; `more` is how many times the rows a refit
    has. If the schedule of a last training ends `on_time`, one that is all there is has rather too
    many epochs.
    """
    slots = max(1, slots)
    had = max(own, default=0)
    for candidates, are_short in ((_smaller(wanted), False), (_single(wanted), True)):
        for candidate in candidates:
            room = left / (HOPED if on_time and candidate.is_single else SLACK)
            fitting = _longest(candidate, lambda s: s.seconds(seconds, slots, more), room)
            if fitting is None or not _is_worth(fitting, candidate, had):
                continue
            good = candidate.worth_a_last if candidate.is_single else candidate.worth_comparing
            if candidate.tries_late and candidate.finals:
                good = candidate.long  # else late answers would not be tried
            if are_short or fitting.last >= good:
                return fitting
    return Schedules(())


def _is_worth(fitting: Schedules, wanted: Schedules, had: int) -> bool:
    """Whether each stage teaches more than a network knows that had so many epochs."""
    pairs = list(zip(fitting.finals, wanted.finals, strict=True))
    enough = all(epochs >= min(_WORTH * had, most) for (_, epochs), (_, most) in pairs)
    return enough and fitting.last >= min(_WORTH * had, wanted.last)


def _smaller(wanted: Schedules) -> list[Schedules]:
    """What is tried in turn: all, the last final with fewer and fewer networks, the refit alone."""
    tried = [wanted]
    if wanted.finals:
        count, epochs = wanted.finals[-1]
        tried += [replace(wanted, finals=((n, epochs),)) for n in range(count, 0, -1)]
        tried += [replace(wanted, finals=())] if wanted.refit else []
        tried += [replace(wanted, finals=((n, epochs),), refit=0) for n in range(count, 0, -1)]
    late = (True, False) if wanted.variants > 1 else (True,)
    every = [replace(each, are_late=is_late) for each in tried for is_late in late]
    return [each for each in every if not _is_idle(each)]


def _is_idle(schedules: Schedules) -> bool:
    """Whether a final of one network chooses nothing before that network is trained once more."""
    return bool(schedules.refit) and schedules.is_of_one and not schedules.tries_late


def _single(wanted: Schedules) -> list[Schedules]:
    """One training: the refit, or that of one finalist."""
    if wanted.refit:
        return [replace(wanted, finals=())]
    return [replace(wanted, finals=((1, wanted.finals[-1][1]),))] if wanted.finals else []


def _longest(
    wanted: Schedules, seconds: Callable[[Schedules], float], room: float
) -> Schedules | None:
    """The schedules with the largest share of their epochs that fits, in hundredths; or None."""
    for percent in range(100, 0, -1):
        shortened = wanted.shortened(percent / 100)
        if seconds(shortened) <= room:
            return shortened
    return None
