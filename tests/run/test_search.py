"""The Python front: `search`, what it refuses, and what a run gives back."""

import json
import pickle
from pathlib import Path

import cloudpickle
import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load
from torch import nn

import netwright as nw
from netwright.errors import ExportError, LimitError, SettingError, SpaceError, StoreError
from netwright.execute import Key, Message
from netwright.export import place
from netwright.record.artifacts import weights_key
from netwright.record.progress import Progress
from netwright.run.search import open_run
from netwright.testing.spaces import SPACES
from netwright.trial import Stage


def network(choose: nw.Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 8, 32, step=8)
    act = choose.one_of("activation", relu=nn.ReLU, tanh=nn.Tanh)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), act, nn.Linear(width, classes))


@pytest.fixture(scope="module")
def digits() -> nw.Data:
    return nw.data.load("digits")


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory) -> nw.Run:
    return nw.search(
        nw.Space(network, digits),
        nw.Training(digits, epochs=1, full_epochs=3),
        strategy=nw.RandomSearch(),
        objectives=[nw.maximize("accuracy"), nw.minimize("params")],
        limits=[nw.at_most("params", 3000), nw.at_most("latency_ms", 1.0, on=nw.PyTorch())],
        trials=5,
        finals=[(2, 3)],
        baseline=2,
        workers=0,
        store=tmp_path_factory.mktemp("store") / "runs.db",
    )


def test_the_best_is_a_trained_network(run: nw.Run, digits: nw.Data) -> None:
    model = run.best.model()
    with torch.no_grad():
        accuracy = (model(digits.test.x).argmax(1) == digits.test.y).float().mean().item()
    assert accuracy == pytest.approx(run.best.metrics["test_accuracy"])
    assert accuracy > 0.6
    assert run.best.metrics["params"] <= 3000
    assert set(run.best.architecture.answers) == {"width", "activation"}


def test_the_best_is_what_is_exported_on_raw_rows(run: nw.Run, digits: nw.Data, tmp_path) -> None:
    run.best.export(tmp_path)
    exported: dict = {"__file__": str(tmp_path / "model.py"), "__name__": "model"}
    exec((tmp_path / "model.py").read_text(encoding="utf-8"), exported)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    program = torch.export.load(tmp_path / "model.pt2").module()
    x = digits.test.x[:50]
    with torch.no_grad():
        wanted = run.best.model().network((x.float() - digits.mean) / digits.std)
        for answer in (
            run.best.model()(x),
            exported["load"]()(x),
            exported["load"]()(x.float()),
            program(x),
            torch.from_numpy(session.run(None, {"input": x.numpy()})[0]),
        ):
            torch.testing.assert_close(answer, wanted, rtol=1e-4, atol=1e-4)


def test_the_front_has_no_dominated_network(run: nw.Run) -> None:
    front = [(f.metrics["accuracy"], -f.metrics["params"]) for f in run.front]
    assert front
    assert not any(a != b and a[0] >= b[0] and a[1] >= b[1] for a in front for b in front)
    assert all("test_accuracy" in f.metrics for f in run.front)


def test_the_last_training_is_on_train_and_validation(run: nw.Run, tmp_path: Path) -> None:
    best = run.best.trial
    assert best.proposal.stage.is_refit
    before = next(t for t in run.record.history if t.number == best.proposal.parent)
    assert before.proposal.stage == Stage.final(1)
    assert best.architecture == before.architecture
    assert best.metrics == before.metrics  # nothing but the test part can score it
    model = run.plan.space.build(best.architecture, seed=0)
    trained = {
        n: load(run.store.read(run.name, weights_key(n))) for n in (best.number, before.number)
    }
    assert trained[best.number].keys() == model.state_dict().keys()
    assert any(
        not torch.equal(trained[best.number][k], trained[before.number][k])
        for k in trained[best.number]
    )
    card = run.best.export(tmp_path / "best") / "card.md"
    assert "train and validation parts together" in card.read_text()


