"""The commands that an exported folder is enough for."""

import json
from pathlib import Path

import pytest

import netwright as nw
from netwright.cli.app import app
from netwright.cli.exits import guarded
from untrained import exported

TABLE = "width,kind\n" + "".join(f"{i}.5,{'long' if i > 30 else 'wide'}\n" for i in range(60))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "kinds.csv").write_text(TABLE, encoding="utf-8")
    exported(nw.data.load(home / "kinds.csv"), home / "best")
    return home


def test_predictions_are_printed_or_put_into_a_file(home: Path, capsys) -> None:
    call = ["predict", str(home / "best"), str(home / "kinds.csv")]
    assert guarded(app, call) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "kind,p_long,p_wide"
    assert len(printed.out.splitlines()) == 61
    assert "accuracy" in printed.err
    assert "on the 60 rows" in printed.err
    assert guarded(app, [*call, "--out", str(home / "answers.csv")]) == 0
    assert capsys.readouterr().out == ""
    assert (home / "answers.csv").read_text(encoding="utf-8") == printed.out


def test_the_data_are_not_written_over(home: Path, capsys) -> None:
    file = str(home / "kinds.csv")
    assert guarded(app, ["predict", str(home / "best"), file, "--out", file]) == 2
    assert "`--out` must be another file than the data" in capsys.readouterr().err
    assert (home / "kinds.csv").read_text(encoding="utf-8") == TABLE


def test_a_wrong_call_is_one_sentence(home: Path, capsys) -> None:
    (home / "odd.csv").write_text("width\n1\nmuch\n", encoding="utf-8")
    assert guarded(app, ["predict", str(home / "best"), str(home / "odd.csv")]) == 2
    said = capsys.readouterr().err
    assert "row 1 (counted from 0) holds 'much' in the column 'width'" in said
    assert len(said.splitlines()) == 1


def test_a_network_learns_from_more_rows(home: Path, capsys) -> None:
    folder = home / "found"
    exported(nw.data.load(home / "kinds.csv"), folder)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card |= {"origin": {"space": None, "evaluator": "Training"}}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    call = ["retrain", str(folder), str(home / "kinds.csv"), "--out", str(home / "again")]
    assert guarded(app, [*call, "--epochs", "2", "--json"]) == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert told["data"]["test"] == 12
    assert f"test accuracy {told['test']['accuracy']:.2%} (12 rows" in printed.err
    assert "epoch 2 of 2: loss" in printed.err
    again = json.loads((home / "again" / "card.json").read_text(encoding="utf-8"))
    assert again["metrics"]["test_accuracy"] == told["test"]["accuracy"]


def test_a_retraining_that_is_refused_is_one_sentence(home: Path, capsys) -> None:
    call = ["retrain", str(home / "best"), str(home / "kinds.csv"), "--out"]
    assert guarded(app, [*call, str(home / "best")]) == 2
    assert "`--out` must be another folder than that of the network" in capsys.readouterr().err
    assert guarded(app, [*call, str(home / "none")]) == 2
    assert "does not name a training of netwright's" in capsys.readouterr().err
