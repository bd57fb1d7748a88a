"""Two objectives on a table: the share of its front that was found."""

import json

import numpy as np
import pytest

from netwright.bench import Course, Table
from netwright.bench.compare import Comparison, Searched
from netwright.bench.hypervolume import hypervolume, shares
from netwright.cli import app
from netwright.cli.exits import guarded
from netwright.testing.spaces import READY


@pytest.fixture(scope="module")
def table():
    space = READY["forest"]()
    members = list(space.enumerate())[:200]
    rng = np.random.default_rng(0)
    signal, cost = rng.random(len(members)), rng.random(len(members))
    signal[3], cost[4] = np.nan, np.nan
    return Table(space, members, {"signal": signal, "ms": cost, "seconds": 1 + cost})


def searched(rows):
    seconds = np.arange(1.0, len(rows) + 1)
    return Searched("random", 0, Course(np.array(rows), seconds, np.zeros(len(rows), int)), 0.1)


def test_hypervolume_of_known_fronts():
    reference = np.zeros(2)
    points = np.array([[1.0, 3], [2, 2], [3, 1], [1, 1], [2, 2], [-1, 9]])
    assert hypervolume(points, reference) == 6
    assert hypervolume(points[:1], reference) == 3
    assert hypervolume(points[:0], reference) == 0
    assert hypervolume(points, np.array([3.0, 3])) == 0
    # A quarter of a circle, as of ZDT2's kind: the area tends to pi / 4.
    angle = np.linspace(0, np.pi / 2, 20_001)
    assert hypervolume(np.column_stack([np.cos(angle), np.sin(angle)]), reference) == pytest.approx(
        np.pi / 4, abs=1e-4
    )


def test_hypervolume_is_that_of_counted_points():
    rng = np.random.default_rng(1)
    for _ in range(20):
        points = rng.random((rng.integers(1, 12), 2))
        drawn = rng.random((40_000, 2))
        dominated = (points[:, None] >= drawn).all(-1).any(0).mean()
        assert hypervolume(points, np.zeros(2)) == pytest.approx(dominated, abs=0.015)


def test_shares_grow_to_one(table):
    comparison = Comparison("t", None, ("random",), 1, "signal", (), evaluations=200, minimize="ms")
    rows = np.random.default_rng(0).permutation(200)
    found = shares(comparison, table, [searched(rows)], np.arange(1.0, 201))[:, 0]
    assert found[-1] == pytest.approx(1) and (np.diff(found) >= 0).all() and found[0] < 0.9


def test_what_was_trained_for_less_counts_for_nothing(table):
    comparison = Comparison(
        "t", None, ("hyperband",), 1, "signal", (), evaluations=3, minimize="ms"
    )
    both = []
    for epochs in ([1, 1, 9], [0, 0, 0]):
        course = Course(np.array([12, 11, 10]), np.arange(3.0), np.array(epochs))
        search = Searched("hyperband", 0, course, 0.1)
        both.append(shares(comparison, table, [search], np.array([2.0, 3.0]))[:, 0])
    last = shares(comparison, table, [searched([10])], np.array([1.0]))[0, 0]
    assert both[0].tolist() == [0, last] and both[1][0] > last


def test_two_objectives_on_the_command_line(table, tmp_path, monkeypatch, capsys):
    table.save(tmp_path / "t.safetensors")
    monkeypatch.chdir(tmp_path)
    command = ["bench", "run", "--table", "t.safetensors"]
    command += ["--strategies", "random,nsga2", "--signal", "signal", "--minimize", "ms"]
    command += ["--evaluations", "40", "--seeds", "3", "--out", "b", "--json", "--processes", "1"]
    assert guarded(app, command) == 0
    out, err = capsys.readouterr()
    assert "front, %" in err
    figures = json.loads(out)["strategies"]["nsga2"]["hypervolume"]
    assert 0 < figures["0.25"]["mean"] <= figures["1"]["mean"] <= 1
    page = (tmp_path / "b" / "report.html").read_text()
    assert "Percent of the hypervolume" in page
