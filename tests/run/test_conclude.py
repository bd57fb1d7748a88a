"""The end of a run: whatever fails there, what was trained is handed back, and that is said."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch import Tensor, nn

import netwright as nw
from netwright.cli.output import document, result_lines
from netwright.errors import ExportError
from netwright.export import package
from netwright.record.artifacts import spread_key, weights_key
from netwright.record.events import Judged
from netwright.record.judged import Beside
from netwright.record.reference import is_below_reference
from netwright.report.page import page
from netwright.run import conclude, exporting
from netwright.tasks.spread import Spread


class Gate(nn.Module):
    """Branches on values, which no form of an export can hold."""

    def forward(self, x: Tensor) -> Tensor:
        return x.relu() if x.mean() > 0 else x.tanh()


def plain(choose: nw.Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 4, 8, step=4)
    return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, classes))


def gated(choose: nw.Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 4, 8, step=4)
    return nn.Sequential(nn.Linear(6, width), Gate(), nn.Linear(width, classes))


def train(model: nn.Module, epochs: int) -> float:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    return 0.5 + epochs / 100


def searched(path: Path, network=plain, evaluator: object = train, **changes) -> nw.Run:
    space = nw.Space(network, (6,), 2)
    given = {"strategy": "random", "trials": 2, "workers": 0, "store": path / "runs.db"}
    return nw.search(space, evaluator, **{**given, "run": "a", **changes})


def is_kept(run: nw.Run) -> bool:
    """Whether the run handed back a trained network."""
    weight = next(run.best.model().parameters())
    return (
        run.store.has("a", weights_key(run.best.trial.number))
        and float(weight.detach().mean()) > 0.5
    )


@pytest.fixture(scope="module")
def data() -> nw.Data:
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    return nw.data.load((rng.random((120, 6)).astype("f4") + y[:, None], y))


def test_where_all_goes_well_nothing_is_noted(tmp_path: Path) -> None:
    run = searched(tmp_path)
    assert run.status == "done" and run.notes == []


def test_a_test_that_fails_loses_no_network(tmp_path: Path) -> None:
    def score(model: nn.Module) -> Mapping[str, float]:
        raise ValueError("no such file")

    run = searched(tmp_path, evaluator=nw.Function(train, score=score))
    assert run.status == "done" and is_kept(run)
    (note,) = run.notes
    assert note == "The network was not scored on the test part: ValueError: no such file"
    assert run.record.exported is not None


def fails(*given: object, **named: object) -> None:
    raise MemoryError("not enough")


@pytest.mark.parametrize(
    ("module", "name", "step"),
    [
        (conclude, "reference", "reference"),
        (conclude, "sketch", "sketch"),
        (exporting, "export", "export"),
        (exporting, "on_targets", "export"),
        (conclude, "_put_export", "export"),
    ],
)
def test_each_step_may_fail_alone(tmp_path, monkeypatch, data, module, name, step) -> None:
    monkeypatch.setattr(module, name, fails)
    space = nw.Space(plain, data)
    store = tmp_path / "runs.db"
    evaluator = nw.Training(data, epochs=1, full_epochs=1)
    run = nw.search(space, evaluator, trials=1, workers=0, store=store, refit=False)
    assert run.status == "done"
    assert list(run.record.losses) == [step]
    assert "MemoryError: not enough" in run.notes[0]
    assert run.best.model() is not None and run.best.metrics["test_accuracy"] > 0
    assert (run.record.exported is None) == (step == "export")
    monkeypatch.undo()
    assert (run.export(tmp_path / "out") / "model.py").is_file()


def test_it_is_said_how_sure_the_network_beats_the_reference(tmp_path: Path, data) -> None:
    """Both answered the same rows of the test part, so they are compared row by row."""
    evaluator = nw.Training(data, epochs=1, full_epochs=2, folds=1)
    store, out = tmp_path / "runs.db", tmp_path / "out"
    run = nw.search(nw.Space(plain, data), evaluator, trials=2, workers=0, store=store, out=out)
    judged, best = run.record.judged, run.best
    (reference,) = [each for each in judged.others if each.kind == "reference"]
    assert judged.number == best.trial.number
    assert (reference.part, reference.rows, reference.metric) == ("test", 24, "accuracy")
    difference = best.metrics["test_accuracy"] - run.record.reference["accuracy"]
    assert reference.difference == pytest.approx(difference)
    spreads = [
        Spread.from_tensors(load(run.store.read(run.name, spread_key(each, "test"))))
        for each in (best.trial.number, "reference")
    ]
    assert [x.values.mean() for x in spreads] == [
        pytest.approx(best.metrics["test_accuracy"]),
        pytest.approx(run.record.reference["accuracy"]),
    ]
    assert reference.error == spreads[0].error_beside(spreads[1])
    told = run.verdicts[0]
    assert run.record.reference["name"] in told and "on 24 test rows" in told
    assert told in result_lines(run.record)
    assert told in json.loads((out / "card.json").read_text())["notes"]
    assert f"<b>{told}</b>" in page(run.record)
    logged = len(run.store.events(run.name))
    conclude.judge(run.store, run.name, run.plan, best.trial)  # which is known already
    assert len(run.store.events(run.name)) == logged


@pytest.mark.parametrize(
    ("difference", "error", "below"),
    [(-0.1, 0.2, False), (-0.1, 0.01, True), (0.1, 0.2, False), (-0.1, None, True)],
)
def test_below_the_reference_is_said_where_it_is_sure(
    tmp_path: Path, data, difference: float, error: float | None, below: bool
) -> None:
    """The sentence of how sure it is and the loud one agree wherever both are told."""
    evaluator = nw.Training(data, epochs=1, full_epochs=2, folds=1)
    store = tmp_path / "runs.db"
    run = nw.search(
        nw.Space(plain, data), evaluator, trials=1, workers=0, store=store, export=False
    )
    record, best = run.record, run.best.trial
    record.tested = {best.number: {"accuracy": 0.5 + difference}}
    record.reference = {**record.reference, "accuracy": 0.5}
    known = ("reference", "a forest", "accuracy", "test", 24, difference, error)
    record.judged = None if error is None else Judged(best.number, (Beside(*known),))
    assert is_below_reference(record, best) == below
    cards = exporting._notes(record, best)
    for told in (result_lines(record), cards):
        assert any(line.startswith("BELOW THE REFERENCE") for line in told) == below
        sure = any(line.startswith("Is below a forest") for line in told)
        assert sure == (below and error is not None)
        assert any("Cannot be told from" in line for line in told) == (error == 0.2)
    assert ("Below the reference." in page(record)) == below
    verdicts = [each["verdict"] for each in document(record)["judged"]]
    expected = "below" if below else "not told apart"
    assert verdicts == ([] if error is None else [expected])


def test_of_own_training_nothing_is_claimed(tmp_path: Path) -> None:
    run = searched(tmp_path, evaluator=nw.Function(train, score=lambda model: {"accuracy": 0.5}))
    assert run.record.judged is None and run.verdicts == []


def test_a_task_that_cannot_say_how_sure_it_is_loses_nothing(tmp_path, monkeypatch, data) -> None:
    monkeypatch.setattr(nw.Classification, "row_values", fails)
    evaluator = nw.Training(data, epochs=1, full_epochs=2, folds=1)
    store = tmp_path / "runs.db"
    run = nw.search(
        nw.Space(plain, data), evaluator, trials=1, workers=0, store=store, export=False
    )
    assert run.status == "done" and run.notes == [] and run.verdicts == []
    assert run.record.reference is not None and run.best.metrics["test_accuracy"] > 0


def test_of_what_cannot_be_exported_the_weights_are_handed_back(tmp_path: Path) -> None:
    run = searched(tmp_path, gated, rehearse=False, out=tmp_path / "out")
    assert run.status == "done" and is_kept(run)
    assert any("Gate" in note for note in run.notes)
    record, both = run.record, ("model.onnx is missing: it differs.", "There is no form.")
    record.exported = replace(record.exported, notes=("It is small.", *both))
    record.losses = {"export": " ".join(both), "out": "Not written."}
    assert record.notes == ["Not written.", "It is small.", *both]  # once each
    assert run.record.losses["export"].startswith("There is no form that PyTorch can load")
    assert (tmp_path / "out" / "model.safetensors").is_file()
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert set(run.notes) >= {note for note in card["notes"] if "missing" in note}


def test_a_form_that_fails_its_check_leaves_the_others(tmp_path: Path, monkeypatch) -> None:
    def spoiled(model: nn.Module, *given: object, **settings: str) -> str:
        return made(model, *given, **settings).replace("nn.ReLU()", "nn.Tanh()")

    made = package.model_source
    monkeypatch.setattr(package, "model_source", spoiled)
    run = searched(tmp_path, out=tmp_path / "out")
    assert run.status == "done"
    assert "model.py is missing: it differs from the trained network" in run.record.losses["export"]
    assert {p.name for p in (tmp_path / "out").glob("model.*")} == {
        "model.onnx",
        "model.pt2",
        "model.safetensors",
    }


def test_a_folder_that_cannot_be_written_any_more_is_told(tmp_path: Path, monkeypatch) -> None:
    def full(run: nw.Run, out: Path) -> Path:
        raise ExportError("The network cannot be put into 'out': no space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr(nw.Run, "export", full)
        run = searched(tmp_path, out=tmp_path / "out")
    assert run.status == "done" and is_kept(run)
    assert "kept in the store: The network cannot be put into" in run.notes[0]
    again = searched(tmp_path, out=tmp_path / "out")
    assert (tmp_path / "out" / "model.py").is_file() and again.notes == []


def test_weights_that_cannot_be_loaded_are_told_of(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(exporting, "load", lambda content: {})
    run = searched(tmp_path, out=tmp_path / "out")
    assert run.status == "done" and set(run.record.losses) == {"test", "sketch", "export", "out"}
    monkeypatch.undo()
    assert is_kept(run)


def test_what_is_not_exported_at_the_end_is_exported_when_asked(tmp_path: Path) -> None:
    run = searched(tmp_path, export=False)
    assert run.status == "done" and run.record.exported is None and run.notes == []
    assert (run.export(tmp_path / "later") / "model.py").is_file()
    again = searched(tmp_path, export=False, out=tmp_path / "out", run="b")
    assert again.record.exported is None and (tmp_path / "out" / "model.py").is_file()
