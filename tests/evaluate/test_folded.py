"""Trainings on folds, and ensembles whose networks are each trained by itself."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.cli.output import document, result_lines
from netwright.data import Data, from_arrays
from netwright.data.folds import folds_of
from netwright.errors import SettingError
from netwright.evaluate.base import Candidate, Context
from netwright.evaluate.training import Training
from netwright.network.ensemble import Ensemble
from netwright.record.trained_on import weights_told
from netwright.report.page import page
from netwright.space import Space, ensembled
from netwright.trial import Budget


def network(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    width = choose.width("width", 4, 8, step=4)
    return nn.Sequential(nn.Linear(inputs[0], width), nn.ReLU(), nn.Linear(width, outputs))


def rows(count: int) -> Data:
    x = np.random.default_rng(0).normal(size=(count, 3))
    return from_arrays(x, (x[:, 0] > 0).astype(int), seed=0, test=0.1)


SPACE = Space(network, (3,), 2)


@pytest.mark.parametrize(
    ("count", "values", "folds"),
    [(400, 10, 5), (600, 10, 3), (2100, 10, 1), (400, 12_000, 3), (400, 50_000, 1),
     (60, 300_000, 3), (1500, 2000, 3), (1500, 20_000, 1)],
)  # fmt: skip
def test_rows_with_many_values_are_divided_in_fewer_folds(count, values, folds) -> None:
    x = np.broadcast_to(np.uint8(0), (count, 1, values))
    data = from_arrays(x, np.arange(count) % 2, kind="series", test=0)
    assert Training(data).folds == folds


def candidate(space: Space = SPACE) -> Candidate:
    return Candidate(space, space.smallest(), 5)


@pytest.mark.parametrize(("count", "expected"), [(8, 1), (180, 5), (480, 5), (1500, 3), (2400, 1)])
def test_few_rows_are_divided_in_folds(count: int, expected: int) -> None:
    training = Training(rows(count))
    assert (training.folds, training.repeats) == (expected, 1)
    whole = training.for_refit()
    assert (whole.folds, whole.repeats) == (1, 1)


def test_what_cannot_be_divided_anew_has_no_folds() -> None:
    x = torch.randn(60, 3)
    part = torch.utils.data.TensorDataset(x, (x[:, 0] > 0).long())
    given = nw.data.from_dataset(part, part, test=0)
    assert Training(given).folds == 1
    with pytest.raises(SettingError, match="must be 1 for 'dataset', whose validation part was"):
        Training(given, folds=3)
    for wrong in ({"folds": 0}, {"folds": 2.0}, {"folds": 3, "repeats": 0}, {"repeats": 2}):
        with pytest.raises(SettingError, match=r"Training\((folds|repeats)"):
            Training(given, **wrong)


def test_the_metrics_are_of_what_networks_did_not_learn_from() -> None:
    data = rows(200)
    training = Training(data, folds=4)
    context, heard = [], []
    told = Context(5, report=lambda epoch, metrics: heard.append(epoch), check=lambda: context)
    result = training.evaluate(candidate(), Budget(6), told)
    outputs, targets = [], []
    assert result.metrics["best_epoch"] == 6
    for place, (train, held) in enumerate(folds_of(data, 4)):
        alone = training._on_fold(train, held)
        network = alone.evaluate(candidate(), Budget(6), Context(5 + place)).model
        given, y = held.batch(slice(None))
        outputs.append(network(data.normalise(*given)))
        targets.append(y)
    expected = data.task.measure([(torch.cat(outputs).detach(), torch.cat(targets))])
    assert result.metrics == pytest.approx({**expected, "best_epoch": 6})
    assert heard == [*range(1, 7)]  # the first fold's


def test_the_time_is_looked_at_in_every_fold() -> None:
    class Over(Exception):
        pass

    def check() -> None:
        raise Over

    with pytest.raises(Over):
        Training(rows(200), folds=2).evaluate(candidate(), Budget(2), Context(5, check=check))


def test_steps_and_seconds_are_of_all_folds() -> None:
    data = rows(400)
    once, many = (
        Training(data, folds=folds, repeats=repeats) for folds, repeats in ((2, 1), (2, 3))
    )
    assert many.steps(Budget(4), {}).number == 3 * once.steps(Budget(4), {}).number
    assert once.steps(Budget(4), {}).number == 2 * 4 * (180 // once.steps(Budget(4), {}).batch)


def test_an_ensemble_learns_a_fold_in_each_network() -> None:
    data = rows(200)
    space = ensembled(SPACE, 4)
    result = Training(data, folds=4).evaluate(candidate(space), Budget(30), Context(5))
    assert isinstance(result.model, Ensemble)
    first = [member[0].weight for member in result.model.members]
    assert all(not torch.equal(first[0], other) for other in first[1:])
    x = torch.randn(9, 3)
    mean = torch.stack([member(x) for member in result.model.members]).mean(0)
    assert torch.allclose(result.model(x), mean, atol=1e-6)
    assert result.metrics["accuracy"] > 0.8
    with pytest.raises(SettingError, match=r"must be 4 for an ensemble of so many .*, got 3"):
        Training(data, folds=3).evaluate(candidate(space), Budget(1), Context(5))


def test_an_ensemble_without_folds_is_scored_as_a_whole() -> None:
    data = rows(200)
    training = Training(data, folds=1)
    result = training.evaluate(candidate(ensembled(SPACE, 3)), Budget(5), Context(5))
    assert result.metrics == pytest.approx(training._score(result.model, torch.device("cpu")))
    weights = [member[0].weight for member in result.model.members]
    assert not torch.equal(weights[0], weights[1])


def test_a_run_of_ensembles_is_exported_as_one_network(tmp_path) -> None:
    data, space = rows(200), ensembled(SPACE, 2)
    run = nw.search(
        space,
        Training(data, folds=2, epochs=2, full_epochs=4),
        strategy=nw.RandomSearch(),
        trials=2,
        finals=[],
        limits={"params": 200},
        workers=1,
        out=tmp_path / "out",
    )
    trial = run.record.best
    assert weights_told(run.record, trial) == ""
    assert trial.proposal.stage.kind != "refit"  # they have learned from all rows on their folds
    one = SPACE.build(SPACE.architecture(trial.architecture.answers))
    assert trial.metrics["params"] == 2 * sum(p.numel() for p in one.parameters())
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"model.py", "model.onnx", "model.pt2"} <= names


def test_without_a_refit_it_is_said_whose_the_weights_are(tmp_path) -> None:
    data, out = rows(200), tmp_path / "out"
    given = {"strategy": nw.RandomSearch(), "trials": 2, "finals": [], "workers": 0}
    training = Training(data, folds=4, epochs=2, full_epochs=4)
    run = nw.search(SPACE, training, refit=False, out=out, **given)
    record, best = run.record, run.record.best
    told = weights_told(record, best)
    assert told.startswith("The weights are those of the first of 4 folds, which learned from 3 of")
    assert told in json.loads((out / "card.json").read_text(encoding="utf-8"))["notes"]
    assert "weights              of the first of 4 folds; the figure is of all" in result_lines(
        record
    )
    assert document(record)["weights"] == told
    assert "fold whose network this is" in page(record)
    again = nw.search(SPACE, training, refit=True, rehearse=False, **given)
    assert "together, the last step" in weights_told(again.record, again.record.best)
    assert not any(line.startswith("weights") for line in result_lines(again.record))
    plain = nw.search(SPACE, Training(data, folds=1, epochs=1), refit=False, **given)
    assert weights_told(plain.record, plain.record.best) == ""


@pytest.mark.parametrize("count", [1, 0, 2.0, "3"])
def test_an_ensemble_has_two_networks_at_least(count: object) -> None:
    with pytest.raises(SettingError, match="at least 2"):
        ensembled(SPACE, count)


def test_ensembles_of_fewer_options_are_ensembles() -> None:
    fewer = nw.space.restricted(ensembled(SPACE, 2), {"width": [8]})
    assert fewer.networks == 2
    assert len(fewer.build(fewer.smallest()).members) == 2
