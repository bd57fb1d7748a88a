"""How the minutes of a run are divided before its first trial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from netwright.errors import SettingError
from netwright.evaluate.costs import Costs
from netwright.evaluate.pace import Pace
from netwright.record.division import Division, Share
from netwright.record.events import TimePlanned
from netwright.run.budget import Spending
from netwright.run.known_networks import Designs, KnownNetworks, largest_known, timed_designs
from netwright.run.plan import Plan
from netwright.run.state import RunState
from netwright.run.timed import seconds_each, timed_examples
from netwright.run.timetable import Timetable
from netwright.run.trial_length import TrialLength, good_epochs, longest_last
from netwright.trial import Budget

_TIMING = 0.02  # of the seconds, after which no more are timed,
_TIMING_KNOWN = 0.03  # nor well-known networks
_ENDING = 9.0  # seconds of an export on an idle machine, where none was rehearsed
_ASIDE = 1.0  # second for what comes after the export
PASSES = 4  # over the test part: of the network, and of each form
TRAINING = 3.0  # passes over a row that training on it takes
_REFERENCE = 0.04  # of the minutes, that a classical method may take to compare with,
_REFERENCE_MOST = 20.0  # and so many seconds at most


def for_reference(whole: float) -> float:
    """Of so many seconds of a run those that a classical method may take to compare with."""
    return min(_REFERENCE_MOST, _REFERENCE * whole)


@dataclass
class Beginning:
    """Says once what start, trials and end have of the minutes.

    `starting` are the seconds until a worker trains on an idle machine, and `given` those of all
    that follows the last training; None for what the rehearsal of the export took.
    """

    plan: Plan
    state: RunState
    spending: Spending
    slots: int
    starting: float
    given: float | None

    def planned(self, costs: Costs, slowness: float) -> TimePlanned | None:
        """How the minutes are divided, from a few timed steps; None where nothing is to be said.

        `slowness` is how many times longer than on an idle machine things take here.

        Raises:
            SettingError: Start and end alone would break the bound; says the least that works.
        """
        minutes = self.plan.bounds.minutes
        before = self.state.record.time_plan
        if minutes is None or (before is not None and before.division.whole == 60 * minutes):
            return None
        designs = [(name, sizes) for name, sizes in self.state.first if name is not None]
        if before is not None:  # with other minutes, by what was timed then and trained since
            timed, pace = [dict(each) for each in before.examples], self.state.pace
            known = KnownNetworks()
        else:
            timed, pace = timed_examples(self.plan, costs, _TIMING * 60 * minutes), Pace()
            for each in timed:
                pace.learn_json(each)
            known = self._known_networks(costs, designs, pace, slowness)
        table, largest = self._timetable(slowness), largest_known(costs, designs)
        length = TrialLength(self.plan, table, timed, pace, largest, self.more, known.fitting)
        epochs, share = length.decided()
        cheapest = min(seconds_each(self.plan, pace, timed, epochs), default=0.0)
        if table.whole < table.least(cheapest):
            least = math.ceil(10 * table.least(cheapest) / 60) / 10
            raise SettingError(
                f"`search(minutes={minutes:g})` must leave time for start, one training and "
                f"export, which take {table.least(cheapest):.0f} s here; the least that works is "
                f"{least:g}."
            )
        share = max(share, 1.2 * cheapest)
        for each in known.examples:  # not before: random networks say what is usual
            pace.learn_json(each)
        are_short = epochs <= self.plan.evaluator.epochs
        steps = self.plan.evaluator.steps(Budget(epochs), {})
        return TimePlanned(
            Division(table.whole, table.start, table.end, self.slots),
            Share(epochs, share, pace.macs(share, steps), known.most if are_short else {}),
            () if before is not None else tuple(timed),
            tuple(known.examples),
        )

    def _timetable(self, slowness: float) -> Timetable:
        """The minutes, where trials begin now."""
        whole = 60 * (self.plan.minutes or math.inf)
        spent = self.spending.seconds() + self.starting * slowness
        return Timetable(whole, spent, self._ending(whole, slowness), self.slots)

    def _known_networks(
        self, costs: Costs, designs: Designs, pace: Pace, slowness: float
    ) -> KnownNetworks:
        """Well-known networks that can be trained well, and what steps of them were timed."""
        evaluator, table = self.plan.evaluator, self._timetable(slowness)
        if evaluator.full_epochs <= evaluator.epochs or not pace.is_known:
            return KnownNetworks()
        good = Budget(good_epochs(self.plan))
        bound = longest_last(self.plan, table, self.more + self._scoring(good))
        most = _TIMING_KNOWN * table.whole
        return timed_designs(self.plan, costs, designs, pace, good, bound, most)

    def _scoring(self, good: Budget) -> float:
        """How many times what a training takes scoring the test part takes in the end."""
        steps = self.plan.evaluator.steps(good, {})
        return PASSES * self.tested / (TRAINING * max(1, steps.number * steps.batch))

    def _ending(self, whole: float, slowness: float) -> float:
        """Seconds after the last training, but for those that the rows of the test part take."""
        if self.given is not None:
            return self.given
        exporting = self._exporting(slowness) if self.plan.export or self.plan.out else 0.0
        ending = exporting + _ASIDE
        return ending + (for_reference(whole) if self.tested else 0.0)

    def _exporting(self, slowness: float) -> float:
        """Seconds of a whole export: as the rehearsal took, else by the load of the machine."""
        rehearsed = self.state.record.rehearsal
        if rehearsed is not None and rehearsed.ending is not None:
            return rehearsed.ending
        return _ENDING * max(1.0, slowness)

    @property
    def tested(self) -> int:
        """Rows of the test part."""
        data = self.plan.evaluator.data
        return 0 if data is None else len(data.test)

    @cached_property
    def more(self) -> float:
        """How many times the rows of a trial a refit has: fewer where a trial is of folds."""
        evaluator = self.plan.evaluator
        refitting = evaluator.for_refit() if self.plan.refit else None
        if refitting is None:
            return 1.0
        trial, whole = evaluator.steps(Budget(10), {}), refitting.steps(Budget(10), {})
        return whole.number * whole.batch / max(1, trial.number * trial.batch)