def test_refit_is_where_it_can_be_checked(digits: nw.Data, tmp_path: Path) -> None:
    both = digits.with_validation_in_train()
    assert len(both.train) == len(digits.train) + len(digits.validation)
    assert len(both.validation) == 0
    assert torch.equal(both.test.x, digits.test.x)

    def stages(data: nw.Data, name: str, folds: int | None = None, **given: object) -> list[str]:
        run = nw.search(
            nw.Space(network, data),
            nw.Training(data, epochs=1, full_epochs=2, folds=folds),  # type: ignore[arg-type]
            trials=2, finals=[(1, 2)], workers=0, store=tmp_path / "runs.db", run=name, **given,
        )  # fmt: skip
        return [str(t.proposal.stage) for t in run.record.history]

    before = ["search", "search", "final 1"]
    assert stages(digits, "a") == [*before, "refit"]
    assert stages(digits, "b", refit=False) == before
    assert stages(digits.without_test(), "c", folds=1) == before
    assert stages(digits.without_test(), "d", folds=1, refit=True) == [*before, "refit"]
    assert stages(digits.without_test(), "e", folds=3) == [*before, "refit"]
    assert stages(digits.without_test(), "f", folds=3, refit=False) == before
    with pytest.raises(SettingError, match="Function cannot"):
        nw.search(SPACES["flat"](), lambda model, epochs: 0.5, trials=1, refit=True,
                  store=tmp_path / "runs.db")  # fmt: skip


def test_trials_are_a_table(run: nw.Run) -> None:
    assert len(run.trials) == 5 + 2 + 2 + len(run.front)
    columns = {"number", "stage", "status", "accuracy", "architecture.width"}
    assert all(columns <= row.keys() for row in run.trials if row["status"] == "done")
    frame = pytest.importorskip("pandas").DataFrame(run.trials)
    assert len(frame) == len(run.trials) and columns <= {*frame.columns}
    assert frame["number"].tolist() == [trial.number for trial in run.record.history]
    assert "Run('run-1', done, trials=" in repr(run)


def test_export_and_report(run: nw.Run, tmp_path: Path) -> None:
    assert (run.best.export(tmp_path / "best") / "model.py").is_file()
    costs = json.loads((tmp_path / "best" / "card.json").read_text())["costs"]
    low, high = costs["latency_ms_low@pytorch"], costs["latency_ms_high@pytorch"]
    assert 0 < low <= costs["latency_ms@pytorch"] <= high
    assert costs["latency_ms@onnxruntime"] > 0  # which is told, though no limit is on it
    assert "latency high on pytorch (ms)" in (tmp_path / "best" / "card.md").read_text()
    assert run.report(tmp_path / "r.html").read_text().startswith("<!doctype html>")


def test_a_plain_function_is_enough(tmp_path: Path) -> None:
    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        return {"accuracy": 1 / (1 + sum(p.numel() for p in model.parameters()))}

    run = nw.search(
        nw.Space(network, (1, 8, 8), 10), train, trials=3, workers=1, store=tmp_path / "runs.db"
    )
    assert run.status == "done"
    widths = [t["architecture.width"] for t in run.trials]
    assert run.best.architecture["width"] == min(widths)
    assert (run.best.export(tmp_path / "best") / "model.onnx").is_file()


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_run(digits: nw.Data, tmp_path: Path) -> None:
    def once(name: str, workers: int) -> list[tuple[object, float]]:
        run = nw.search(
            nw.Space(network, digits),
            nw.Training(digits, epochs=1, full_epochs=1),
            trials=4,
            workers=workers,
            deterministic=True,
            seed=11,
            store=tmp_path / "runs.db",
            run=name,
        )
        trials = sorted(run.record.history, key=lambda t: t.number)
        return [(t.architecture, t.metrics["accuracy"]) for t in trials]

    one = once("a", 1)
    assert once("b", 1) == one
    assert once("c", 2) == once("d", 2)


