"""The exported folder: every form checked in a fresh process, nothing half-written."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from netwright.errors import ExportError, SettingError
from netwright.export import Card, check_forms, export, package, place, verify
from netwright.export.folder import FILES
from netwright.network.normalised import Deployment, Standardise
from netwright.network.signature import Signature
from netwright.tasks import Classification


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
    ).eval()


TEST = (
    (torch.randint(0, 256, (40, 1, 6, 6), dtype=torch.uint8, generator=torch.Generator()),),
    torch.arange(40) % 3,
)
TASK = Classification(("a", "b", "c"))
TAKES = Signature.single((1, 6, 6), (3,), dtype="uint8")
MEAN, STD = torch.full((1, 1, 1), 120.0), torch.full((1, 1, 1), 70.0)


def deployed(network: nn.Module) -> nn.Module:
    return Deployment(TAKES, Standardise(MEAN, STD)).raw(network)


def accuracy() -> float:
    with torch.no_grad():
        logits = network()((TEST[0][0].float() - MEAN) / STD)
    return (logits.argmax(1) == TEST[1]).double().mean().item()


CARD = Card("A network", metrics={"test_accuracy": accuracy()}, notes=["Mind | the bars."])


@pytest.fixture(scope="module", autouse=True)
def compared_in_a_fresh_process(compared_here):
    """Compare the forms as users' exports are; gives what does it in this process."""
    here = verify._run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "_run", compared_here)
        yield here


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "best"
    export(deployed(network()), folder, signature=TAKES, card=CARD, test=TEST, task=TASK)
    return folder


def test_every_form_is_there_and_was_checked(exported: Path) -> None:
    assert sorted(p.name for p in exported.iterdir()) == sorted(FILES)
    checks = json.loads((exported / "card.json").read_text())["checks"]
    assert set(checks) == {"model.py", "model.pt2", "model.onnx"}
    for check in checks.values():
        assert check["largest_difference"] < 1e-4
        assert check["test_accuracy"] == pytest.approx(accuracy())
    assert "| test accuracy" in (exported / "card.md").read_text()


