"""A task of the user's own goes all the way: the one of the page on writing one, which predicts."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.data import Augmentation
from netwright.errors import DataError, SettingError
from netwright.oneshot import Setting, shared_score

PAGE = Path(__file__).parents[2] / "docs" / "write-your-own" / "task.md"


@pytest.fixture(scope="module")
def regression() -> nw.Task:
    """The task of the page's first block."""
    block = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    page = SimpleNamespace(__name__="page")
    exec(compile(block[1], str(PAGE), "exec"), vars(page))
    task: nw.Task = page.Regression()
    return task


@pytest.fixture(scope="module")
def planes(regression: nw.Task) -> nw.Data:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 3)).astype(np.float32)
    return nw.data.from_arrays(x, x @ np.array([1.0, -2.0, 0.5]), task=regression, name="planes")


def network(choose, inputs, outputs):
    width = choose.width("width", 4, 16, step=4)
    return nn.Sequential(nn.Linear(*inputs, width), nn.ReLU(), nn.Linear(width, outputs))


def test_a_run_goes_by_its_first_metric(planes: nw.Data, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    run = nw.search(
        nw.Space(network, planes), nw.Training(planes, epochs=3, full_epochs=3),
        trials=3, finals=[], workers=0, store=store, run="a",
    )  # fmt: skip
    assert run.plan.objectives == (nw.minimize("rmse"),)
    scored = [t.metrics["rmse"] for t in run.record.history if t.proposal.stage.is_search]
    assert len(scored) == 3
    searched = run.record
    assert searched.metric.name == "rmse" and searched.reference is None
    assert run.best.metrics["test_rmse"] > 0
    run.report(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "test rmse" in text and "accuracy" not in text
    run.best.export(tmp_path / "best")
    card = json.loads((tmp_path / "best" / "card.json").read_text(encoding="utf-8"))
    assert card["task"]["kind"] == "regression"
    tested = card["metrics"]["test_rmse"]
    assert all(check["test_rmse"] == pytest.approx(tested) for check in card["checks"].values())


@pytest.mark.parametrize("strategy", [nw.OnceForAll, nw.ENAS, nw.GDAS])
def test_shared_weights_learn_it(planes: nw.Data, strategy: type[nw.OneShot]) -> None:
    space = nw.Space(network, planes)
    shared = strategy(epochs=2, batch=16).begin(Setting(space, planes, Augmentation()))
    assert shared.setting.objectives == (nw.minimize("rmse"),)
    shared.advance()
    best, *_ = shared.candidates(np.random.default_rng(0), 2)
    assert shared_score(shared, best) > 0


def test_the_best_by_shared_weights_is_the_one_with_the_least(planes: nw.Data) -> None:
    space = nw.Space(network, planes)
    search = nw.SinglePath(epochs=1, batch=16, scored=4)
    shared = search.begin(Setting(space, planes, Augmentation()))
    shared.advance()
    ranked = shared.candidates(np.random.default_rng(0), 4)
    scores = [shared_score(shared, member) for member in ranked]
    assert scores == sorted(scores) and len(scores) > 1


def test_targets_are_taken_as_they_are(regression: nw.Task) -> None:
    data = nw.data.from_arrays(np.eye(10), np.arange(10) / 4, task=regression)
    targets = torch.cat([data.train.y, data.validation.y, data.test.y])
    assert targets.dtype == torch.float32
    assert sorted(targets.tolist()) == [n / 4 for n in range(10)]
    with pytest.raises(DataError, match=r"row 2 \(counted from 0\) holds nan"):
        nw.data.from_arrays(np.eye(3), [0.0, 1.0, np.nan], task=regression)
    with pytest.raises(SettingError, match="leave `class_names` out"):
        nw.data.from_arrays(np.eye(3), [0.0, 1.0, 2.0], task=regression, class_names=["a"])
    with pytest.raises(SettingError, match=r"must have a task of netwright's, got Regression"):
        data.save("never")
