"""What a run knows while it runs is what its log says, after every event."""

from pathlib import Path

import numpy as np
import pytest
from test_hard_limits import Refitting
from test_loop import Counted, loop, plan, size
from test_resume import few

from netwright.errors import Conflict
from netwright.evaluate.costs import Admitted, Costs
from netwright.objective import limits_from
from netwright.record.events import SessionBegan
from netwright.record.reading import read_record
from netwright.record.writing import write
from netwright.run.plan import Plan
from netwright.run.state import RunState
from netwright.run.takeoff import Takeoff
from netwright.space import Architecture, Space
from netwright.strategies import RegularizedEvolution
from netwright.trial import REFIT, SEARCH, Stage


def known(state: RunState) -> dict[str, object]:
    """The record, and what the plug-ins would decide."""
    space, rng = state.plan.space, np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(5)]
    record = {name: value for name, value in vars(state.record).items() if name != "has_weights"}
    return record | {
        "history": list(state.history),
        "again": list(state.again),
        "excess": state.costs.forecast.excess(drawn).tolist(),
        "kept": [t.number for t in state.history if state.weights.has(t.number)],
        "proposal": None
        if state.plan.deterministic  # what it observes depends on what it is asked
        else state.searches.propose(SEARCH, rng, []),
    }


def whole_plan(deterministic: bool) -> Plan:
    return plan(
        space=Space(few, 4, 3),
        evaluator=Refitting(size),
        strategy=RegularizedEvolution(4, 2),
        limits=limits_from({"latency_ms@counted": 0.6, "params": 75}),
        targets=(Counted(),),
        trials=6,
        baseline=2,
        finals=((3, 2), (2, 3)),
        refit=True,
        deterministic=deterministic,
    )


@pytest.mark.parametrize("deterministic", [True, False])
def test_the_fold_of_each_beginning_of_the_log_is_what_the_run_knew_then(
    tmp_path: Path, monkeypatch, deterministic: bool
) -> None:
    made = loop(tmp_path, whole_plan(deterministic))
    append, kinds = RunState.append, []

    def checked(state: RunState, fact) -> None:
        append(state, fact)
        anew = RunState(state.plan, made.store, made.name)
        anew.costs.survey_some(state.plan.seed)
        assert known(anew) == known(state), f"after event {len(kinds)}, {fact}"
        kinds.append(fact.kind)

    monkeypatch.setattr(RunState, "append", checked)
    made.run()
    assert {*kinds} == {
        *("session", "proposed", "claimed", "measured", "rejected", "finished", "closed"),
        *("final", "confirmed"),
    }
    record = read_record(made.store, made.name)
    assert list(record.closed) == [*record.firsts] and record.closed.keys() > {SEARCH, REFIT}
    assert record.next_number == len(record.history) == 6 + 2 + 3 + 2 + 1
    assert [p.parent for p in record.finalists[Stage.final(2)]]
    assert not record.open


def test_a_log_that_someone_else_writes_to_is_a_conflict(tmp_path: Path) -> None:
    made = loop(tmp_path, whole_plan(True))
    write(made.store, made.name, SessionBegan())
    with pytest.raises(Conflict):
        made.run()


def test_what_was_refused_before_a_proposal_is_known_to_a_resumed_run(tmp_path: Path) -> None:
    made = loop(tmp_path, plan(space=Space(few, 4, 3), limits=limits_from({"params": 30})))
    made.run()
    again = RunState(made.plan, made.store, made.name)
    assert again.record.refused == made.progress().rejected > 0


def test_each_network_over_a_limit_is_counted(tmp_path: Path, monkeypatch) -> None:
    over, before, admit, launch = [], [], Costs.admit, Takeoff._launch

    def admitted(self: Costs, architecture: Architecture) -> Admitted:
        found = admit(self, architecture)
        over.append(found.reason is not None)
        return found

    def launched(self: Takeoff, *given: object) -> None:
        before.append(sum(over))
        over.clear()
        launch(self, *given)

    monkeypatch.setattr(Costs, "admit", admitted)
    monkeypatch.setattr(Takeoff, "_launch", launched)
    limits = limits_from({"params": 30})
    made = loop(tmp_path, plan(space=Space(few, 4, 3), limits=limits, finals=()))
    made.run()
    drawn = before[1:]  # the first has what was surveyed at the start
    assert max(drawn) > 1
    assert read_record(made.store, made.name).refused == sum(drawn)
