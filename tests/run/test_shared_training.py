"""One-shot searches as runs: the same history, export and report as any other, and after a kill."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load

import netwright as nw
from netwright.data import Augmentation
from netwright.errors import SettingError
from netwright.execute import Inline
from netwright.record.artifacts import SHARED_WEIGHTS
from netwright.record.reading import read_record
from netwright.report.shared_weights import pairs, preferences, random_beside, trust
from netwright.run.fingerprint import settings_of
from netwright.run.loop import Loop
from netwright.run.plan import Plan
from netwright.run.shared_training import Checkpoint, setting_of, train_shared
from netwright.store import MemoryStore, SQLiteStore
from netwright.testing.oneshot import small_data
from netwright.testing.spaces import READY
from netwright.trial import Trial

SPACE = READY["nasbench201"]()
TRAINING = nw.Training(small_data(SPACE.inputs, SPACE.outputs), epochs=1, full_epochs=2)


def plan(strategy, **asked):
    return Plan(
        SPACE,
        TRAINING,
        strategy,
        **{"trials": 5, "finals": [(1, 2)], "refit": False} | asked,
    )


def looped(path: Path, strategy, name: str = "a", *, watch=None, spent=0.0, **asked) -> Loop:
    """The run without its end: a search, and one final."""
    made = plan(strategy, **asked)
    store = SQLiteStore(path / "runs.db")
    if name not in store.runs():
        store.create(name, settings_of(made))
    told = watch or (lambda progress: None)
    loop = Loop(made, store, name, Inline(), told, spent=spent, ending=0)
    loop.run()
    return loop


def told(trials: list[Trial]) -> list[object]:
    return [(t.number, t.proposal, t.status, t.metrics.get("accuracy")) for t in trials]


def untimed(epoch):
    return {key: value for key, value in epoch.items() if key != "seconds"}


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    "strategy",
    [
        nw.SinglePath(epochs=3, scored=8),
        pytest.param(nw.GDAS(epochs=3, waiting=0), marks=pytest.mark.thorough),
    ],
    ids=lambda s: type(s).__name__,
)
def test_a_run_that_was_killed_while_weights_were_shared_ends_as_if_it_had_not(tmp_path, strategy):
    whole = looped(tmp_path, strategy)

    def watch(progress):
        if progress.shared == (2, 3):
            raise Killed

    with pytest.raises(Killed):
        looped(tmp_path, strategy, "b", watch=watch)
    store = SQLiteStore(tmp_path / "runs.db")
    assert read_record(store, "b").shared.keys() == {1, 2}
    assert not read_record(store, "b").history
    again = looped(tmp_path, strategy, "b")
    assert told(again.history) == told(whole.history)
    records = [read_record(store, name) for name in "ab"]
    found = [[untimed(epoch) for epoch in record.shared.values()] for record in records]
    assert found[0] == found[1]
    assert records[0].shared_scores == records[1].shared_scores
    weights = [load(store.read(name, SHARED_WEIGHTS)) for name in "ab"]
    assert weights[0].keys() == weights[1].keys()
    assert all((weights[0][key] == weights[1][key]).all() for key in weights[0])


def test_memory_is_not_planned_where_no_epochs_are_left(tmp_path):
    made, planned = plan(nw.SinglePath(epochs=1, scored=4)), []
    named = [
        train_shared(
            made, made.costs(), Checkpoint(MemoryStore(), "a"), seconds_left=lambda share: math.inf,
            planned=planned.append,
            told=lambda body: None,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert len(planned) == 1
    assert named[0] == named[1]


def test_images_are_augmented_as_those_of_trials():
    space = READY["convnet"]()
    training = nw.Training(small_data(space.inputs, space.outputs), crop=1, cutout=7, flip=True)
    made = replace(plan(nw.GDAS()), space=space, evaluator=training)
    assert space.choices["cutout"].options == (4, 6)
    assert setting_of(made, ()).augmentation == Augmentation(flip=True, crop=1, cutout=4)
    plain = nw.Space(space.network, space.inputs, space.outputs)
    made = replace(made, space=plain)  # which has no recipe
    assert setting_of(made, ()).augmentation == Augmentation(flip=True, crop=1, cutout=7)


def test_what_is_named_is_trained_alone_and_compared_with_its_shared_accuracy(tmp_path):
    run = nw.search(
        SPACE, TRAINING, strategy=nw.RandomSharing(epochs=2, scored=16), trials=5,
        finals=[(1, 2)], workers=0, store=tmp_path / "runs.db", run="a",
        out=tmp_path / "best",
    )  # fmt: skip
    assert (tmp_path / "best" / "model.py").is_file()
    record = read_record(SQLiteStore(tmp_path / "runs.db"), "a")
    named = list(record.shared_scores)
    trials = [t for t in record.history if t.proposal.stage.is_search]
    assert [t.architecture for t in trials] == named[:5]
    assert [(x, y) for _, x, y in pairs(record)] == [
        (record.shared_scores[t.architecture], t.metrics["accuracy"]) for t in trials
    ]
    assert "5 networks" in trust(record)
    assert run.best.architecture in named
    run.report(tmp_path / "report.html")
    assert "Shared weights" in (tmp_path / "report.html").read_text()


def test_limits_pass_over_what_is_named(tmp_path):
    rng = np.random.default_rng(0)
    bound = float(np.median([SPACE.survey(SPACE.sample(rng)).params for _ in range(9)]))
    kept = looped(tmp_path, nw.GDAS(epochs=1), limits={"params": bound}).history
    assert all(t.metrics["params"] <= bound for t in kept)
    assert len([t for t in kept if t.proposal.stage.is_search]) == 5


def test_half_of_the_minutes_are_for_shared_weights(tmp_path):
    budget = dict(trials=2, minutes=0.25)
    history = looped(tmp_path, nw.GDAS(epochs=10_000), **budget).history
    assert 1 <= len(read_record(SQLiteStore(tmp_path / "runs.db"), "a").shared) < 10_000
    assert any(t.done for t in history)


def test_networks_are_scored_by_shared_weights_while_there_is_time(tmp_path):
    budget = dict(trials=2, minutes=0.25)
    strategy = nw.SinglePath(epochs=1, scored=15_000)  # which would take the better part of an hour
    history = looped(tmp_path, strategy, **budget).history
    record = read_record(SQLiteStore(tmp_path / "runs.db"), "a")
    assert set(record.shared_scores) - set(record.random)  # not random ones alone
    assert any(t.done for t in history)


def test_a_network_is_returned_also_where_no_time_is_left_for_shared_weights(tmp_path):
    asked = {"trials": 4, "minutes": 1.0, "spent": 45}
    history = looped(tmp_path, nw.GDAS(epochs=1000), **asked).history
    assert any(t.done and t.proposal.stage.is_search for t in history)
    assert len(read_record(SQLiteStore(tmp_path / "runs.db"), "a").shared) < 1000


def test_minutes_that_are_too_few_for_one_network_are_refused_with_the_least(tmp_path):
    with pytest.raises(SettingError, match=r"`search\(minutes=0.0001\)` must leave .* least that"):
        looped(tmp_path, nw.GDAS(epochs=2), trials=4, minutes=1e-4, spent=1)


def test_what_a_one_shot_search_cannot_learn_from_is_refused():
    space = READY["nasbench201"]()
    with pytest.raises(SettingError, match=r"`search\(strategy=GDAS\(\)\)` .* give `netwright.Tr"):
        nw.search(space, lambda model, epochs: {"accuracy": 0.5}, strategy=nw.GDAS(), trials=2)
    with pytest.raises(SettingError, match="did you mean 'gdas'"):
        nw.search(space, lambda model, epochs: {"accuracy": 0.5}, strategy="gdass", trials=2)


@pytest.mark.parametrize(
    "strategy",
    [
        nw.ENAS(epochs=3, rewards=4),
        pytest.param(nw.GDAS(epochs=3, waiting=0), marks=pytest.mark.thorough),
    ],
    ids=lambda s: type(s).__name__,
)
def test_the_report_shows_how_preferences_grew(tmp_path, strategy):
    looped(tmp_path, strategy)
    record = read_record(SQLiteStore(tmp_path / "runs.db"), "a")
    for epoch in record.shared.values():
        assert epoch["chances"].keys() == SPACE.choices.keys()
        assert all(sum(p) == pytest.approx(1, abs=1e-3) for p in epoch["chances"].values())
    page = preferences(record)
    assert sum("<svg" in chart for _, chart in page) == len(SPACE.choices)
    assert sum("no…nv_3x3" in chart for _, chart in page) == len(SPACE.choices)
    record.shared = {1: record.shared[1]}
    assert preferences(record) == []  # one epoch is no curve


@pytest.mark.thorough
def test_as_many_random_networks_are_trained_as_the_time_would_have_paid_for(tmp_path):
    loop = looped(tmp_path, nw.GDAS(epochs=3), baseline="same")
    trials = [t for t in loop.history if t.proposal.stage.is_search]
    drawn = [t for t in loop.history if t.proposal.stage.is_baseline]
    record = read_record(SQLiteStore(tmp_path / "runs.db"), "a")
    whole = sum(t.seconds for t in trials) + sum(e["seconds"] for e in record.shared.values())
    assert len(drawn) == math.ceil(whole / (sum(t.seconds for t in trials) / len(trials)))
    assert len(drawn) > len(trials)
    with pytest.raises(SettingError, match=r"`search\(baseline=\"same\"\)` counts by the seconds"):
        nw.search(SPACE, TRAINING, trials=1, baseline="same", deterministic=True)
    with pytest.raises(SettingError, match=r"`search\(baseline=...\)` must be .* or \"same\""):
        nw.search(SPACE, TRAINING, trials=1, baseline="many")


def test_the_report_compares_what_was_named_with_random_networks(tmp_path):
    looped(tmp_path, nw.SinglePath(epochs=1, scored=8), trials=6)
    record = read_record(SQLiteStore(tmp_path / "runs.db"), "a")
    trials = [t for t in record.history if t.proposal.stage.is_search]
    drawn = [t for t in trials if t.architecture in record.random]
    assert len(drawn) == 2
    best = max(t.metrics["accuracy"] for t in drawn)
    assert f"the best of 2 random ones {best:.4g}" in random_beside(record)
