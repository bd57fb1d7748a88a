"""Wrong calls: one sentence and exit status 2, never a traceback, whatever is thrown at it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netwright.cli import app, launch, options
from netwright.cli.exits import guarded
from netwright.data import load
from netwright.errors import NetwrightError
from netwright.oneshot.names import search_named

FUZZ = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def fuzzed(examples: int) -> settings:
    """So many examples where all are tried, and the profile's share of them elsewhere."""
    return settings(FUZZ, max_examples=examples * settings.default.max_examples // 100)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "plan_of", stopped)
    return tmp_path


def stopped(call):
    """Check the call as `search` does, but train nothing."""
    for text in call["limits"]:
        launch.parse_limit(text)
    for text in call["objectives"]:
        launch.parse_objective(text)
    if call["finals"]:
        launch.parse_finals(call["finals"])
    if call["size"]:
        launch.parse_size(call["size"])
    search_named("--strategy", call["strategy"])
    launch.training_settings(call)
    if call["data"] not in ("digits", "fashion14"):
        load(call["data"])
    if call["space"] and ":" in call["space"]:
        launch.load_function(call["space"])
    raise NetwrightError("the call was right")


def call(capsys, *arguments: str) -> tuple[int, str]:
    status = guarded(app, list(arguments))
    out, err = capsys.readouterr()
    assert out == "" or status == 0 or "Usage: netwright" in out
    assert "Traceback" not in err
    assert "this is a bug" not in err, err
    return status, err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["search"], "--data"),
        (["search", "--data", "nix.npz"], "nix.npz"),
        (["search", "--data", "digits", "--strategy", "randon"], "did you mean 'random'"),
        (["search", "--data", "digits", "--limit", "latency_ms"], "metric=value"),
        (["search", "--data", "digits", "--limit", "latency_ms@tpu=1"], "onnxruntime, pytorch"),
        (
            ["search", "--data", "digits", "--limit", "latency_ms@pytorch(thread=2)=1"],
            "--limit`: pytorch has no setting 'thread'; did you mean 'threads'? Its settings are",
        ),
        (
            ["search", "--data", "digits", "--objective", "-latency_ms@pytorch(threads=0)"],
            "--objective`: `pytorch(threads=...)` must be at least 1, got 0",
        ),
        (["search", "--data", "digits", "--limit", "latency_ms@pytorch(threads=2)"], "metric=val"),
        (["search", "--data", "digits", "--limit", "params=-1"], "above 0"),
        (
            ["search", "--data", "digits", "--limit", "params=10k"],
            "--limit params=...` must be a num",
        ),
        (["search", "--data", "digits", "--finals", "3by10"], "8x10,3x30"),
        (["search", "digits"], "Data are given with --data"),
        (["search", "--data", "digits", "--objective", "a b"], "--objective"),
        (["search", "--data", "digits", "--size", "8x"], "--size"),
        (["search", "--data", "digits", "--space", "no.py:f"], "no.py"),
        (["search", "--data", "digits", "--trials", "many"], "trials"),
        (["search", "--data", "digits", "--settings", "no.toml"], "no.toml"),
        (["search", "--data", "digits", "--settings", "no.ini"], ".toml or .json"),
        (["nix"], "nix"),
        (["status", "--store", "no.db"], "no.db"),
        (["report", "a", "--store", "no.db"], "no.db"),
        (["show", "a"], "netwright.db"),
        (["export", "a"], "--out"),
        (["search", "--data", "x" * 300], "cannot be used: file name too long"),
    ],
)
def test_wrong_calls_say_what_is_wrong(capsys, arguments, part) -> None:
    status, err = call(capsys, *arguments)
    assert status == 2
    assert part in " ".join(re.sub(r"[│╭╰─╮╯]", " ", err).split())


def test_settings_come_from_a_file_and_the_command_line_wins(here, monkeypatch, capsys) -> None:
    seen = {}

    def noted(call):
        seen.update(call)
        raise NetwrightError("enough")

    monkeypatch.setattr(launch, "plan_of", noted)
    (here / "s.toml").write_text(
        'data = "digits"\ntrials = 5\ntrial-epochs = 2\nlimit = "params=9"\n'
    )
    call(capsys, "search", "--settings", "s.toml", "--trials", "7")
    assert (seen["data"], seen["trials"], seen["trial_epochs"]) == ("digits", 7, 2)
    assert seen["limits"] == ["params=9"]
    assert seen["minutes"] is None
    (here / "s.json").write_text(json.dumps({"data": "digits", "deterministic": True}))
    call(capsys, "search", "--settings", "s.json")
    assert seen["deterministic"] is True
    assert seen["minutes"] == 10.0


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("data = 3", "'data'"),
        ("trails = 5", "did you mean 'trials'"),
        ("trials = true", "type int"),
        ("limit = [1]", "strings"),
        ("= 3", "no TOML"),
    ],
)
def test_wrong_settings_files(here, capsys, text, part) -> None:
    (here / "s.toml").write_text(text)
    status, err = call(capsys, "search", "--data", "digits", "--settings", "s.toml")
    assert status == 2
    assert part in err


