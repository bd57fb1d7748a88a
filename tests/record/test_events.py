"""Every kind of event goes to JSON and back, and a log with others is refused."""

import json
import math
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.errors import StoreError
from netwright.record import events, reading
from netwright.record.choice import Finalist
from netwright.record.division import Division, Share
from netwright.record.events import KINDS, SharedCandidate
from netwright.record.fact import Fact, TrialFact
from netwright.record.judged import Beside
from netwright.record.rows import read
from netwright.record.writing import write
from netwright.space import Architecture
from netwright.store import MemoryStore
from netwright.trial import BASELINE, REFIT, SEARCH, STATUSES, Budget, Proposal, Stage, Trial

NAMES = st.text("abcdefg._", min_size=1, max_size=8)
NUMBERS = st.integers(0, 1000)
VALUES = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=20)
METRICS = st.dictionaries(NAMES, VALUES, max_size=3)
STAGES = st.sampled_from([SEARCH, BASELINE, Stage.final(1), Stage.final(12), REFIT])
ARCHITECTURES = st.dictionaries(
    NAMES, st.one_of(st.integers(-9, 9), st.booleans(), TEXTS), max_size=3
).map(Architecture.from_answers)
BUDGETS = st.none() | st.tuples(st.integers(1, 99), st.integers(0, 99)).map(
    lambda drawn: Budget(drawn[0], sum(drawn))
)
PROPOSALS = st.builds(Proposal, ARCHITECTURES, BUDGETS, st.none() | NUMBERS, STAGES)
TRIALS = st.builds(
    Trial, NUMBERS, PROPOSALS, st.sampled_from(STATUSES), METRICS,
    st.lists(METRICS, max_size=2).map(tuple), VALUES, VALUES, TEXTS, TEXTS, st.none() | NUMBERS,
)  # fmt: skip
BODIES = st.dictionaries(NAMES, st.one_of(st.none(), NUMBERS, VALUES, TEXTS), max_size=4)
FINALIST = (
    *(NUMBERS, VALUES, NUMBERS, st.none() | VALUES, st.none() | NUMBERS),
    *(VALUES, st.none() | VALUES, st.booleans()),
)
BY_TRIAL = st.dictionaries(NUMBERS, METRICS, max_size=3)
SAMPLES = {
    "created": st.builds(events.Created, BODIES),
    "session": st.builds(events.SessionBegan),
    "closed": st.builds(events.StageClosed, STAGES, TEXTS),
    "final": st.builds(events.FinalistsChosen, STAGES, st.lists(PROPOSALS, max_size=3).map(tuple)),
    "rehearsed": st.builds(
        events.Rehearsed, NUMBERS, VALUES, st.none() | VALUES, st.lists(TEXTS).map(tuple)
    ),
    "noted": st.builds(events.Noted, TEXTS, TEXTS),
    "slow": st.builds(events.TurnedDown, STAGES, NUMBERS, VALUES, VALUES),
    "time": st.builds(
        events.TimePlanned,
        st.builds(Division, VALUES, VALUES, VALUES, NUMBERS),
        st.builds(Share, NUMBERS, VALUES, st.none() | VALUES),
        st.lists(st.dictionaries(st.sampled_from(["params", "seconds"]), VALUES)).map(tuple),
    ),
    "schedules": st.builds(
        events.SchedulesPlanned, st.lists(st.tuples(NUMBERS, NUMBERS)).map(tuple), NUMBERS
    ),
    "confirmed": st.builds(events.Confirmed, BY_TRIAL),
    "chosen": st.builds(
        events.Chosen, NUMBERS, TEXTS, st.lists(st.builds(Finalist, *FINALIST)).map(tuple)
    ),
    "judged": st.builds(
        events.Judged,
        NUMBERS,
        st.lists(st.builds(Beside, *[TEXTS] * 4, NUMBERS, VALUES, VALUES)).map(tuple),
    ),
    "tested": st.builds(events.Tested, BY_TRIAL, st.none() | BODIES),
    "exported": st.builds(
        events.Exported, NUMBERS, st.booleans(), TEXTS, BODIES, st.lists(TEXTS).map(tuple)
    ),
    "reopened": st.builds(
        events.Reopened, st.none() | st.integers(1), st.none() | VALUES, st.none() | st.integers(1)
    ),
    "interrupted": st.builds(events.Interrupted, TEXTS),
    "ended": st.builds(events.Ended, st.sampled_from(["done", "failed"]), TEXTS),
    "shared": st.builds(events.SharedEpoch, BODIES),
    "memory": st.builds(events.MemoryPlanned, BODIES),
    "named": st.builds(
        events.CandidatesNamed,
        st.lists(st.builds(SharedCandidate, ARCHITECTURES, VALUES, st.booleans())).map(tuple),
    ),
    "proposed": st.builds(events.Proposed, NUMBERS, NUMBERS, PROPOSALS, TEXTS, NUMBERS, NUMBERS),
    "claimed": st.builds(events.Claimed, NUMBERS, NUMBERS, TEXTS),
    "measured": st.builds(events.Measured, NUMBERS, METRICS),
    "rejected": st.builds(events.Rejected, NUMBERS, NUMBERS, PROPOSALS, METRICS, TEXTS),
    "restarted": st.builds(events.Restarted, NUMBERS, TEXTS),
    "finished": TRIALS.map(lambda trial: events.Finished(trial.number, trial)),
    "sketch": st.builds(events.Sketched, NUMBERS, BODIES),
    "examined": st.builds(events.Examined, NUMBERS, BODIES),
}


