"""The network that was found learns from other rows, from its folder alone."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from PIL import Image
from torch import nn

import netwright as nw
from netwright.errors import DataError, SettingError
from netwright.record.judged import Beside
from netwright.reuse import open_exported, predict, retrain
from netwright.reuse.retrain import _compared, _maker
from netwright.tasks import Metric
from untrained import exported

RNG = np.random.default_rng(0)
ONCE = {"trials": 1, "workers": 0, "finals": [], "targets": ()}


def rows(count: int, scale: float = 1.0) -> pandas.DataFrame:
    width, word = RNG.normal(size=count).round(3), RNG.choice(["red", "blue"], count)
    kind = np.where(width > 0, "long", "wide")
    price = (3 * width + (word == "red")) * scale
    return pandas.DataFrame({"width": width, "word": word, "kind": kind, "price": price})


def own(choose, inputs, outputs):
    """A space that no name stands for."""
    width = choose.width("width", 24, 32, step=8)
    (features,) = inputs
    return nn.Sequential(
        nn.Linear(features, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, outputs)
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    rows(120).drop(columns="price").to_csv(home / "first.csv", index=False)
    rows(400).drop(columns="price").to_csv(home / "more.csv", index=False)
    return home


def found(home: Path, space: nw.Space, data: nw.Data, name: str) -> Path:
    training = nw.Training(data, epochs=1, full_epochs=2)
    run = nw.search(space, training, **ONCE, store=home / f"{name}.db", run=name)
    return run.best.export(home / name)


@pytest.fixture(scope="module")
def ready(home: Path) -> Path:
    """A network of a ready space."""
    data = nw.data.load(home / "first.csv")
    return found(home, nw.spaces.mlp(data.signature.input.sizes, 2), data, "ready")


@pytest.fixture(scope="module")
def mine(home: Path) -> Path:
    """A network of a function."""
    data = nw.data.load(home / "first.csv")
    return found(home, nw.Space(own, data), data, "mine")


def read(folder: Path) -> dict:
    return json.loads((folder / "card.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("space", ["ready", pytest.param("mine", marks=pytest.mark.thorough)])
def test_it_learns_from_more_rows_and_is_exported_as_before(
    space: str, home: Path, request: pytest.FixtureRequest
) -> None:
    folder, seen = request.getfixturevalue(space), []
    made = retrain(
        open_exported(folder),
        home / "more.csv",
        home / f"{space}-again",
        epochs=6,
        told=lambda epoch, epochs, metrics: seen.append((epoch, epochs)),
    )
    assert seen == [(epoch, 6) for epoch in range(1, 7)]
    assert not made.exported.notes
    before, after = read(folder), read(home / f"{space}-again")
    assert after["data"]["train"] + after["data"]["validation"] == 320
    for same in ("signature", "encoding", "architecture", "origin", "decoding"):
        assert after[same] == before[same]
    assert made.metrics["accuracy"] > 0.9
    assert after["metrics"]["test_accuracy"] == made.metrics["accuracy"]
    assert {*after["checks"]} == {"model.py", "model.pt2", "model.onnx"}
    assert all(row["test_accuracy"] == made.metrics["accuracy"] for row in after["checks"].values())
    assert after["metrics"].keys() == {f"test_{name}" for name in made.metrics}
    assert "the search was not repeated" in after["notes"][0]
    assert made.judged.rows == made.data.settings["test"]
    difference = made.metrics["accuracy"] - made.reference["accuracy"]
    assert made.judged.difference == pytest.approx(difference)
    assert made.judged.told(made.metric) in after["notes"]
    loud = any(note.startswith("BELOW THE REFERENCE") for note in after["notes"])
    assert loud == (made.judged.verdict == "below")
    asked = predict(open_exported(home / f"{space}-again"), home / "more.csv")
    assert asked.metrics["accuracy"] > 0.9
    again = retrain(
        open_exported(home / f"{space}-again"), home / "more.csv", home / "third", epochs=6
    )
    assert again.metrics == made.metrics  # the same seed, from fresh weights


@pytest.mark.parametrize("space", ["ready", "mine"])
def test_weights_are_fresh_or_kept(space: str, home: Path, request: pytest.FixtureRequest) -> None:
    network = open_exported(request.getfixturevalue(space))
    data = nw.data.load(home / "first.csv")
    kept = network.module.network.state_dict()
    for keep in (True, False):
        made = _maker(network, data, keep)(0).state_dict()
        assert len(made) == len(kept)
        same = [torch.equal(a, b) for a, b in zip(made.values(), kept.values(), strict=True)]
        assert all(same) == keep
        again = _maker(network, data, keep)(0).state_dict()
        assert all(torch.equal(a, b) for a, b in zip(made.values(), again.values(), strict=True))
    retrain(network, home / "first.csv", home / "kept", epochs=1, keep_weights=True)
    assert "the test figures are too good" in read(home / "kept")["notes"][1]


def test_numbers_have_their_scale_anew_and_new_levels_are_other(home: Path) -> None:
    rows(150).drop(columns="kind").to_csv(home / "prices.csv", index=False)
    data = nw.data.load(home / "prices.csv", task="regression")
    folder = found(home, nw.Space(own, data), data, "prices")
    other = rows(500, scale=1000).drop(columns="kind")
    other.loc[:3, "word"] = "green"
    other.to_csv(home / "thousands.csv", index=False)
    made = retrain(open_exported(folder), home / "thousands.csv", home / "dearer", epochs=20)
    assert made.metrics["r2"] > 0.8
    assert read(home / "dearer")["encoding"] == read(folder)["encoding"]
    answers = predict(open_exported(home / "dearer"), home / "thousands.csv")
    assert np.std([row[0] for row in answers.rows]) > 1000


def test_pictures_become_those_of_the_first_size(home: Path) -> None:
    def photos(folder: Path, size: int, names: str) -> Path:
        for place in range(12):
            for brightness, name in enumerate(names):
                low = 100 * brightness
                pixels = RNG.integers(low, low + 90, (size, size, 3)).astype(np.uint8)
                (folder / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(folder / name / f"{place}.png")
        return folder

    first = photos(home / "photos", 8, "ab")
    network = open_exported(exported(nw.data.load(first), home / "of-photos"))
    origin = {"space": None, "evaluator": "Training"}
    network = replace(network, card=replace(network.card, origin=origin))
    made = retrain(network, photos(home / "more", 11, "ab"), home / "more-best", epochs=2)
    assert made.data.raw == network.signature.inputs
    with pytest.raises(DataError, match=r"the class 'c' beside those that the network knows: a, b"):
        retrain(network, photos(home / "three", 8, "abc"), home / "none", epochs=1)
    three = open_exported(exported(nw.data.load(home / "three"), home / "of-three"))
    three = replace(three, card=network.card)
    three = replace(three, card=replace(three.card, decoding={"names": ["a", "b", "c"]}))
    with pytest.raises(DataError, match="has no row of 'c' among those that the network knows"):
        retrain(three, first, home / "none", epochs=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "odd"}, "row 0 .* has the class 'odd'; the classes of the task are long, wide"),
        ({"word": None}, "has no column 'word', which the network takes"),
        ({"kind": None}, "has no column 'kind', which the network is to learn to predict"),
        ({"width": "much"}, r"row 0 \(counted from 0\) holds 'much' in the column 'width'"),
    ],
)
def test_other_columns_and_classes_are_refused(
    change: dict, said: str, ready: Path, home: Path
) -> None:
    table = pandas.read_csv(home / "first.csv")
    for name, value in change.items():
        if value is None:
            table = table.drop(columns=name)
        else:
            table[name] = [value, *table[name][1:]]
    table.to_csv(home / "changed.csv", index=False)
    with pytest.raises(DataError, match=said):
        retrain(open_exported(ready), home / "changed.csv", home / "none", epochs=1)
    assert not (home / "none").exists()


def test_a_class_that_is_gone_and_other_kinds_are_refused(ready: Path, home: Path) -> None:
    table = pandas.read_csv(home / "first.csv")
    table[table["kind"] == "long"].to_csv(home / "long.csv", index=False)
    np.savez(home / "x.npz", x=np.zeros((4, 2)), y=[0, 1, 0, 1])
    for file, said in {
        "long.csv": "class 'wide' has 0 rows",
        "x.npz": "is of another kind than the data that the network learned from; give a table",
        "gone.csv": "There is no file or folder",
    }.items():
        with pytest.raises(DataError, match=said):
            retrain(open_exported(ready), home / file, home / "none", epochs=1)


class Scaled(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return x * self.scale


def test_what_cannot_be_made_anew_says_so(home: Path) -> None:
    data = nw.data.load(home / "first.csv")
    features = data.signature.input.sizes[0]
    made = nn.Sequential(Scaled(features), nn.Linear(features, 2))
    network = open_exported(exported(data, home / "scaled", made))
    with pytest.raises(SettingError, match="does not name a training of netwright's"):
        retrain(network, home / "more.csv", home / "none")
    network = replace(network, card=replace(network.card, origin={"evaluator": "Training"}))
    with pytest.raises(SettingError, match=r"of its own in '0'.*`keep_weights=True`"):
        retrain(network, home / "more.csv", home / "none", epochs=1)
    retrain(network, home / "more.csv", home / "scaled-again", epochs=1, keep_weights=True)
    (home / "scaled" / "model.py").unlink()
    with pytest.raises(SettingError, match=r"has no model\.py that writes out its layers"):
        retrain(network, home / "more.csv", home / "none", epochs=1)


@pytest.mark.parametrize("keep_weights", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_an_estimator_of_several_networks_learns_from_more_rows(
    keep_weights: bool, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    kinds = np.where(x[:, 0] > 0, "up", "down")
    names = ["a", "b", "c", "d"]
    table = pandas.DataFrame(x, columns=names)
    nw.NetClassifier(trials=1, full_epochs=4, random_state=0).fit(table, kinds).save(tmp_path / "m")
    network = open_exported(tmp_path / "m")
    assert network.card.origin["ensemble"] == 5
    rows = tmp_path / "rows.csv"
    table.assign(kind=kinds).to_csv(rows, index=False)
    made = retrain(network, rows, tmp_path / "out", epochs=3, keep_weights=keep_weights)
    assert made.metrics["accuracy"] > 0.5
    text = (tmp_path / "out" / "model.py").read_text(encoding="utf-8")
    assert "model.pt2" not in text and "self.members[4]" in text
    table.to_csv(rows, index=False)
    with pytest.raises(DataError, match=r"must have one column beside a, b, c, d, .* got none"):
        retrain(network, rows, tmp_path / "other")


@pytest.mark.parametrize(
    ("error", "loud"), [(0.2, False), (0.01, True), (None, True)], ids=["unsure", "sure", "unknown"]
)
def test_a_retrained_network_is_below_the_reference_where_it_is_sure(error, loud: bool) -> None:
    metric = Metric("accuracy", "maximize", fraction=True)
    known = ("reference", "a forest", "accuracy", "test", 40)
    judged = None if error is None else Beside(*known, -0.1, error)
    told = _compared(metric, {"accuracy": 0.4}, {"accuracy": 0.5, "name": "a forest"}, judged)
    assert ("BELOW THE REFERENCE: a forest reaches 50.00% on the test part." in told) == loud
    assert (judged is None) or judged.told(metric) in told
    assert _compared(metric, {"accuracy": 0.4}, None, None) == []
