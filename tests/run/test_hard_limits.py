"""Hard limits: in no stage is a network over one trained, and none is returned."""

from dataclasses import replace
from pathlib import Path

import pytest
from test_loop import Counted, loop, parameters, plan, size
from torch import nn

from netwright.evaluate.base import Candidate, Context, Evaluator, Result
from netwright.evaluate.function import Function
from netwright.objective import limits_from
from netwright.record.reading import read_record
from netwright.run.conclude import conclude
from netwright.space import Choose, Space
from netwright.strategies import RandomSearch
from netwright.trial import BASELINE, REFIT, SEARCH, Budget, Stage


class Refitting(Function):
    """Trains as a plain function does, and can train again on all data, without a score."""

    def for_refit(self) -> Evaluator:
        return Refit(self.train)


class Refit(Function):
    def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
        return replace(super().evaluate(candidate, budget, context), metrics={})


@pytest.mark.parametrize("metric", ["params", "latency_ms@counted"])
def test_a_network_over_a_limit_is_trained_in_no_stage(tmp_path: Path, metric: str) -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        width = choose.value("width", range(1, 201))  # of most no forecast knows the size
        return nn.Sequential(nn.Linear(4, width), nn.Linear(width, classes))

    stages: dict[Stage, list[int]] = {}

    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        stages.setdefault(run.progress().stage, []).append(parameters(model))
        return size(model, epochs)

    made = plan(
        space=Space(network, 4, 3),
        evaluator=Refitting(train),
        strategy=RandomSearch(),
        limits=limits_from({metric: {"params": 700, "latency_ms@counted": 7.0}[metric]}),
        targets=(Counted(),) if metric != "params" else (),
        trials=5,
        baseline=6,
        refit=True,
    )
    run = loop(tmp_path, made)
    run.run()
    assert {stage: len(trained) for stage, trained in stages.items()} == {
        SEARCH: 5,
        BASELINE: 6,
        Stage.final(1): 4,
        Stage.final(2): 2,
        REFIT: 1,
    }
    assert max(most for trained in stages.values() for most in trained) <= 700
    attempts = {SEARCH: 0, BASELINE: 0}
    for event in run.store.events("a"):
        if event.kind == "proposed":
            stage = Stage.from_json(event.body["proposal"]["stage"])
            if stage in attempts:
                attempts[stage] += event.body["attempt"]
    assert min(attempts.values()) > 0, "nothing over the limit was drawn in one of the stages"


class Slower(Counted):
    """Says of a network that it is slower each time but the first, where it is large."""

    def __init__(self, large: int) -> None:
        super().__init__()
        self.large, self.times = large, dict[int, int]()

    def measure(self, artifacts) -> list[dict[str, float]]:
        return [{"latency_ms": self.next_of(int(artifact.content))} for artifact in artifacts]

    def next_of(self, count: int) -> float:
        self.times[count] = self.times.get(count, 0) + 1
        return 9.0 if count > self.large and self.times[count] > 1 else count / 100


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("large", [90, 0])
def test_what_is_over_a_limit_when_measured_again_is_not_trained_again_nor_returned(
    tmp_path: Path, large: int, refit: bool
) -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        width = choose.width("width", 1, 15)
        return nn.Sequential(nn.Linear(4, width), nn.Linear(width, classes))

    trained: list[int] = []

    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        trained.append(parameters(model))
        return size(model, epochs)

    made = plan(
        space=Space(network, 4, 3),
        evaluator=Refitting(train),
        strategy=RandomSearch(),
        limits=limits_from({"latency_ms@counted": 2.0}),
        targets=(Slower(large),),
        trials=12,
        finals=((6, 3),),
        refit=refit,
    )
    run = loop(tmp_path, made)
    run.run()
    assert max(trained) > large
    record = read_record(run.store, "a")
    assert set(record.confirmed) == {t.number for t in run.history[12:18]}
    if large:
        within = [count for count in trained[12:18] if count <= large]
        assert trained[18:] == [max(within)] * refit
        best = record.best
        assert best is not None
        assert best.metrics["params"] == max(within)
        assert record.front == [best]
    else:
        assert trained[18:] == []
        conclude(run.store, "a", made)
        ended = read_record(run.store, "a")
        assert (ended.status, ended.stage) == ("failed", SEARCH)
        assert ended.reason.startswith("measured again on the idle machine, no finalist keeps")
