"""From what the command line says to a plan."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

import netwright as nw
from netwright.cli import launch
from netwright.cli.search import new_folder
from netwright.errors import SettingError, SpaceError
from netwright.network.signature import Signature

TAKES = Signature.single((1, 8, 8), (10,))
CALL: dict[str, Any] = {
    **dict.fromkeys(["trial_epochs", "full_epochs", "finals", "size", "label", "space", "refit"]),
    **dict.fromkeys(["minutes", "epochs", "run"]),
    "data": "digits", "strategy": "auto", "limits": [], "objectives": ["accuracy"], "trials": 3,
    "baseline": 0, "workers": 0, "deterministic": False, "seed": 0, "store": "a.db",
}  # fmt: skip


def test_settings_are_given_with_the_name_of_what_they_are_of() -> None:
    plan = launch.plan_of(
        CALL
        | {"strategy": "once-for-all(epochs=5, finder='nsga2(population=8)')"}
        | {"space": "mobilenet_v3(width=0.25, resolutions=(8,))", "trial_epochs": 2}
        | {"training": "batch=64, optimizer='adamw', flip=True"}
    )
    assert plan.strategy == nw.OnceForAll(epochs=5, finder=nw.NSGA2(population=8))
    wanted = nw.spaces.mobilenet_v3((1, 8, 8), 10, width=0.25, resolutions=(8,))
    assert plan.space.digest == wanted.digest
    data = plan.evaluator.data
    assert plan.evaluator == nw.Training(data, 2, batch=64, optimizer="adamw", flip=True)


def test_an_ensemble_has_a_fold_for_each_network() -> None:
    plan = launch.plan_of(CALL | {"ensemble": 4, "space": "mlp"})
    assert plan.space.networks == 4
    assert (plan.evaluator.folds, plan.evaluator.repeats, plan.refit) == (4, 1, False)
    many = launch.plan_of(CALL | {"ensemble": 4, "space": "mlp", "data": "fashion14"})
    assert (many.evaluator.folds, many.refit) == (1, True)  # its validation part is given


def test_a_target_is_given_with_its_settings() -> None:
    limits = ["latency_ms@onnxruntime(threads=2)=1.5", "latency_ms@onnxruntime=0.5"]
    objectives = ["accuracy", "-latency_ms@pytorch(threads=2, seconds=0.1)"]
    plan = launch.plan_of(CALL | {"limits": limits, "objectives": objectives})
    assert [str(limit) for limit in plan.limits] == [
        "latency_ms@onnxruntime(threads=2) <= 1.5", "latency_ms@onnxruntime <= 0.5",
    ]  # fmt: skip
    assert plan.objectives[1] == nw.minimize("latency_ms@pytorch(threads=2, seconds=0.1)")
    assert set(plan.targets) == {
        nw.OnnxRuntime(threads=2), nw.OnnxRuntime(), nw.PyTorch(threads=2, seconds=0.1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"training": "batch='a'"}, "`--training: batch` must be a whole number, got 'a'"),
        ({"training": "batc=64"}, "'batc'; did you mean 'batch'. Its settings are epochs, full_ep"),
        ({"space": "mine.py"}, "must name the function in the file, as mine.py:FUNCTION"),
        ({"finals": "1x"}, "like 8x10,3x30 .*, or none, got '1x'"),
        ({"training": "data=1"}, "Training has no setting 'data'"),
        ({"training": "epochs=3", "trial_epochs": 2}, "must not have epochs beside `--trial-epoch"),
        ({"training": "device='tpu'"}, r"`--training`: `Training\(device=...\)` must be"),
        ({"training": "batch=64)"}, "`--training` must be written as"),
        ({"space": "convnet(widht=8)"}, "convnet has no setting 'widht'"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_option(given, said) -> None:
    with pytest.raises(SettingError, match=said):
        launch.plan_of(CALL | given)


def test_no_finals() -> None:
    assert launch.plan_of(CALL | {"finals": "none"}).finals == ()


def test_a_model_in_the_place_of_a_function_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text("from torch import nn\nmodel = nn.Linear(64, 10)\n", encoding="utf-8")
    with pytest.raises(SpaceError, match="must name a function, got a model of the class Linear"):
        launch.load_space(f"{file}:model", TAKES)
    with pytest.raises(SettingError, match=r"got a model of the class Linear; write `netwright"):
        nw.Space(nn.Linear(64, 10), 64, 10)


@pytest.mark.parametrize(
    ("store", "folder"),
    [
        ("new/runs.db", "new"),
        ("sqlite:///new/runs.db", "new"),
        ("runs.db", None),
        ("memory://new/a", None),
    ],
)
def test_a_new_folder_for_a_store_is_told(store, folder, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert new_folder(store) == (None if folder is None else Path(folder))


def test_a_space_from_a_file_takes_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(
        "from torch import nn\n"
        "import netwright as nw\n"
        "def network(choose, inputs, classes, widths={'most': 16}, step: int = 8):\n"
        "    width = choose.width('width', 8, widths['most'], step=step)\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.Linear(width, classes))\n"
        "def space(inputs, classes, *, step=8):\n"
        "    return nw.Space(network, inputs, classes, name=f'by {step}')\n",
        encoding="utf-8",
    )
    space = launch.load_space(f"{file}:network(widths={{'most': 24}}, step=4)", TAKES)
    assert space.choices["width"].options == (8, 12, 16, 20, 24)
    assert space.name == "network"
    assert launch.load_space(f"{file}:space(step=4)", TAKES).name == "by 4"
    call = launch.absolute({"data": "digits", "space": f"{file}:network(step=4)"})
    assert call["space"] == f"{file}:network(step=4)"
    with pytest.raises(SettingError, match=r"`--space: network\(step=...\)` must be a whole"):
        launch.load_space(f"{file}:network(step=None)", TAKES)
    with pytest.raises(SettingError, match="space has no setting 'stepp'; did you mean 'step'"):
        launch.load_space(f"{file}:space(stepp=4)", TAKES)
