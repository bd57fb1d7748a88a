"""The table that comes with the package: complete, and what its networks really are."""

import json

import numpy as np
import pytest

from netwright import spaces
from netwright.bench import simulate
from netwright.cli import app
from netwright.cli.bench import opened, shipped
from netwright.cli.exits import guarded
from netwright.objective import maximize
from netwright.stopping import Hyperband, Stopped
from netwright.strategies import RandomSearch


@pytest.fixture(scope="module")
def forest():
    return opened("forest", None)


def test_it_is_shipped_and_complete(forest):
    assert shipped() == ["forest"]
    assert len(forest) == len(forest.distinct) == 1050 == forest.space.count()
    assert forest.searched is forest.space
    assert all(np.isfinite(values).all() for values in forest.columns.values())
    assert forest.budgets("accuracy") == forest.budgets("seconds") == (1, 2, 3, 4, 5, 6)


def test_columns_agree_with_each_other_and_with_the_networks(forest):
    seeds = [forest.column(f"accuracy_6_seed{seed}") for seed in range(3)]
    assert np.mean(seeds, axis=0) == pytest.approx(forest.column("accuracy_6"), abs=1e-3)
    tests = [forest.column(f"test_seed{seed}") for seed in range(3)]
    assert np.mean(tests, axis=0) == pytest.approx(forest.column("test"), abs=1e-3)
    per_epoch = forest.column("seconds_1")
    assert forest.column("seconds_6") == pytest.approx(6 * per_epoch, abs=1e-3)
    for row in range(0, len(forest), 97):
        survey = forest.space.survey(forest.architecture(row))
        assert forest.column("params")[row] == survey.params
        assert forest.column("macs")[row] == survey.macs


def test_its_signal_says_something_of_its_test(forest):
    """Noise of three seeds is small beside the differences of networks, and grows to the end."""
    ranks = [np.argsort(np.argsort(forest.column(name))) for name in ("accuracy_6", "test")]
    assert np.corrcoef(*ranks)[0, 1] > 0.9
    early = np.argsort(np.argsort(forest.column("accuracy_1")))
    assert 0 < np.corrcoef(early, ranks[1])[0, 1] < np.corrcoef(*ranks)[0, 1]
    one, two = forest.column("accuracy_6_seed0"), forest.column("accuracy_6_seed1")
    assert np.std(one - two) / 2**0.5 < np.std(forest.column("accuracy_6")) / 2


def test_searches_on_it(forest):
    accuracy = (maximize("accuracy"),)
    course = simulate(forest, RandomSearch(), accuracy, seconds=200, cost="seconds")
    halved = simulate(
        forest,
        Stopped(RandomSearch(), Hyperband(budgets=(1, 2, 6))),
        accuracy,
        seconds=200,
        cost="seconds",
    )
    assert len(halved.rows) > len(course.rows) > 10
    assert set(halved.epochs.tolist()) == {1, 2, 6}


def test_it_has_a_name_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["bench", "run", "--table", "forest"]
    command += ["--strategies", "random,hyperband,successive-halving-evolution"]
    command += ["--signal", "accuracy", "--report", "test", "--seconds", "100", "--cost", "seconds"]
    command += ["--seeds", "2", "--out", "b", "--json", "--quiet", "--processes", "1"]
    assert guarded(app, command) == 0
    assert (
        70
        < json.loads(capsys.readouterr().out)["strategies"]["hyperband"]["at"]["test"]["1"]["mean"]
        < 100
    )
    command[command.index("accuracy")] = "test"
    assert guarded(app, [*command[:-6], "--out", "c"]) == 2
    said = capsys.readouterr().err
    assert "`--strategies hyperband` needs a signal of several budgets" in said


def test_its_space_is_the_ready_one(forest):
    assert forest.space.digest == spaces.forest().digest