def test_a_run_goes_on_only_with_the_same_settings(digits: nw.Data, tmp_path: Path) -> None:
    def go(seed: int, trials: int) -> nw.Run:
        return nw.search(
            nw.Space(network, digits),
            nw.Training(digits, epochs=1, full_epochs=1),
            trials=trials,
            workers=0,
            seed=seed,
            store=tmp_path / "runs.db",
            run="mine",
        )

    first = go(0, 2)
    assert len(go(0, 2).trials) == len(first.trials)
    with pytest.raises(StoreError, match="another seed: it was begun with 0, now it is 1"):
        go(1, 2)


def test_data_are_the_same_wherever_they_were_read_from(tmp_path: Path, monkeypatch) -> None:
    def write(path: Path, seed: int) -> None:
        path.parent.mkdir(exist_ok=True)
        x = np.random.default_rng(seed).integers(256, size=(60, 1, 8, 8)).astype(np.uint8)
        np.savez(path, x=x, y=np.arange(60) % 10)

    def go(source: str | Path, **settings) -> nw.Run:
        data = nw.data.load(source)
        training = nw.Training(data, epochs=1, full_epochs=1)
        settings = {"run": "mine", "finals": (), "refit": False, **settings}
        store = tmp_path / "runs.db"
        return nw.search(
            nw.Space(network, data), training, trials=2, workers=0, store=store, **settings
        )

    write(tmp_path / "a.npz", 0)
    write(tmp_path / "elsewhere" / "b.npz", 0)
    monkeypatch.chdir(tmp_path)
    first = go("a.npz")
    for same in (tmp_path / "a.npz", "elsewhere/b.npz"):
        assert len(go(same).trials) == len(first.trials)
    assert go(tmp_path / "elsewhere" / "b.npz", run="warm", warm_start="mine").record.settings[
        "known"
    ]
    write(tmp_path / "a.npz", 1)
    with pytest.raises(StoreError, match="another data: it was begun with digest="):
        go("a.npz")


