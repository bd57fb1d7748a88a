"""A store that an older version wrote still opens, reports and exports.

`old_store/` was written before 0.1.0 was released, when a stage was a number. Its runs: finished,
one of a one-shot search, a warm start, one with networks over a limit, an interrupted one.
`expected.json` is what that version read in it.
"""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netwright.cli.app import app
from netwright.record.reading import read_record
from netwright.record.record import Record
from netwright.store import SQLiteStore
from netwright.trial import Stage

OLD = Path(__file__).with_name("old_store")
EXPECTED = json.loads((OLD / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A copy, since opening a store writes beside it."""
    shutil.copytree(OLD, tmp_path / "old")
    return tmp_path / "old" / "runs.sqlite"


def number(stage: Stage, record: Record) -> int:
    """The stage as it was written then."""
    if stage.is_refit:
        return len(record.settings["finals"]) + 1
    return -1 if stage.is_baseline else stage.number


def read(path: Path, name: str) -> Record:
    return read_record(SQLiteStore(path, create=False), name)


def test_its_runs_are_listed(path: Path) -> None:
    assert SQLiteStore(path, create=False).runs() == list(EXPECTED)
    listed = CliRunner().invoke(app, ["status", "--store", str(path), "--json"])
    assert {run["run"] for run in json.loads(listed.stdout)["runs"]} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_its_trials_are_read(path: Path, name: str) -> None:
    record, expected = read(path, name), EXPECTED[name]
    trials = [
        [t.number, number(t.proposal.stage, record), t.proposal.parent, t.proposal.epochs, t.status]
        for t in record.history
    ]
    assert trials == expected["trials"]
    assert {str(number(s, record)): why for s, why in record.closed.items()} == expected["closed"]
    assert number(record.stage, record) == expected["latest"]
    assert [each.number for each in record.rejections] == expected["rejections"]
    assert sorted(record.running) == expected["running"]


@pytest.mark.parametrize("name", EXPECTED)
def test_its_results_are_read(path: Path, name: str) -> None:
    record, expected = read(path, name), EXPECTED[name]
    assert record.status == expected["status"]
    assert record.best.number == expected["best"]
    assert record.choice is None and record.judged is None  # which were not logged then
    assert record.best.metrics["accuracy"] == expected["accuracy"]
    assert [t.number for t in record.front] == expected["front"]
    assert {str(number): found for number, found in record.tested.items()} == expected["tested"]
    assert sorted(record.confirmed) == expected["confirmed"]
    assert sorted(record.sketches) == expected["sketches"]
    assert record.seconds == pytest.approx(expected["seconds"])
    assert len(record.shared) == expected["epochs_shared"]
    assert sorted(record.shared_scores.values()) == expected["shared_accuracy"]
    assert len(record.random) == expected["random"]


@pytest.mark.parametrize("name", EXPECTED)
def test_it_is_reported(path: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "report.html"
    done = CliRunner().invoke(app, ["report", name, "--store", str(path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    text = out.read_text(encoding="utf-8")
    assert f"{EXPECTED[name]['accuracy']:.2%}" in text
    assert ("final 1" in text) == ("1" in EXPECTED[name]["closed"])


def test_it_is_exported(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "best"
    done = CliRunner().invoke(app, ["export", "finished", "--store", str(path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    made = OLD / "runs.sqlite.files" / "finished" / "export-9"
    assert {p.name for p in out.iterdir()} == {p.name for p in made.iterdir()}
    for file in made.iterdir():
        assert (out / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("name", EXPECTED)
def test_what_was_measured_has_its_target(path: Path, name: str) -> None:
    """Latency had no target in its name then; there was one for a run."""
    record = read(path, name)
    (target,) = record.settings["targets"]
    assert {key.partition("@")[2] for t in record.history for key in t.metrics} == {
        "",
        target["name"],
    }
    assert not any("latency_ms" in trial.metrics for trial in record.history)
    wanted = [*record.limits, *record.objectives]
    assert {o.metric.target for o in wanted} <= {None, target["name"]}
