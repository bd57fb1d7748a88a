"""The command line as scripts use it: exit statuses, the JSON document, resume, interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from netwright.cli import app
from netwright.cli.exits import guarded
from netwright.cli.search import free_name

TINY = ["--trial-epochs", "1", "--full-epochs", "2", "--finals", "2x1,1x2", "--workers", "1"]


def netwright(folder: Path, *arguments: object, **given) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netwright", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        **given,
    )


@pytest.fixture
def here(capsys, monkeypatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The same in this process: the exit status and what is printed, without a start of torch."""

    def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(folder)
        status = guarded(app, [*map(str, arguments)])
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    return run


def heeds_interrupts() -> None:
    """In the new process: as in a terminal, also where the tests run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, dict]:
    """A folder with a finished run on digits, and the document it printed."""
    folder = tmp_path_factory.mktemp("run")
    done = netwright(
        folder, "search", "--data", "digits", "--trials", 3, "--run", "a", "--limit",
        "params=200000", "--json", *TINY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_the_document(finished) -> None:
    folder, document = finished
    assert document["run"] == "a"
    assert document["status"] == "done"
    assert 0.3 < document["test"]["accuracy"] <= 1
    assert document["reference"]["name"] == "SVM-RBF"
    assert [t["number"] for t in document["trials"]] == list(range(9))
    # three of the search, two finals, the second with each augmentation, and the last training
    stages = ["search"] * 3 + ["final 1"] * 2 + ["final 2"] * 3 + ["refit"]
    assert [t["stage"] for t in document["trials"]] == stages
    last = [t["architecture"]["augmentation"] for t in document["trials"][5:8]]
    assert last == ["none", "shifted", "mixed"]
    for trial in document["trials"]:
        assert set(trial) >= {"number", "status", "reason", "architecture", "metrics", "seconds"}
        assert trial["status"] == "done"
        assert trial["metrics"]["params"] <= 200_000
        assert trial["metrics"]["latency_ms@onnxruntime"] > 0
        assert "stem.width" in trial["architecture"]
    assert document["best"]["number"] == 8


def test_status_prints_the_same_document(finished, here) -> None:
    folder, document = finished
    done = here(folder, "status", "a", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, document)
    listed = here(folder, "status", "--json")
    assert json.loads(listed.stdout)["runs"] == [{"run": "a", "status": "done", "trials": 9}]


def test_a_finished_run_goes_on_with_more_trials(tmp_path: Path, here) -> None:
    given = ["--data", "digits", "--space", "mlp", "--run", "a", "--finals", "1x1"]
    given += ["--full-epochs", 2, "--no-refit", "--workers", 0]
    assert here(tmp_path, "search", *given, "--trials", 1, "--trial-epochs", 1).returncode == 0
    done = here(tmp_path, "resume", "a", "--trials", 3, "--json")
    assert done.returncode == 0, done.stderr
    stages = [trial["stage"] for trial in json.loads(done.stdout)["trials"]]
    assert stages[:2] == ["search", "final 1"] and stages.count("search") == 3
    asks = "  netwright predict netwright-a/ PICTURES/ --out predictions.csv"
    assert done.stderr.splitlines()[-1] == asks
    again = here(tmp_path, "resume", "a", "--json")
    assert [trial["stage"] for trial in json.loads(again.stdout)["trials"]] == stages


def test_everything_for_people_is_on_standard_error(finished, here) -> None:
    folder, _ = finished
    done = here(folder, "status", "a")
    assert done.stdout == ""
    assert "test accuracy" in done.stderr
    assert "SVM-RBF" in done.stderr


def test_the_network_is_where_it_was_said(finished) -> None:
    folder, document = finished
    code = (
        "import sys; sys.modules['netwright'] = None; import torch; from model import load;"
        "print(tuple(load()(torch.zeros(3, 1, 8, 8)).shape))"
    )
    best = folder / "netwright-a"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=best, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(3, 10)"
    card = json.loads((best / "card.json").read_text())
    assert card["metrics"]["test_accuracy"] == document["test"]["accuracy"]
    for check in card["checks"].values():
        assert check["test_accuracy"] == pytest.approx(document["test"]["accuracy"])


def test_export_report_and_show(finished, here, tmp_path: Path) -> None:
    folder, _ = finished
    store = ["--store", folder / "netwright.db"]
    done = here(tmp_path, "export", "a", *store, "--out", "again")
    assert done.returncode == 0, done.stderr
    for file in (tmp_path / "again").iterdir():
        assert file.read_bytes() == (folder / "netwright-a" / file.name).read_bytes()
    done = here(tmp_path, "report", "a", *store, "--out", "page.html")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text()
    assert "test accuracy" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    done = here(tmp_path, "show", "a", *store, "--out", "net.svg")
    assert done.returncode == 0, done.stderr
    assert "parameters" in done.stdout
    assert (tmp_path / "net.svg").read_text().startswith("<svg")


def test_a_finished_run_is_not_run_again(finished, here) -> None:
    folder, document = finished
    done = here(folder, "resume", "a", "--json", "--out", "again")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trials"] == document["trials"]


@pytest.mark.thorough
def test_interruption_keeps_the_best_and_resume_goes_on(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "netwright", "search", "--data", "digits", "--trials", "6"]
        + ["--run", "b", "--json", *TINY],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_interrupts,
    )
    limit = time.monotonic() + 300
    while time.monotonic() < limit:
        time.sleep(0.5)
        if list(tmp_path.glob("netwright.db.files/b/trial-*.safetensors")):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    document = json.loads(out)
    assert document["status"] == "interrupted"
    assert document["test"] is None
    assert "Traceback" not in err
    assert (tmp_path / "netwright-b" / "model.py").exists()
    assert "Not scored on the test part" in (tmp_path / "netwright-b" / "card.md").read_text()
    done = netwright(tmp_path, "resume", "b", "--json")
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert again["status"] == "done"
    assert len(again["trials"]) == 6 + 2 + 2 + 1
    kept = {t["number"]: t for t in document["trials"]}
    assert all(again["trials"][n] == trial for n, trial in kept.items())


def test_a_failed_run_ends_with_one(here, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "class Broken(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(64, 10)\n"
        "    def forward(self, x):\n"
        "        if self.training:\n"
        "            raise RuntimeError('it broke')\n"
        "        return self.layer(x.flatten(1))\n"
        "def network(choose, inputs, classes):\n"
        "    return Broken()\n"
    )
    done = here(
        tmp_path, "search", "--data", "digits", "--space", "mine.py:network", "--trials", 1,
        "--json", *TINY,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["status"] == "failed"
    assert document["trials"][0]["reason"] == "RuntimeError: it broke (Broken.forward, line 8)"


@pytest.mark.parametrize(
    ("function", "answers"),
    [
        pytest.param("network", {"width"}, marks=pytest.mark.thorough),
        ("space", {"width", "rate"}),
    ],
)
def test_an_own_space_from_a_file(
    here, monkeypatch, tmp_path: Path, function: str, answers: set[str]
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])  # where its folder is put
    monkeypatch.delitem(sys.modules, "part", raising=False)
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "from part import Block\n"
        "import netwright as nw\n"
        "def network(choose, inputs, classes):\n"
        "    return Block(choose.width('width', 8, 16, step=8), classes)\n"
        "def recipe(choose):\n"
        "    return {'learning_rate': choose.value('rate', [0.05, 0.1])}\n"
        "def space(inputs, classes):\n"
        "    return nw.Space(network, inputs, classes, recipe=recipe)\n"
    )
    (tmp_path / "part.py").write_text(
        "from torch import nn\n"
        "class Block(nn.Module):\n"
        "    def __init__(self, width, classes):\n"
        "        super().__init__()\n"
        "        self.a, self.b = nn.Linear(64, width), nn.Linear(width, classes)\n"
        "    def forward(self, x):\n"
        "        return self.b(self.a(x.flatten(1)).relu())\n"
    )
    done = here(
        tmp_path, "search", "--data", "digits", "--space", f"mine.py:{function}", "--trials", 2,
        "--json", "--out", "best", *TINY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "class Network" in (tmp_path / "best" / "model.py").read_text()
    assert set(json.loads(done.stdout)["best"]["architecture"]) == answers


@pytest.mark.parametrize(
    ("data", "name"), [("F ok ü", "Fok-1"), ("_data.csv", "data-1"), ("üß", "run-1")]
)
def test_a_run_is_named_after_its_data(tmp_path: Path, data: str, name: str) -> None:
    assert free_name({"data": data, "store": str(tmp_path / "a.db")}) == name


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from netwright.cli.exits import guarded; from netwright.cli import app;"
        "status = guarded(app, ['--help']); assert status == 0;"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules, 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_closed_pipe_is_no_error(finished) -> None:
    folder, _ = finished
    process = subprocess.Popen(
        [sys.executable, "-m", "netwright", "show", "a"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait()


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(os, "kill"), reason="needs POSIX signals")
def test_a_killed_run_is_resumed(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "netwright", "search", "--data", "digits", "--trials", "3"]
        + ["--run", "c", "--quiet", *TINY],
        cwd=tmp_path,
        start_new_session=True,
    )
    limit = time.monotonic() + 300
    while time.monotonic() < limit:
        time.sleep(0.3)
        if list(tmp_path.glob("netwright.db.files/c/trial-*.safetensors")):
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = netwright(tmp_path, "resume", "c", "--json")
    assert done.returncode == 0, done.stderr
    assert [t["number"] for t in json.loads(done.stdout)["trials"]] == list(range(8))


@pytest.mark.thorough
def test_networks_for_other_limits_from_a_one_shot_run(tmp_path: Path) -> None:
    done = netwright(
        tmp_path, "search", "--data", "digits", "--strategy", "once-for-all(epochs=1,scored=4)",
        "--space", "mlp", "--trials", 1, "--run", "a", "--quiet", *TINY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    call = ("best-for", "a", "--limit", "params=30000", "--scored", 4, "--out")
    made = netwright(tmp_path, *call, "small", "--json")
    assert made.returncode == 0, made.stderr
    document = json.loads(made.stdout)
    assert document["metrics"]["params"] <= 30_000
    assert (tmp_path / "small" / "model.py").is_file()
    refused = netwright(tmp_path, *call[:3], "params=3", "--out", "none")
    assert refused.returncode == 2
    assert "cannot be met" in refused.stderr
    assert not (tmp_path / "none").exists()
