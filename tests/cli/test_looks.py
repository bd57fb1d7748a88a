"""`netwright data` prints a look, and trains nothing."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netwright.cli import launch, options
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


def test_a_number_is_a_share_of_the_rows_and_a_path_is_a_path(kinds: Path, capsys) -> None:
    (kinds.parent / "0").mkdir()  # what a number calls is no file
    for given, sizes in {
        "0": {"train": 160, "validation": 40, "test": 0},
        "0.0": {"train": 160, "validation": 40, "test": 0},
        "0.1": {"train": 140, "validation": 40, "test": 20},
        "1e-1": {"train": 140, "validation": 40, "test": 20},
        "./0": "0 cannot be read as a table",
        "0.csv": "there is no such file",
        "3": "`--test` must be a fraction of the rows above 0 and below 1, got 3.",
        "-0.5": "`--test` must be a fraction of the rows above 0 and below 1, got -0.5.",
        "0.9": "the share of the validation part and `--test` must leave rows for training",
    }.items():
        status = guarded(app, ["data", str(kinds), f"--test={given}", "--json"])
        told = capsys.readouterr()
        if isinstance(sizes, str):
            assert status == 2 and sizes in told.err
        else:
            assert status == 0 and json.loads(told.out)["parts"] == sizes


def test_a_share_is_logged_as_it_is_and_a_path_as_a_whole_one(kinds: Path) -> None:
    call = {"data": str(kinds), "space": None}
    assert launch.absolute({**call, "test": "0.25"})["test"] == "0.25"
    assert launch.absolute({**call, "test": "./0"})["test"] == str(kinds.parent / "0")
    assert "test" not in launch.absolute(call)


def test_a_settings_file_has_a_share_as_a_number(kinds: Path) -> None:
    settings = kinds.parent / "run.toml"
    settings.write_text("test = 0.25\n", encoding="utf-8")
    given = options.read_settings(settings)
    assert given == {"test": 0.25}
    made = CliRunner().invoke(
        app, ["search", "--settings", str(settings), "--data", "none.csv", "--space", "mlp"]
    )
    assert "there is no such file" in str(made.exception)


def test_groups_of_a_folder_are_pieces_of_paths(tmp_path: Path, capsys) -> None:
    for label in ("no", "yes"):
        (tmp_path / "said" / label).mkdir(parents=True)
        for place in range(24):
            file = tmp_path / "said" / label / f"speaker{place // 2}_{place}.txt"
            file.write_text(f"{label} {place}", encoding="utf-8")
    call = ["data", str(tmp_path / "said"), "--group"]
    assert guarded(app, [*call, r"speaker(\d+)_"]) == 0
    assert r"the group 'speaker(\d+)_' has 12 groups, such as '0'" in capsys.readouterr().out
    for wrong, said in {
        "who": "`--group` must match the path of every file, got 'who', which finds nothing in no/",
        "(": "`--group` must be a regular expression for paths of files, got '(': missing",
    }.items():
        assert guarded(app, [*call, wrong]) == 2
        assert said in capsys.readouterr().err


def test_a_sheet_of_pictures_and_what_their_files_had(kinds: Path, tmp_path: Path, capsys) -> None:
    pil = pytest.importorskip("PIL.Image")
    for label in ("cat", "dog"):
        (tmp_path / "p" / label).mkdir(parents=True)
        for row in range(8):
            mode = ("RGB", "L", "RGBA")[row % 3]
            pil.new(mode, (8 + row, 6), row * 9).save(tmp_path / "p" / label / f"{row}.png")
    call = ["data", str(tmp_path / "p"), "--size", "8"]
    assert guarded(app, [*call, "--out", str(tmp_path / "sheet.svg")]) == 0
    told = capsys.readouterr()
    assert (
        "files: 8 sizes, 6 to 6 high and 8 to 15 wide; 6 RGB, 6 gray, 4 RGB with alpha" in told.out
    )
    assert told.err == f"Some rows are drawn in {tmp_path / 'sheet.svg'}.\n"
    assert (tmp_path / "sheet.svg").read_text(encoding="utf-8").count("<image ") == 10
    for out, given, said in [
        ("sheet.txt", call, "`--out` must end in .svg or .png, got"),
        ("a/b.svg", call, "cannot be written: No such file or directory"),
        ("t.svg", ["data", "kinds.csv"], "`--out` must have pictures, series or recordings"),
    ]:
        assert guarded(app, [*given, "--out", str(tmp_path / out)]) == 2
        assert said in capsys.readouterr().err


def test_a_series_of_each_class_is_shown_as_bars(tmp_path: Path, capsys) -> None:
    lines = [f"{'ab'[row % 2]}\t" + "\t".join(["1", "?", "2", "8"]) for row in range(20)]
    (tmp_path / "s.tsv").write_text("\n".join(lines), encoding="utf-8")
    assert guarded(app, ["data", str(tmp_path / "s.tsv")]) == 0
    told = capsys.readouterr().out.splitlines()
    place = told.index("a row of each class: its first channel")
    assert told[place + 1 : place + 3] == ["  a  ▁ ▂█", "  b  ▁ ▂█"]