@settings(derandomize=True, deadline=None, max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("kind", [*KINDS])
def test_every_kind_goes_to_json_and_back(kind: str, data: st.DataObject) -> None:
    fact = data.draw(SAMPLES[kind])
    assert type(fact) is KINDS[kind]
    body = json.loads(json.dumps(fact.to_json(), allow_nan=False))
    trial = fact.trial if isinstance(fact, TrialFact) else None
    assert KINDS[kind].from_json(body, trial) == fact
    store = MemoryStore("events")
    store.clear()
    store.create("a", {})
    number = write(store, "a", fact)
    row = store.events("a")[-1]
    assert (row.id, row.kind, row.trial) == (number, kind, trial)
    assert read(row, finals=0) == fact


def test_every_kind_has_its_name_and_is_frozen() -> None:
    assert KINDS.keys() == SAMPLES.keys()
    kinds = {each for each in vars(events).values() if isinstance(each, type)}
    assert {each for each in kinds if issubclass(each, Fact) and hasattr(each, "kind")} == {
        *KINDS.values()
    }
    for kind, each in KINDS.items():
        assert each.kind == kind
        assert each.__dataclass_params__.frozen
        assert len(fields(each)) <= 6


def test_what_json_cannot_say_becomes_nan() -> None:
    fact = events.Measured(3, {"a": math.inf, "b": math.nan, "c": 1.0})
    assert fact.to_json() == {"metrics": {"a": None, "b": None, "c": 1.0}}
    metrics = events.Measured.from_json(fact.to_json(), 3).metrics
    assert math.isnan(metrics["a"]) and math.isnan(metrics["b"]) and metrics["c"] == 1.0


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("unheard", {}),
        ("closed", {"reason": "x"}),
        ("closed", {"stage": "finale", "reason": "x"}),
        ("proposed", {"attempt": 0, "proposal": {}, "key": ""}),
        ("finished", {"number": 1}),
        ("tested", {"trials": {"x": {}}}),
        ("measured", {"metrics": None}),
    ],
)
def test_a_damaged_log_is_refused(tmp_path: Path, kind: str, body: dict) -> None:
    store = MemoryStore("damaged")
    store.clear()
    objectives = [{"metric": "accuracy", "direction": "maximize"}]
    store.create("a", {key: [] for key in reading._SETTINGS} | {"objectives": objectives})
    assert reading.read_record(store, "a").status == "unfinished"
    store.append("a", kind, body, 3)
    with pytest.raises(StoreError, match=r"The log of the run 'a' in .* is damaged or was written"):
        reading.read_record(store, "a")