WORDS = st.sampled_from(
    ["search", "resume", "status", "export", "report", "show", "--data", "digits", "--limit"]
    + ["--trials", "3", "-1", "--space", "x.py:f", "--store", "a.db", "--json", "--out", "--seed"]
    + ["latency_ms@onnxruntime=1", "latency_ms@=1", "@=1", "params=", "=", "--strategy", "random"]
    + ["--finals", "1x1", "--"]
    + ["--settings", "s.toml", "--workers", "0", "--minutes", "nan", "--run", "../x", "--size"]
)


@fuzzed(450)
@given(st.lists(WORDS | st.text(max_size=12), max_size=8))
def test_fuzzed_command_lines(capsys, arguments) -> None:
    status, err = call(capsys, *(a.replace("\0", "") for a in arguments))
    assert status in (0, 2)
    assert status == 0 or err or not arguments


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
NAMES = st.sampled_from([*options.KNOWN, "dat", "x"])


@fuzzed(250)
@given(st.dictionaries(NAMES, JSON, max_size=4) | JSON)
def test_fuzzed_settings(here, capsys, body) -> None:
    (here / "s.json").write_text(json.dumps(body))
    status, err = call(capsys, "search", "--data", "digits", "--settings", "s.json")
    assert status == 2
    assert err


@fuzzed(150)
@given(st.binary(max_size=200), st.sampled_from(["s.toml", "s.json", "mine.py"]))
def test_fuzzed_bytes_as_settings_and_spaces(here, capsys, body, name) -> None:
    (here / name).write_bytes(body)
    option = ["--space", f"{name}:f"] if name == "mine.py" else ["--settings", name]
    status, err = call(capsys, "search", "--data", "digits", *option)
    assert status == 2
    assert err


ARRAYS = st.sampled_from(
    [
        np.zeros((0, 3)),
        np.arange(12.0).reshape(4, 3),
        np.full((4, 2, 2), np.nan),
        np.zeros((30, 4), np.uint8),
        np.array(["a", "b", "a", "b"]),
        np.array(3),
        np.arange(30) % 3,
        np.array([1.5, 2.5, 3.5, 4.5]),
        np.zeros((4, 3), complex),
    ]
)


@fuzzed(150)
@given(st.dictionaries(st.sampled_from(["x", "y", "x_train", "y_train", "x_val", "z"]), ARRAYS))
def test_fuzzed_arrays(here, capsys, arrays) -> None:
    np.savez(here / "d.npz", **arrays)
    status, err = call(capsys, "search", "--data", "d.npz")
    assert status == 2
    assert err


@fuzzed(150)
@given(st.binary(max_size=300), st.sampled_from(["d.npz", "d.csv", "d.parquet", "d.txt", "d"]))
def test_fuzzed_data_bytes(here, capsys, body, name) -> None:
    (here / name).write_bytes(body)
    status, err = call(capsys, "search", "--data", name)
    assert status == 2
    assert err


BENCH = ("--strategies", "random", "--signal", "a", "--out", "o")


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--table", "none.csv", "--evaluations", "3"), "must be a file that exists"),
        (("--table", "t.csv", "--evaluations", "3"), "must have --space beside it"),
        (("--table", "t.csv", "--space", "mlp", "--evaluations", "3"), "it lacks "),
        (("--table", "t.csv", "--space", "mpl", "--evaluations", "3"), "`--space` must be one of"),
        (("--table", "t.csv", "--seconds", "3"), "must be told --cost"),
        (("--table", "t.csv"), "must have one budget"),
        (("--table", "t.csv", "--evaluations", "3", "--strategies", "randm"), "did you mean"),
    ],
)
def test_wrong_comparisons_are_refused_and_nothing_is_written(capsys, here, arguments, part):
    pytest.importorskip("pandas", reason="needs pandas")
    Path("t.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    status, err = call(capsys, "bench", "run", *BENCH, *arguments)
    assert status == 2 and part in err
    assert [p.name for p in here.iterdir()] == ["t.csv"]


def test_a_bench_folder_that_is_none_is_refused(capsys, here):
    status, err = call(capsys, "bench", "report", "nothere")
    assert status == 2 and "holds no comparison" in err
    status, err = call(capsys, "bench", "import", "t.parquet", "--out", "t.csv")
    assert status == 2 and "must end in .safetensors" in err
