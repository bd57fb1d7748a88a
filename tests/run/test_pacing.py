"""Minutes and a user's own training: what it takes is learned from the first trials."""

import pytest
from torch import nn

from netwright import maximize
from netwright.cli.output import document
from netwright.evaluate.function import Function
from netwright.evaluate.job import _OutOfTime
from netwright.execute import Inline
from netwright.record.events import Rehearsed, write
from netwright.record.reading import read_record
from netwright.record.record import Record
from netwright.run.fingerprint import settings_of
from netwright.run.loop import Loop
from netwright.run.pacing import _ASIDE
from netwright.run.plan import Plan
from netwright.store import MemoryStore
from netwright.testing.spaces import SPACES
from netwright.trial import BASELINE, SEARCH


class Ticking(Inline):
    """An executor whose clock a training moves on, by its parameters and to its limit."""

    def __init__(self, each: float) -> None:
        super().__init__()
        self.now, self.each, self.limit = 0.0, each, float("inf")

    def __call__(self) -> float:
        return self.now

    def submit(self, key, job, seconds=None, *, alone=False) -> None:
        self.limit = float("inf") if seconds is None else seconds
        super().submit(key, job, seconds, alone=alone)

    def train(self, model: nn.Module, epochs: int) -> float:
        seconds = epochs * self.each * sum(p.numel() for p in model.parameters())
        self.now += min(seconds, self.limit)
        if seconds > self.limit:
            raise _OutOfTime("it took too long")
        return 0.5 + epochs / 100


def ran(
    monkeypatch, each: float, *, rehearsed: float | None = None, **changes
) -> tuple[Record, float]:
    """The record of a run of ten minutes, and the seconds until its last training was over."""
    clock = Ticking(each)
    monkeypatch.setattr("netwright.evaluate.job.time.perf_counter", clock)
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, 0.0, 0.0))
    given = {
        "space": SPACES["huge"](),
        "evaluator": Function(clock.train, epochs=2, full_epochs=6),
        "strategy": "random",
        "objectives": (maximize("accuracy"),),
        "targets": (),
        "minutes": 10,
    }
    plan = Plan(**{**given, **changes})
    store = MemoryStore("pacing")
    store.clear()
    store.create("a", settings_of(plan))
    if rehearsed is not None:
        write(store, "a", Rehearsed(1, 5.0, rehearsed, ()))
    ending = None if rehearsed is not None else 30
    loop = Loop(plan, store, "a", clock, clock=clock, ending=ending)
    loop.run()
    return read_record(store, "a"), loop.spending.seconds()


def smallest_size() -> int:
    space = SPACES["huge"]()
    return sum(p.numel() for p in space.build(space.smallest(), seed=0).parameters())


@pytest.mark.parametrize("baseline", [0, "same", 400])
@pytest.mark.parametrize("each", [0.005, 0.05])
def test_all_trainings_are_over_in_time(monkeypatch, each, baseline) -> None:
    record, seconds = ran(monkeypatch, each, baseline=baseline)
    assert 0.6 * 570 <= seconds <= 570
    assert record.best is not None
    assert record.time_plan is not None and record.closed[SEARCH] == "10 minutes"
    share = record.time_plan.share.seconds
    tried = [t for t in record.history if t.proposal.stage.explores]
    assert all(t.seconds <= 1.5 * share + 1e-6 for t in tried)
    if baseline:
        assert sum(t.proposal.stage == BASELINE for t in tried) >= 2


def test_the_first_trial_is_a_small_one_and_says_what_others_take(monkeypatch) -> None:
    record, _ = ran(monkeypatch, 20 / smallest_size())
    first, *rest = sorted(record.history, key=lambda t: t.number)
    assert first.done and first.architecture == SPACES["huge"]().smallest()
    assert sum(t.status == "timeout" for t in rest) <= 3
    assert record.too_slow is not None and record.time_plan is not None
    count, least, largest = record.too_slow
    share = record.time_plan.share.seconds
    assert count >= 1 and share < least <= largest
    told = document(record)["too_slow"]
    assert told == {"networks": count, "least": least, "largest": largest, "share": share}
    assert f"and a trial has {share:.3g} s" in record.slow_ones


def test_where_no_trial_fits_the_smallest_network_has_fewer_epochs(monkeypatch) -> None:
    record, seconds = ran(monkeypatch, 100 / smallest_size())
    assert seconds <= 570
    assert record.best is not None and record.best.proposal.epochs is not None


def test_the_rehearsed_export_is_what_is_kept_for_the_end(monkeypatch) -> None:
    record, seconds = ran(monkeypatch, 0.005, rehearsed=80.0)
    assert record.time_plan is not None
    assert record.time_plan.division.end == 80.0 + _ASIDE
    assert seconds <= 600 - 80 - _ASIDE
