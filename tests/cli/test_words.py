"""Errors of the command line name its options, never an argument of Python."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netwright.cli import app
from netwright.cli.exits import guarded
from netwright.cli.options import SEARCH
from netwright.cli.words import in_options

NAMES = "|".join(declared.name for declared in SEARCH)
PYTHON = re.compile(rf"search\(|load\(|Training\(|Plan\(|`({NAMES}|on)=")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("`search(minutes=0.01)` must leave time", "`--minutes 0.01` must leave time"),
        ("be content: `search(rehearse=False)`.", "be content: `--no-rehearse`."),
        ("`search(store='memory://a')` is in", "`--store memory://a` is in"),
        ("give workers=0, or a file", "give --workers 0, or a file"),
        ("`limits={'f2': ...}` must be one of", "`--limit f2=...` must be one of"),
        ("`limits=...` must be a mapping", "`--limit` must be a mapping"),
        ('for labels say `task="multilabel"`.', "for labels say `--task multilabel`."),
        (
            "`task=nw.Classification(weights='balanced')`",
            "`--task 'classification(weights=\"balanced\")'`",
        ),
        ("by `objectives=[nw.maximize('f1')]`", "by `--objective f1`"),
        ("no column 'k' for `label=...`; it", "no column 'k' for `--label`; it"),
        ("pass `size=(height, width)` to resize", "pass `--size HxW` to resize"),
        ("`load(size=...)` belongs to", "`--size` belongs to"),
        ("`load('a.csv')`: there is no", "`--data a.csv`: there is no"),
        ("`Training(epochs=...)` must be", "`--trial-epochs` must be"),
        ("`Training(device=...)` must be", "`--training 'device=...'` must be"),
        ("`search(space, ...)` must be", "`--space` must be"),
        ("leave `stopper` out", "leave `--stopper` out"),
        ("got strategy=GDAS(), which", "got --strategy GDAS(), which"),
        ("`seed` of Net is a plain list", "`seed` of Net is a plain list"),
        ("`GDAS(epochs=...)` must be 1", "`GDAS(epochs=...)` must be 1"),
        ("column 'size' has 3", "column 'size' has 3"),
        ("a figure such as x=3, y=4", "a figure such as x=3, y=4"),
        (
            "`validation=...` and `test=...` must",
            "the share of the validation part and `--test` must",
        ),
    ],
)
def test_arguments_become_options(text: str, wanted: str) -> None:
    assert in_options(text) == wanted


WRONG = {
    "data": ["nowhere.csv", "empty", "two.csv"],
    "space": ["nothing", "none.py:f", "mlp(width=2)"],
    "training": ["device='tpu'", "epochs=0", "batch=0", "bath=3", "optimizer='x'"],
    "strategy": ["gdass", "random(a=1)", "regularized-evolution(population=0)"],
    "stopper": ["nobody", "hyperband(factor=0)"],
    "objectives": ["f2", "latency_ms@nowhere", "2"],
    "limits": ["f2=2", "params=0", "params=x", "params=1", "latency_ms@nowhere=1", "accuracy=1"],
    "trials": ["0", "x"],
    "minutes": ["0", "-1", "nan", "0.0001"],
    "epochs": ["0"],
    "finals": ["8", "0x1", "axb"],
    "baseline": ["-1", "other"],
    "workers": ["-1", "x"],
    "seed": ["-1", "x"],
    "trial_minutes": ["0"],
    "warm_start": ["nothing"],
    "store": ["postgresql://x", "."],
    "ensemble": ["0", "1", "x"],
    "trial_epochs": ["0"],
    "full_epochs": ["0"],
    "label": ["nothing"],
    "task": ["ranking", "regression"],
    "test": ["nothing.csv"],
    "group": ["nothing"],
    "time": ["nothing"],
    "series": ["nothing"],
    "kind": ["words"],
    "tokens": ["letters"],
    "rate": ["10"],
    "size": ["x", "0x1", "32x32"],
    "fit": ["squeeze", "pad"],
    "page": ["0", "x", "2"],
    "proxies": ["sinflow", "zen(repeats=0)"],
    "channels": ["middle", "last"],
    "out": ["two.csv"],
    "run": ["a/b"],
}
ALONE = {
    "designs",
    "portfolio",
    "drop_rare",
    "refit",
    "deterministic",
    "rehearse",
    "quiet",
    "json",
}  # switches have no wrong value


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    rows = "".join(f"{i},{i % 3}\n" for i in range(30))
    (tmp_path / "two.csv").write_text(f"label,y\n{rows}", encoding="utf-8")
    return tmp_path


def told(capsys, *arguments: str) -> str:
    status = guarded(app, ["search", *arguments, "--quiet"])
    said = re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().err)
    assert status in (1, 2), (arguments, said)
    return " ".join(said.split())


def test_every_option_has_a_wrong_value() -> None:
    assert {declared.name for declared in SEARCH} == WRONG.keys() | ALONE


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in WRONG.items() for v in values])
def test_a_wrong_value_is_told_by_its_option(name: str, value: str, here, capsys) -> None:
    declared = next(each for each in SEARCH if each.name == name)
    given = {"--data": "digits", "--trials": "1", "--finals": "1x1", "--workers": "0"}
    if name == "minutes":
        del given["--trials"]
    given[declared.flag] = value
    said = told(capsys, *(part for pair in given.items() for part in pair))
    assert not PYTHON.search(said), said
    words = {"limits": "limit", "data": value, "space": value, "warm_start": value}
    words |= {"out": value, "run": value, "store": value}
    assert declared.flag in said or words.get(name, declared.flag) in said, said


def test_remedies_of_data_are_options(here: Path, capsys) -> None:
    said = told(capsys, "--data", "two.csv", "--trials", "1")
    assert "say which it is by `--label`" in said
    for i in range(12):
        folder = here / "pictures" / f"class{i % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        size = (8 + i, 9)
        Image.fromarray(np.zeros((*size, 3), np.uint8)).save(folder / f"{i}.png")
    said = told(capsys, "--data", "pictures", "--trials", "1")
    assert "`--size HxW`" in said and not PYTHON.search(said)


@pytest.mark.parametrize(
    "declared", [d for d in SEARCH if d.kind != "switch"], ids=lambda d: d.name
)
def test_an_empty_value_is_told_by_its_option(declared, here: Path, capsys) -> None:
    for given in (["--data", "digits", declared.flag, ""], [f"{declared.flag}= "]):
        assert f"`{declared.flag}` must not be empty" in told(capsys, *given)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["data", "two.csv", "--group", ""], "`--group` must not be empty, got ''; leave it out."),
        (["data", "two.csv", "--time="], "`--time` must not be empty"),
        (["data", ""], "An argument must not be empty, got ''; leave it out."),
        (["predict", "empty", " "], "An argument must not be empty, got ' '"),
        (["report", "run", "--store", "", "--out", "a"], "`--store` must not be empty"),
    ],
)
def test_an_empty_argument_of_any_command_is_refused(call, said: str, here, capsys) -> None:
    assert guarded(app, call) == 2
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(("name", "value"), [("group", "''"), ("limit", "['params=9', ' ']")])
def test_an_empty_text_of_a_settings_file_is_refused(name: str, value: str, here, capsys) -> None:
    (here / "run.toml").write_text(f"data = 'two.csv'\n{name} = {value}\n", encoding="utf-8")
    said = told(capsys, "--settings", "run.toml")
    assert f"must not have an empty text for '{name}'" in said