def test_the_folder_works_alone(exported: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['netwright'] = None; sys.path.insert(0, sys.argv[1]);"
        "import torch; from model import load; print(load()(torch.zeros(2, 1, 6, 6)).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(exported)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    with torch.no_grad():
        wanted = network()((torch.zeros(2, 1, 6, 6) - MEAN) / STD)
    assert torch.allclose(torch.tensor(json.loads(done.stdout)), wanted, atol=1e-4)


def test_a_form_that_differs_is_left_out_and_the_others_stay(tmp_path, monkeypatch) -> None:
    def spoiled(model, *given, **settings):
        source = made(model, *given, **settings)
        return source.replace("- self.mean) / self.std", "- self.mean) / (self.std + 9)")

    made = package.model_source
    monkeypatch.setattr(package, "model_source", spoiled)
    made = export(deployed(network()), tmp_path / "best", signature=TAKES, card=CARD)
    assert set(made.checks) == {"model.pt2", "model.onnx"}
    assert made.faults == made.notes
    assert made.notes[0].startswith("model.py is missing: it differs from the trained network by")
    assert not (tmp_path / "best" / "model.py").exists()
    card = (tmp_path / "best" / "card.md").read_text()
    assert made.notes[0] in card and "import load" not in card
    assert {path.name for path in tmp_path.iterdir()} == {"best"}


def test_where_the_process_of_the_check_dies_each_form_has_its_own(tmp_path, monkeypatch) -> None:
    def dies(folder: Path, given: dict) -> dict:
        if "model.onnx" in given["forms"]:
            raise ExportError("the process that checks it ended with -11: no message")
        return check_forms.compared(folder, given)

    monkeypatch.setattr(verify, "_run", dies)
    made = export(deployed(network()), tmp_path / "best", signature=TAKES, card=CARD)
    assert set(made.checks) == {"model.py", "model.pt2"}
    assert "model.onnx is missing: it cannot be used: the process" in made.faults[0]


def test_a_spoiled_file_is_found(exported: Path, tmp_path: Path) -> None:
    for name in ("model.py", "model.safetensors", "model.onnx"):
        (tmp_path / name).write_bytes((exported / name).read_bytes())
    onnx = bytearray((tmp_path / "model.onnx").read_bytes())
    onnx[len(onnx) // 2 : len(onnx) // 2 + 4] = b"\x00\x00\x80\x7f"  # an infinity among the weights
    (tmp_path / "model.onnx").write_bytes(onnx)
    batches = [[TEST[0][0][:1]], [TEST[0][0][1:8]]]
    scored = verify.Scored(*TEST, TASK, TASK.metric)
    checks, wrong = verify.verify(deployed(network()), tmp_path, TAKES, batches, scored)
    assert set(checks) == {"model.py"} and set(wrong) == {"model.onnx"}


def test_a_form_whose_accuracy_is_not_that_of_the_card_is_left_out(tmp_path, monkeypatch) -> None:
    found = {"model.py": {"largest_difference": 0.0, "test_accuracy": accuracy()}}
    monkeypatch.setattr(package, "verify", lambda *given, **named: (found, {}))
    wrong = Card("A network", metrics={"test_accuracy": accuracy() + 0.1})
    made = export(
        deployed(network()),
        tmp_path / "best",
        signature=TAKES,
        card=wrong,
        test=TEST,
        task=TASK,
    )
    assert "its card reports" in made.faults[0] and not made.checks
    assert not (tmp_path / "best" / "model.py").exists()


def test_an_earlier_export_is_replaced_whole(tmp_path, monkeypatch) -> None:
    for name in FILES:
        (tmp_path / name).write_text("old")
    monkeypatch.setattr(package, "verify", lambda *given, **named: ({}, {}))
    monkeypatch.setitem(sys.modules, "onnx", None)
    model = deployed(network()).train()
    export(model, tmp_path, signature=TAKES, card=CARD)
    assert model.training
    assert not (tmp_path / "model.onnx").exists()
    assert all(p.read_bytes() != b"old" for p in tmp_path.iterdir())


def test_a_missing_extra_leaves_the_form_out_and_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(package, "verify", lambda *given, **named: ({}, {}))
    monkeypatch.setitem(sys.modules, "onnx", None)
    export(deployed(network()), tmp_path / "best", signature=TAKES, card=CARD)
    assert not (tmp_path / "best" / "model.onnx").exists()
    assert "pip install 'netwright[onnx]'" in (tmp_path / "best" / "card.md").read_text()


def test_nobodys_own_files_are_written_over(
    compared_in_a_fresh_process, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(verify, "_run", compared_in_a_fresh_process)  # here: the files matter
    folder = tmp_path / "best"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    export(deployed(network()), folder, signature=TAKES, card=CARD)
    (folder / "model.onnx").unlink()
    export(deployed(network()), folder, signature=TAKES, card=CARD)  # an earlier export is replaced
    assert (folder / "model.onnx").is_file()
    assert (folder / "notes.txt").read_text() == "mine"
    (folder / "card.json").unlink()
    before = (folder / "model.py").read_text()
    with pytest.raises(SettingError, match=r"holds a card\.md that is not of an export"):
        export(deployed(network()), folder, signature=TAKES, card=CARD)
    assert (folder / "model.py").read_text() == before


def test_placing_removes_a_form_of_an_earlier_network(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    kept = ("card.json", "model.py", "model.safetensors")
    for file in kept:
        (made / file).write_text("new")
    out = tmp_path / "out"
    out.mkdir()
    for file in ("card.json", "model.py", "model.onnx"):
        (out / file).write_text("old")
    place(made, out)
    assert {p.name: p.read_text() for p in out.iterdir()} == dict.fromkeys(kept, "new")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "best").write_text("mine")
    with pytest.raises(SettingError, match="is a file"):
        export(deployed(network()), tmp_path / "best", signature=TAKES, card=CARD)
    assert (tmp_path / "best").read_text() == "mine"


class Branching(nn.Module):
    """Its path depends on a size, which no tracer of torch.fx follows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        x = x.mean((2, 3)) if x.shape[-1] > 4 else x.amax((2, 3))
        return self.out(x)


def test_a_network_without_source_is_handed_over_all_the_same(tmp_path: Path) -> None:
    card = replace(CARD, title='A "network" of C:\\new')
    made = export(deployed(Branching()), tmp_path / "best", signature=TAKES, card=card)
    assert "has no source of its own and loads model.pt2" in made.notes[0]
    assert made.notes[0] in (tmp_path / "best" / "card.md").read_text()
    assert set(made.checks) == {"model.py", "model.pt2", "model.onnx"}
    code = (
        "import sys; sys.modules['netwright'] = None; import torch; from model import load;"
        "print(tuple(load()(torch.zeros(3, 1, 6, 6)).shape))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "best",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "(3, 3)"


class Counting(nn.Module):
    """Does what neither source nor a program nor a graph can say: it depends on the values."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(36, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        return self.out(x) if float(x.sum()) > 1.5 else self.out(-x)


def test_of_a_network_that_no_form_can_hold_the_weights_are_handed_over(tmp_path: Path) -> None:
    made = export(deployed(Counting()), tmp_path / "best", signature=TAKES, card=CARD)
    assert any("Write it without branches on values" in note for note in made.notes)
    assert made.faults[-1] == "There is no form that PyTorch can load, but the weights alone."
    files = {path.name for path in (tmp_path / "best").iterdir()}
    assert {"card.json", "card.md", "model.safetensors"} <= files
    assert not {"model.py", "model.pt2"} & files
    weights = load_file(tmp_path / "best" / "model.safetensors")
    assert weights.keys() == deployed(Counting()).state_dict().keys()


def test_the_card_of_own_training_promises_no_normalisation() -> None:
    own = Card("A network", search={"objectives": ["minimize error"]}, metrics={"test_error": 0.25})
    assert own.metric.name == "error" and own.metric.direction == "minimize"
    told = replace(own, signature=TAKES.to_json()).to_markdown()
    assert "network = load()  # takes what the training gave to the network" in told
    assert "as the training gave it" in told and "raw" not in told
    assert "carries the normalisation" in replace(own, data={"name": "a"}).to_markdown()
