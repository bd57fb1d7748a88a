"""What becomes of a trial whose worker is gone: it begins anew once, or ended as it did."""

import time
from pathlib import Path

import pytest
from test_candidates import facts, loop
from test_loop import plan

from netwright.execute import Inline, Key, Message

LOST = 1  # the trial that loses its workers


class Losing(Inline):
    """Loses the workers of a trial, one after the other, and lets it train when all are gone."""

    def __init__(self, *ends: tuple[str, str]) -> None:
        super().__init__()
        self._ends, self._news = list(ends), list[Message]()

    def submit(self, key: Key, job, seconds=None, *, alone: bool = False) -> None:
        if key.trial == LOST and self._ends:
            told = Message("progress", key, {"epoch": 1.0, "accuracy": 0.25})
            self._news += [told, Message("lost", key, self._ends.pop(0))]
        else:
            super().submit(key, job, seconds, alone=alone)

    def wait(self, seconds: float) -> list[Message]:
        news, self._news = self._news, []
        return news or super().wait(seconds)


@pytest.mark.parametrize("status", ["failed", "preempted"])
def test_a_trial_that_loses_its_worker_begins_anew_once(tmp_path: Path, status: str) -> None:
    made = loop(tmp_path, plan(trials=3, finals=()), Losing((status, "ended by signal 9")))
    made.run()
    restarted = [fact for fact in facts(made) if fact.kind == "restarted"]
    assert [(fact.trial, fact.reason) for fact in restarted] == [(LOST, "ended by signal 9")]
    trial = made.history.numbered(LOST)
    assert trial is not None and trial.done and trial.curve == ()
    assert made.state.record.attempts[LOST] == 2


@pytest.mark.parametrize("status", ["failed", "preempted"])
def test_one_that_loses_it_twice_ends_as_the_second_time(tmp_path: Path, status: str) -> None:
    ends = (status, "ended by signal 9"), (status, "ended by signal 15")
    made = loop(tmp_path, plan(trials=3, finals=()), Losing(*ends))
    made.run()
    trial = made.history.numbered(LOST)
    assert trial is not None
    assert (trial.status, trial.reason) == (status, "ended by signal 15")
    assert trial.curve == ({"epoch": 1.0, "accuracy": 0.25},)
    assert trial.metrics["params"] > 0
    assert [t.number for t in made.history if t.done] == [0, 2]


@pytest.mark.parametrize("status", ["oom", "timeout"])
def test_one_whose_end_has_a_reason_does_not_begin_anew(tmp_path: Path, status: str) -> None:
    made = loop(tmp_path, plan(trials=3, finals=()), Losing((status, "4 GiB of 2")))
    made.run()
    assert not [fact for fact in facts(made) if fact.kind == "restarted"]
    trial = made.history.numbered(LOST)
    assert trial is not None and (trial.status, trial.reason) == (status, "4 GiB of 2")
    assert made.state.record.attempts[LOST] == 1


class Late(Losing):
    """Its trial is lost after some time, as one is whose worker has to start first."""

    def wait(self, seconds: float) -> list[Message]:
        if self._news:
            time.sleep(0.4)
        return super().wait(seconds)


def test_what_a_worker_takes_to_start_is_no_part_of_a_trial(tmp_path: Path) -> None:
    """Else other networks are thought to take as long, and few minutes are spent on nothing."""
    given = plan(trials=3, finals=(), trial_minutes=0.15 / 60)
    made = loop(tmp_path, given, Late(("timeout", "it took longer than it was given")))
    made.run()
    trial = made.history.numbered(LOST)
    assert trial is not None and trial.status == "timeout"
    assert trial.seconds == pytest.approx(0.15)
