"""`netwright data` prints a look, and trains nothing."""

import json
from pathlib import Path

import pytest

from netwright.cli.app import app
from netwright.cli.exits import guarded


@pytest.fixture
def kinds(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [f"{i % 7},{'ab'[i % 2]},{'rare' if i % 20 == 0 else 'often'}" for i in range(200)]
    (tmp_path / "kinds.csv").write_text("\n".join(["n,w,kind", *rows]) + "\n", encoding="utf-8")
    return tmp_path / "kinds.csv"


def test_a_look_in_lines(kinds: Path, capsys) -> None:
    assert guarded(app, ["data", str(kinds), "--label", "kind"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "kinds: 200 rows: 120 train, 40 validation, 40 test"
    assert lines[1] == "to predict: 2 classes (column 'kind')"
    assert any(line.split()[:3] == ["rare", "10", "5.00%"] for line in lines)
    assert any(line.split()[:2] == ["n", "number"] and line.endswith("0 to 6") for line in lines)
    said = " ".join(lines)
    assert "search by `--objective balanced_accuracy`" in said
    assert """by `--task 'classification(weights="balanced")'`""" in said
    assert not list(kinds.parent.glob("*.db"))


def test_a_look_as_json_with_a_task_that_has_settings(kinds: Path, capsys) -> None:
    call = ["data", str(kinds), "--task", 'classification(weights="balanced")', "--json"]
    assert guarded(app, call) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["rows"] for each in told["counts"]] == [190, 10]
    assert not any("--task" in remark for remark in told["remarks"])


def test_a_wrong_call_is_one_sentence(kinds: Path, capsys) -> None:
    for call, said in {
        ("nothing.csv",): "`--data nothing.csv`: there is no such file",
        (str(kinds), "--label", "k"): "has no column 'k' for `--label`",
        (str(kinds), "--task", "classify(weights=1)"): "`--task` must be one of",
    }.items():
        assert guarded(app, ["data", *call]) == 2
        assert said in capsys.readouterr().err
