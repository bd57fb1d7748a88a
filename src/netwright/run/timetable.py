"""How a run divides its minutes: what each stage may take, and which schedules can be afforded.

The bound is of the whole: start, search, baseline, finals, refit, test, export and report. Nothing
here reads a clock; what is decided is logged, so that a replay decides the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

_SEARCH = 0.5  # of what is left for trainings
_LEAST_TRIALS = 8  # that a search should have time for, by all workers together
SLACK = 1.15
"""Of a forecast, before a schedule is called affordable."""

_WHOLE_TRIALS = 6  # trainings in full, at least, worth more than short trials and finals: with 4 a
# search of 200 seconds on 4,000 small pictures ended 5 points lower
MANY_TRIALS = 24
"""So many trainings in full are taken to be worth less than more short ones and finals."""

_WORTH = 2  # times the epochs of its trial that a final must have to teach anything new

Seconds = Callable[[int, int], float]
"""`seconds(place, epochs)`: what the finalist of a place, the best first, takes to train."""


@dataclass(frozen=True)
class Schedules:
    """What follows the search: `finals` of (networks, epochs), and the epochs of the refit.

    No refit is 0 epochs. In the last final each network has `variants` trainings, one with each
    answer to the late choices; one alone where the final has fewer than `long` epochs.
    """

    finals: tuple[tuple[int, int], ...]
    refit: int = 0
    variants: int = 1
    long: int = 0

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
            late = number == len(self.finals) and epochs >= self.long
            whole += max([*each, (self.variants if late else 1) * sum(each) / slots])
        if self.refit:
            whole += more * max(seconds(place, self.refit) for place in range(self._last()))
        return whole

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

        `seconds` is None while no trial says what a finalist takes.
        """
        half = self.start + _SEARCH * self.training
        if not wanted.finals and not wanted.refit:
            return self.trained_by
        if seconds is None:
            return half
        needed = SLACK * wanted.seconds(seconds, max(1, self.slots), more)
        return max(half, self.trained_by - needed)

    @property
    def trial(self) -> float:
        """What one trial of the search may take."""
        return _SEARCH * self.training * max(1, self.slots) / max(_LEAST_TRIALS, self.slots)

    def share(self, refit: float) -> float:
        """What one of few trials may take, each a training in full, before a refit."""
        return max(0.0, self.training - refit) * max(1, self.slots) / _WHOLE_TRIALS

    def least(self, cheapest: float) -> float:
        """The least bound, in seconds, that leaves time for one training of so many seconds."""
        return self.start + self.end + SLACK * cheapest


def long_enough(wanted: int) -> int:
    """Epochs from which on a final shows what late answers are worth, where so many were wanted.

    In a third of a schedule CutMix and strong augmentation lose, whatever they gain in all of it.
    """
    return -(-wanted // 2)


def affordable(
    wanted: Schedules,
    seconds: Seconds,
    left: float,
    *,
    slots: int,
    more: float,
    own: Sequence[int],
) -> Schedules:
    """What of the wanted schedules fits into the seconds that are left.

    First all epochs become fewer; then, where the last final would have less than twice the epochs
    of the trials, the finals before it are left out, then networks of the last one, then the refit.
    What is left of a final that would teach nothing new is left out, too. `own` are the epochs that
    finalists have had, the best first; `more` is how many times the rows a refit has.
    """
    slots = max(1, slots)
    had = max(own, default=0)
    for candidate in _smaller(wanted):
        fitting = _longest(candidate, lambda s: SLACK * s.seconds(seconds, slots, more) <= left)
        if fitting is None:
            continue
        if _is_worth(fitting, candidate, had):
            return fitting
    return Schedules(())


def _is_worth(fitting: Schedules, wanted: Schedules, had: int) -> bool:
    """Whether each stage teaches more than a network knows that had so many epochs."""
    pairs = list(zip(fitting.finals, wanted.finals, strict=True))
    enough = all(epochs >= min(had + 1, most) for (_, epochs), (_, most) in pairs)
    if pairs:
        (_, epochs), (_, most) = pairs[-1]
        enough = enough and epochs >= min(_WORTH * had, most)
    last = fitting.finals[-1][1] if fitting.finals else had
    return enough and (not fitting.refit or fitting.refit >= last)


def _smaller(wanted: Schedules) -> list[Schedules]:
    """What is tried in turn: all, the last final with fewer and fewer networks, without a refit."""
    tried = [wanted]
    if wanted.finals:
        count, epochs = wanted.finals[-1]
        tried += [replace(wanted, finals=((n, epochs),)) for n in range(count, 0, -1)]
        tried += [replace(wanted, finals=((n, epochs),), refit=0) for n in range(count, 0, -1)]
    if wanted.refit:
        tried.append(replace(wanted, finals=()))
    return tried


def _longest(wanted: Schedules, fits: Callable[[Schedules], bool]) -> Schedules | None:
    """The schedules with the largest share of their epochs that fits, in hundredths; or None."""
    for percent in range(100, 0, -1):
        shortened = wanted.shortened(percent / 100)
        if fits(shortened):
            return shortened
    return None
