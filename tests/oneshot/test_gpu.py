"""One-shot searches on a GPU do what they do on the CPU."""

from functools import partial

import pytest
import torch
from test_every_search import KINDS, quick

import netwright as nw
from netwright import spaces
from netwright.data import Augmentation
from netwright.network.cost import MIB
from netwright.oneshot import DARTS, GDAS, OnceForAll, OneShot, Setting, SinglePath
from netwright.oneshot.base import Batch
from netwright.oneshot.memory import peak
from netwright.testing import oneshot as checks
from netwright.testing.exports import ONE_SHOTS
from netwright.testing.oneshot import (
    ONE_SHOT_CHECKS,
    begun,
    in_double,
    outside_an_epoch,
    small_data,
)

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
GPU = torch.device("cuda")


@pytest.fixture
def on_gpu(monkeypatch):
    """Let searches that checks begin work on the GPU."""
    monkeypatch.setattr(checks, "Setting", partial(Setting, device=GPU))


@pytest.mark.parametrize("check", ONE_SHOT_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("made", ONE_SHOTS, ids=lambda s: s.__name__)
def test_conformance(made: type[OneShot], check, on_gpu) -> None:
    check(quick(made))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("made", [DARTS, GDAS, SinglePath, OnceForAll], ids=lambda s: s.__name__)
def test_every_kind_of_space(made: type[OneShot], name: str, on_gpu) -> None:
    make = quick(made)
    checks.weights_are_learned(make, [name])
    checks.candidates_are_members(make, [name])


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", ["nasbench201", "darts", "convnet"])
def test_gradients_are_those_of_the_cpu(name: str, order: int, monkeypatch) -> None:
    found = []
    for device in (torch.device("cpu"), GPU):
        monkeypatch.setattr(checks, "Setting", partial(Setting, device=device))
        shared = begun(partial(DARTS, batch=12), name)
        in_double(shared)
        for module in shared.supernet.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        data = shared.setting.data
        train, other = (
            Batch((part.x[:12].double().to(device),), part.y[:12].to(device), data.task)
            for part in (data.train, data.validation)
        )
        drawn = shared._drawn()
        if order == 1:
            found.append(shared.first_order(other, drawn)[0])
        else:
            found.append(shared.second_order(train, other, drawn, 0.05)[0])
    assert found[0].keys() == found[1].keys()
    # Second order is a difference of two gradients. Those of convnet were not within 1e-9 on an
    # H100; why was not found out.
    near = 1e-9 if order == 1 and name != "convnet" else 1e-6
    for key, ours in found[0].items():
        assert torch.allclose(ours, found[1][key], rtol=near, atol=near), key


@pytest.mark.parametrize(
    ("space", "search", "batch", "checkpointed"),
    [
        ("darts", DARTS, 64, False),
        ("darts", DARTS, 64, True),
        ("darts", GDAS, 64, False),
        ("nasbench201", DARTS, 128, False),
        ("mobilenet_v3", SinglePath, 128, False),
        pytest.param(
            "vit",
            SinglePath,
            256,
            False,
            marks=pytest.mark.xfail(reason="19 % less was measured on an H100", strict=True),
        ),
    ],
)
def test_the_prediction_of_memory_is_within_15_percent(space, search, batch, checkpointed) -> None:
    made = getattr(spaces, space)((3, 32, 32), 10)
    setting = Setting(made, small_data((3, 32, 32), 10), Augmentation(), device=GPU)
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    shared = search(epochs=2, batch=batch).begin(setting)
    shared.batch = batch
    predicted = peak(shared, batch=batch, checkpointed=checkpointed)
    shared.supernet.checkpoint(checkpointed)
    outside_an_epoch(shared)
    batches = next(shared._some("train", 1)), next(shared._some("validation", 1))
    shared.rehearse(*batches)  # so that there are momenta
    shared.supernet.zero_grad()
    torch.cuda.reset_peak_memory_stats()
    shared.rehearse(*batches)
    measured = torch.cuda.max_memory_allocated() - before
    assert measured > 50 * MIB
    assert predicted == pytest.approx(measured, rel=0.15)


@pytest.mark.parametrize("strategy", [GDAS(epochs=2), OnceForAll(epochs=2, scored=4)], ids=repr)
def test_a_run_ends_with_a_network_for_the_cpu(strategy: OneShot, tmp_path) -> None:
    space = spaces.nasbench201((3, 8, 8), 4, channels=4, cells=1)
    data = small_data((3, 8, 8), 4)
    run = nw.search(
        space,
        nw.Training(data, epochs=1, full_epochs=2),
        strategy=strategy,
        trials=2,
        workers=1,
        store=tmp_path / "runs.db",
    )
    network = run.best.model
    assert {p.device.type for p in network.parameters()} == {"cpu"}
    network.eval()(torch.zeros(1, 3, 8, 8))