def test_a_run_goes_on_only_with_the_same_layers(digits: nw.Data, tmp_path: Path) -> None:
    def declared(layer: type[nn.Module]):
        def made(choose: nw.Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
            width = choose.width("width", 8, 32, step=8)
            layers = [nn.Flatten(), nn.Linear(64, width), layer(), nn.Linear(width, classes)]
            return nn.Sequential(*layers)

        return nw.Space(made, digits, name="mine")

    def go(space: nw.Space) -> nw.Run:
        training = nw.Training(digits, epochs=1, full_epochs=1)
        return nw.search(
            space, training, trials=1, workers=0, store=tmp_path / "runs.db", run="mine"
        )

    go(declared(nn.ReLU))
    assert go(declared(nn.ReLU)).status == "done"
    with pytest.raises(StoreError, match=r"'mine' cannot go on with another network: .* other lay"):
        go(declared(nn.Tanh))


def test_weights_of_another_network_are_refused_in_a_sentence(run: nw.Run, monkeypatch) -> None:
    best = run.best
    near = run.plan.space.neighbours(best.architecture)
    other = next(a for a in near if a["width"] != best.architecture["width"])
    build = run.plan.space.build
    monkeypatch.setattr(run.plan.space, "build", lambda made, **given: build(other, **given))
    with pytest.raises(StoreError, match=r"cannot be loaded from '.*builds another network"):
        best.model()


def test_a_space_for_other_data_is_refused(digits: nw.Data, tmp_path: Path) -> None:
    for space in (nw.spaces.mlp(8, 10), nw.spaces.convnet((1, 8, 8), 7)):
        with pytest.raises(
            SettingError, match=r"takes and gives input \(1, 8, 8\) -> output \(10,\), those"
        ):
            nw.search(space, nw.Training(digits), trials=1, store=tmp_path / "runs.db")


def test_a_network_that_is_random_in_eval_mode_is_refused(tmp_path: Path) -> None:
    class Noisy(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.layer = nn.Linear(4, width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.dropout(self.layer(x), 0.5)

    def declared(choose: nw.Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        width = choose.width("width", 8, 16)
        return nn.Sequential(Noisy(width), nn.Linear(width, classes))

    with pytest.raises(SpaceError, match=r"other outputs for the same inputs in eval mode"):
        nw.search(nw.Space(declared, 4, 2), lambda m, e: 0.5, trials=1, store=tmp_path / "a.db")


def test_a_function_that_cannot_be_called_is_refused(tmp_path: Path) -> None:
    for train in (lambda model: 0.5, lambda a, b, c, d: 0.5):
        with pytest.raises(SettingError, match=r"train\(model, epochs\)` must take these"):
            nw.search(SPACES["flat"](), train, trials=1, store=tmp_path / "runs.db")


def test_where_an_export_or_report_cannot_go_is_said(run: nw.Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "deep", Path("/proc/netwright/out")):
        with pytest.raises(SettingError, match="The export folder"):
            nw.search(SPACES["flat"](), lambda m, e: 0.5, trials=1, out=out)
        with pytest.raises(SettingError, match="The export folder"):
            run.export(out)
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(SettingError, match=r"is a folder; name a file such as .*report\.html"):
        run.report(tmp_path)
    with pytest.raises(SettingError, match=r"report .* cannot be written"):
        run.report(tmp_path / "file" / "report.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]


@pytest.mark.parametrize(
    ("given", "error", "part"),
    [
        ({"trials": 1, "limits": {"params": 10**400}}, SettingError, "finite"),
        ({"trials": 1, "finals": 5}, SettingError, "pairs"),
        ({"trials": 1, "objectives": 5}, SettingError, "must be a list"),
        ({"trials": 1, "run": 5}, SettingError, "run="),
        ({"trials": 1, "watch": 5}, SettingError, "watch="),
        ({"trials": 1, "out": 5}, SettingError, "out="),
        ({"minutes": float("inf")}, SettingError, "minutes"),
        ({"trials": 1, "limits": ["params"]}, SettingError, r"mapping .* got \['params'\]"),
        ({}, SettingError, "must have a budget"),
        ({"trials": 0}, SettingError, "trials"),
        ({"minutes": -1.0}, SettingError, "minutes"),
        ({"trials": 1, "workers": -1}, SettingError, "workers"),
        ({"trials": 1, "seed": -1}, SettingError, "seed"),
        ({"trials": 1, "objectives": []}, SettingError, "objectives"),
        ({"trials": 1, "finals": [(0, 1)]}, SettingError, "finals"),
        ({"trials": 1.5}, SettingError, "trials=.*whole number"),
        ({"trials": "3"}, SettingError, "trials=.*whole number"),
        ({"trials": True}, SettingError, "trials=.*whole number"),
        ({"minutes": float("nan")}, SettingError, "minutes"),
        ({"trials": 1, "trial_minutes": "long"}, SettingError, "trial_minutes"),
        ({"trials": 1, "finals": [3]}, SettingError, "pairs"),
        ({"trials": 1, "finals": [("2", 3)]}, SettingError, "pairs"),
        ({"trials": 1, "strategy": nw.RandomSearch}, SettingError, r"RandomSearch\(\)"),
        ({"trials": 1, "objectives": "accuracy"}, SettingError, "must be a list"),
        ({"trials": 1, "objectives": nw.maximize("accuracy")}, SettingError, "must be a list"),
        ({"trials": 1, "limits": {"params": "few"}}, SettingError, "params"),
        ({"trials": 1, "limits": {"accuracy": 1.0}}, SettingError, "known before"),
        ({"trials": 1, "limits": {"params": 10}}, LimitError, "the least found"),
    ],
)
def test_wrong_calls_leave_nothing_behind(given, error, part, tmp_path: Path) -> None:
    with pytest.raises(error, match=part):
        nw.search(SPACES["flat"](), lambda model, epochs: 0.5, store=tmp_path / "runs.db", **given)
    if (tmp_path / "runs.db").exists():
        from netwright.store import SQLiteStore

        assert SQLiteStore(tmp_path / "runs.db").runs() == []


def finished(tmp_path: Path, digits: nw.Data, **given) -> nw.Run:
    return nw.search(
        nw.Space(network, digits),
        nw.Training(digits, epochs=1, full_epochs=1),
        strategy=nw.RandomSearch(),
        workers=0,
        store=tmp_path / "runs.db",
        run="mine",
        refit=False,
        **{"trials": 4} | given,
    )


def stopping_after(trials: int):
    def watch(progress: Progress) -> None:
        if len(progress.history) >= trials:
            raise KeyboardInterrupt

    return watch


def test_an_export_of_another_network_does_not_change_the_best(
    digits: nw.Data, tmp_path: Path
) -> None:
    objectives = [nw.maximize("accuracy"), nw.minimize("params")]
    run = finished(tmp_path, digits, objectives=objectives)
    best = run.best.trial.number
    other = next(found for found in run.front if found.trial.number != best)
    other.export(tmp_path / "other")
    assert run.best.trial.number == best
    card = json.loads((tmp_path / "other" / "card.json").read_text())
    assert card["metrics"]["test_accuracy"] == other.metrics["test_accuracy"]


def test_what_was_exported_untested_is_exported_anew(digits: nw.Data, tmp_path: Path) -> None:
    run = finished(tmp_path, digits, watch=stopping_after(3))
    assert run.status == "interrupted"
    run.export(tmp_path / "early")
    early = json.loads((tmp_path / "early" / "card.json").read_text())
    assert "test_accuracy" not in early["metrics"]
    run = finished(tmp_path, digits, out=tmp_path / "best")
    card = json.loads((tmp_path / "best" / "card.json").read_text())
    assert card["metrics"]["test_accuracy"] == run.best.metrics["test_accuracy"]
    assert not any("Not scored" in note for note in card["notes"])


def test_the_best_so_far_of_equals_is_kept(tmp_path: Path) -> None:
    def search(**given) -> nw.Run:
        return nw.search(
            SPACES["huge"](),
            lambda model, epochs: 0.5,
            strategy="random",
            objectives=[nw.maximize("accuracy"), nw.minimize("params")],
            trials=12,
            workers=0,
            store=tmp_path / "runs.db",
            run="mine",
            **given,
        )

    run = search(watch=stopping_after(10))
    assert run.status == "interrupted"
    assert run.best.model() is not None
    assert search().best.model() is not None


def test_an_interruption_of_the_end_is_one(digits: nw.Data, tmp_path: Path, monkeypatch) -> None:
    from netwright.run import conclude

    def stop(*given, **named):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(conclude, "reference", stop)
    run = finished(tmp_path, digits)
    assert run.status == "interrupted"
    assert run.best.export(tmp_path / "early").is_dir()
    run = finished(tmp_path, digits)
    assert run.status == "done"
    assert "test_accuracy" in run.best.metrics


def test_a_store_may_be_moved(digits: nw.Data, tmp_path: Path) -> None:
    run = finished(tmp_path, digits, trials=1)
    (tmp_path / "moved").mkdir()
    for path in (tmp_path / "runs.db", tmp_path / "runs.db.files"):
        path.rename(tmp_path / "moved" / path.name)
    run = finished(tmp_path / "moved", digits, trials=1)
    run.export(tmp_path / "out")
    assert (tmp_path / "out" / "model.py").is_file()
    before = sorted(p.name for p in (tmp_path / "out").iterdir())
    with pytest.raises(ExportError, match="no export in"):
        place(tmp_path / "nothing", tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == before
    for key in run.store.keys(run.name, "export-"):
        run.store.delete(run.name, key)
    run.export(tmp_path / "out")  # made anew
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == before


@pytest.mark.parametrize(
    ("recipe", "part"),
    [
        (lambda c: {"lr": 0.1}, "got 'lr'"),
        (lambda c: {"batch": c.value("batch", [32, 0])}, "batch.* from 1"),
        (lambda c: {"batch": c.value("batch", [32, "64"], late=True)}, "batch.* whole number"),
        (lambda c: {"cutmix": c.value("cutmix", [0.0, 500.0], late=True)}, "cutmix.* from 0"),
    ],
)
def test_a_wrong_recipe_is_said_before_the_search(
    recipe, part: str, digits: nw.Data, tmp_path: Path
) -> None:
    space = nw.Space(network, digits, recipe=recipe)
    with pytest.raises(SettingError, match=part):
        nw.search(space, nw.Training(digits), trials=1, store=tmp_path / "runs.db")


def test_images_are_not_mixed_in_tables() -> None:
    x, y = torch.randn(60, 4), torch.arange(60) % 2
    with pytest.raises(SettingError, match=r"`cutmix` changes images, and the data .* have none"):
        nw.Training(nw.data.load((x, y)), cutmix=0.5)


def test_a_run_without_a_network_says_so(tmp_path: Path) -> None:
    def train(model: nn.Module, epochs: int) -> float:
        raise ValueError("never")

    run = nw.search(SPACES["flat"](), train, trials=2, workers=0, store=tmp_path / "runs.db")
    assert run.status == "failed"
    with pytest.raises(StoreError, match=r"no best network: .* the last: ValueError: never"):
        _ = run.best


def test_nothing_is_left_in_the_environment(run: nw.Run) -> None:
    folder = run.store.path.with_name("runs.db.files") / run.name
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {
        "lock",
        *run.store.keys(run.name),
    }


def test_a_function_in_the_place_of_a_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"must be a Space, got .*Space\(network, data"):
        nw.search(network, lambda model, epochs: 0.5, trials=1, store=tmp_path / "runs.db")


def test_data_in_the_place_of_a_training_are_refused(digits: nw.Data) -> None:
    with pytest.raises(SettingError, match=r"must be a training, got data; write `Training\(data"):
        nw.search(nw.Space(network, digits), digits, trials=1, store="memory://data")


def test_a_limit_on_a_misspelled_metric_names_the_nearest(digits: nw.Data) -> None:
    with pytest.raises(SettingError, match=r"trained; did you mean 'params'\?"):
        nw.search(
            nw.Space(network, digits), lambda model, epochs: 0.5, limits={"parms": 9.0}, trials=1,
            workers=0, store="memory://limit",
        )  # fmt: skip


def test_an_objective_that_no_trial_has(digits: nw.Data, tmp_path: Path) -> None:
    space = nw.Space(network, digits)
    given = {"objectives": [nw.maximize("f2")], "trials": 2, "workers": 0}
    with pytest.raises(SettingError, match=r"one of accuracy, loss, .* got 'f2'"):
        nw.search(space, nw.Training(digits), store=tmp_path / "runs.db", **given)
    given["objectives"] = [nw.maximize("accuracies")]
    with pytest.raises(SettingError, match=r"got 'accuracies'; did you mean 'accuracy'"):
        nw.search(space, nw.Training(digits), store=tmp_path / "runs.db", **given)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {},
            r"objectives=.*'accuracy'; there are .*f1. Write .*maximize\(\"f1\"\).*minimize\(\"f1",
        ),
        ({"objectives": [nw.maximize("f_1")]}, r"'f_1'.* did you mean 'f1'\? Write"),
        ({"objectives": [nw.minimize("rmse")]}, r"'rmse'; there are [^?]*f1\. Write"),
    ],
)
def test_a_metric_that_a_training_of_the_users_lacks_ends_the_run_at_once(
    digits: nw.Data, tmp_path: Path, options: dict, told: str
) -> None:
    trained = []

    def train(model: nn.Module, epochs: int) -> dict[str, float]:
        trained.append(epochs)
        return {"f1": 0.5}

    store = tmp_path / "runs.db"
    space = nw.Space(network, digits)
    given = {"strategy": "random", "trials": 8, "workers": 0, "store": store, "run": "r"}
    with pytest.raises(SettingError, match=told):
        nw.search(space, train, **given, **options)
    assert len(trained) == 1
    run = open_run(space, train, **given, **options)
    assert run.status == "failed" and [t.status for t in run.record.history] == ["invalid"]


def test_the_front_is_told_in_a_line_each(run: nw.Run) -> None:
    assert repr(run.best).startswith(f"TrainedNetwork(trial={run.best.trial.number}, params=")
    assert len(repr(run.best)) < 200


# -- where runs are kept and where trials run ------------------------------------------------------


def tiny(**given) -> nw.Run:
    """Search two networks of a ready space by a function that takes no time."""
    settings = {"trials": 2, "workers": 0, "run": "a"} | given
    return nw.search(SPACES["flat"](), lambda model, epochs: 0.5, **settings)


class Silent(nw.Executor):
    """Does jobs in this process when it is asked for news; a job begins with late news of others.

    These are of an attempt that was given up, and of a trial that nobody knows.
    """

    slots = 1
    in_process = True

    def start(self, work) -> None:
        self._inline = nw.Inline()
        self._inline.start(work)

    def submit(self, key, job, seconds=None, *, alone=False) -> None:
        self._late = [
            Message("ended", Key(key.trial, key.attempt + 1), None),
            Message("lost", Key(999, 1), ("failed", "late")),
        ]
        self._inline.submit(key, job, seconds, alone=alone)

    def cancel(self, key) -> None:
        self._inline.cancel(key)

    def wait(self, seconds):
        return [*self._late, *self._inline.wait(seconds)]

    def stop(self) -> None:
        self._inline.stop()


def test_a_search_in_memory() -> None:
    nw.MemoryStore("here").clear()
    run = tiny(store="memory://here")
    assert run.status == "done"
    assert run.best.model() is not None
    assert tiny(store=nw.MemoryStore("here")).record.history[:] == run.record.history[:]
    with pytest.raises(SettingError, match=r"store='memory://there'.* give workers=0, or a file"):
        tiny(store="memory://there", workers=1)


def test_an_executor_of_ones_own(tmp_path: Path) -> None:
    """News of attempts that were given up, or of trials that are over, change nothing."""
    run = tiny(store=tmp_path / "runs.db", executor=Silent())
    assert run.status == "done"
    assert run.record.settings["workers"] == 1
    assert {t.status for t in run.record.history} == {"done"}
    with pytest.raises(SettingError, match=r"`search\(executor=...\)` must be an Executor such as"):
        tiny(store=tmp_path / "runs.db", executor=2)
    with pytest.raises(SettingError, match=r"`search\(store=...\)` must be a path, a URL or a Sto"):
        tiny(store=2)


def test_what_workers_print_is_kept(tmp_path: Path) -> None:
    def train(model: nn.Module, epochs: int) -> float:
        print("trained")
        return 0.5

    for trials in (1, 2):
        run = nw.search(
            SPACES["flat"](), train, trials=trials, finals=(), store=tmp_path / "runs.db", run="a"
        )
        assert run.status == "done"
    printed = run.store.read("a", "logs/worker-0.log").decode()
    assert printed.count("trained") == 2  # of both sessions


def test_a_run_is_a_value(run: nw.Run) -> None:
    again = pickle.loads(cloudpickle.dumps(run))  # noqa: S301
    assert (again.name, again.status, again.store) == (run.name, run.status, run.store)
    assert again.best.metrics == run.best.metrics
    wanted, got = run.best.model().state_dict(), again.best.model().state_dict()
    assert all(torch.equal(wanted[name], got[name]) for name in wanted)
