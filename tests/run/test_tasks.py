"""Each task of ours goes all the way: from targets to the answers of every exported form."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.cli.app import app
from netwright.cli.exits import guarded
from netwright.cli.output import result_lines
from netwright.data import Augmentation
from netwright.errors import SettingError
from netwright.export import Card, check_forms, export, verify
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature, TensorSpec
from netwright.oneshot import Setting, shared_score
from netwright.oneshot.shared_scores import shared_metrics
from netwright.record.reference import is_below_reference
from netwright.tasks.regression import Rescale

ONE_INPUT = Signature((TensorSpec("input", (4,)),), (TensorSpec("output", (1,)),))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)).astype(np.float32)
PRICES = 50_000 + 9_000 * X[:, 0] - 3_000 * X[:, 1]
LABELS = np.stack([X[:, 0] > 0, X[:, 1] > 0.3, X[:, 2] > -0.5], 1).astype(int)
KINDS = np.where(X[:, 0] > 1.0, "ill", "well")

CASES = {
    "a number": (PRICES, nw.Regression()),
    "numbers": (np.stack([PRICES, X[:, 2]], 1), nw.Regression(("price", "size"))),
    "labels": (LABELS, nw.MultiLabel(("red", "big", "old"))),
    "classes": (KINDS, nw.Classification(weights="balanced")),
}


def network(choose, inputs, outputs):
    width = choose.width("width", 8, 16, step=8)
    layers = [nn.Flatten(), nn.Linear(int(np.prod(inputs)), width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def searched(data: nw.Data, **given) -> nw.Run:
    training = nw.Training(data, epochs=3, full_epochs=6, learning_rate=0.02)
    settings = {"trials": 2, "finals": [], "workers": 0, "store": nw.MemoryStore("every-task")}
    return nw.search(nw.Space(network, data), training, **settings | given)


def predict_of(folder: Path):
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load().predict


@pytest.mark.parametrize("case", CASES)
def test_every_form_answers_in_the_words_and_units_of_the_user(case: str, tmp_path: Path) -> None:
    y, task = CASES[case]
    run = searched(nw.data.from_arrays(X, y, task=task), run=case.replace(" ", "-"))
    assert run.status == "done" and not run.notes, (run.status, run.notes)
    best, task = run.best, run.plan.evaluator.task
    best.export(tmp_path)
    answers = best.predict(X[:9])
    assert predict_of(tmp_path)(X[:9].tolist()) == answers
    if case == "a number":
        assert 20_000 < min(answers) < max(answers) < 80_000
        assert abs(best.metrics["test_rmse"]) > 1.0
    elif case == "numbers":
        assert list(answers[0]) == ["price", "size"] and 20_000 < answers[0]["price"] < 80_000
    elif case == "labels":
        assert all(set(each) <= set(task.names) for each in answers) and any(answers)
    else:
        assert set(answers) <= {"ill", "well"}
    decoder = task.deployed()[1].decoder()
    onnx = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    programs = [
        torch.export.load(tmp_path / "model.pt2").module()(torch.from_numpy(X[:9])),
        torch.from_numpy(onnx.run(None, {"input": X[:9]})[0]),
    ]
    for outputs in programs:
        told = task.deployed()[1].answers(decoder(outputs))
        assert (
            told == answers
            if case in ("labels", "classes")
            else _flat(told) == pytest.approx(_flat(answers), rel=1e-4)
        )
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    (name,) = [o.metric for o in run.plan.objectives]
    reached = card["metrics"][f"test_{name}"]
    assert [row[f"test_{name}"] for row in card["checks"].values()] == pytest.approx(
        [reached] * 3, rel=1e-4
    )
    run.report(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"test {name}" in text and "chosen on rows of the train part from: " in text
    assert ("%" in result_lines(run.record)[0]) == (case == "classes")


def _flat(answers: list) -> list[float]:
    rows = [list(each.values()) if isinstance(each, dict) else [each] for each in answers]
    return [value for row in rows for value in row]


def test_a_form_that_is_off_by_little_in_small_units_is_found(monkeypatch, tmp_path) -> None:
    task = nw.Regression(mean=(2e-6,), deviation=(1e-6,))
    network = Deployment(ONE_INPUT, rescale=task.deployed()[0]).raw(nn.Linear(4, 1))
    compared = check_forms.compared

    def spoiled(folder, given):
        rows = compared(folder, given)
        rows["model.onnx"]["difference"] += 1e-7
        return rows

    monkeypatch.setattr(verify, "_run", spoiled)
    made = export(
        network, tmp_path, signature=ONE_INPUT, card=Card("small"), task=task.deployed()[1]
    )
    assert [note.split(":")[0] for note in made.faults] == ["model.onnx is missing"]


def test_a_reference_with_less_error_is_above(tmp_path: Path) -> None:
    run = searched(nw.data.from_arrays(X, PRICES), run="below")
    record = run.record
    assert record.reference_name == "ridge regression"
    assert record.reference_score < record.tested_score(record.best)
    assert is_below_reference(record, record.best)
    line = result_lines(record)[0]
    assert line.startswith("BELOW THE REFERENCE: ridge") and "(less rmse is better)" in line


def test_what_is_searched_for_is_what_is_told_and_compared(tmp_path: Path) -> None:
    data = nw.data.from_arrays(X, KINDS)
    run = searched(data, objectives=[nw.maximize("balanced_accuracy")], run="balanced")
    record = run.record
    assert record.metric.name == "balanced_accuracy"
    assert record.reference["compared_by"] == "balanced_accuracy"
    assert any(line.startswith("test balanced_accuracy ") for line in result_lines(record))
    run.export(tmp_path)
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    assert all("test_balanced_accuracy" in row for row in card["checks"].values())
    with pytest.raises(
        SettingError, match=r"must be on one of accuracy, loss, balanced_acc.* 'f2'"
    ):
        searched(data, objectives=[nw.maximize("f2")])


@pytest.mark.parametrize("kind", ["a number", "labels"])
def test_pictures_are_mixed_for_every_task(kind: str) -> None:
    pictures = np.repeat(X[:, :, None], 4, 2)[:, None]
    data = nw.data.from_arrays(pictures, CASES[kind][0])
    training = nw.Training(data, epochs=2, full_epochs=2, cutmix=1.0, learning_rate=0.02)
    run = nw.search(
        nw.Space(network, data), training,
        trials=1, finals=[], workers=0, store=nw.MemoryStore("mixed"),
    )  # fmt: skip
    assert run.status == "done" and np.isfinite(list(run.best.metrics.values())).all()
    with pytest.raises(SettingError, match=r"the data '[a-z]+' have none"):
        nw.Training(nw.data.from_arrays(X, CASES[kind][0]), cutmix=1.0)


@pytest.mark.parametrize("strategy", [nw.ENAS, nw.OnceForAll])
def test_shared_weights_are_scored_by_what_is_searched_for(strategy: type[nw.OneShot]) -> None:
    for y, wanted in ((PRICES, nw.maximize("r2")), (KINDS, nw.maximize("f1"))):
        data = nw.data.from_arrays(X, y)
        space = nw.Space(network, data)
        setting = Setting(space, data, Augmentation(), objectives=(wanted,))
        shared = strategy(epochs=1, batch=16).begin(setting)
        shared.advance()
        member, *_ = shared.candidates(np.random.default_rng(0), 1)
        assert shared_score(shared, member) == shared_metrics(shared, member)[wanted.metric]


def test_several_named_inputs_give_the_units_of_the_user() -> None:
    class Sum(nn.Module):
        def forward(self, a, b):
            return a + b

    signature = Signature((TensorSpec("a", (1,)), TensorSpec("b", (1,))), (TensorSpec("o", (1,)),))
    after = Rescale(torch.tensor([10.0]), torch.tensor([2.0]))
    network = Deployment(signature, rescale=after).raw(Sum())
    assert network(torch.tensor([[1.0]]), torch.tensor([[2.0]])).item() == 16.0


def test_the_command_line_says_what_targets_mean(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("prices.npz", x=X, y=PRICES.round())
    call = ["search", "--data", "prices.npz", "--trials", "1", "--finals", "", "--workers", "0"]
    call = [*call[:5], "--finals", "1x1", "--workers", "0", "--trial-epochs", "1"]
    call += ["--no-rehearse", "--no-refit", "--run", "r"]
    assert guarded(app, [*call, "--out", "out"]) == 0
    said = capsys.readouterr().err
    assert "y is read as a number to predict, from " in said and "--task classification" in said
    assert "test rmse" in said
    assert guarded(app, ["resume", "r", "--out", "again"]) == 0
    assert guarded(app, [*call[:-1], "s", "--task", "classification"]) != 0
    assert "different numbers in 120 rows" in capsys.readouterr().err
