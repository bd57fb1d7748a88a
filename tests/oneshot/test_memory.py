"""What a search needs is known before it begins, and made to fit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import netwright as nw
from netwright.errors import SettingError
from netwright.network.cost import MIB
from netwright.oneshot import DARTS, GDAS, FewShot, OnceForAll, OneShot, Setting, SinglePath, memory
from netwright.oneshot.memory import fit_memory, free, peak
from netwright.testing.oneshot import begun, small_data
from netwright.testing.spaces import READY

MEASURED = """
import json, sys
from pathlib import Path
import torch
from netwright import spaces, oneshot
from netwright.data import Augmentation
from netwright.oneshot import memory
from netwright.oneshot.memory import peak
from netwright.testing.oneshot import outside_an_epoch, small_data

def status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(s for s in lines if s.startswith(key)).split()[1])

name, search, batch, checkpointed = json.loads(sys.argv[1])
torch.set_num_threads(1)
space = getattr(spaces, name)((3, 32, 32), 10)
data = small_data((3, 32, 32), 10)
make = getattr(oneshot, search)
shared = make(epochs=2, batch=batch).begin(oneshot.Setting(space, data, Augmentation()))
shared.batch = batch
predicted = peak(shared, batch=batch, checkpointed=checkpointed)
shared.supernet.checkpoint(checkpointed)
outside_an_epoch(shared)
train, other = shared._some("train", 1), shared._some("validation", 1)
batches = next(train), next(other)
held = 2 * sum(p.nbytes for p in shared.supernet.parameters())
held += sum(b.nbytes for b in shared.supernet.buffers()) + sum(
    x.nbytes for b in batches for x in b.inputs
)
shared.rehearse(*batches)
shared.supernet.zero_grad()
before = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
shared.rehearse(*batches)
print(json.dumps([predicted, held + status("VmHWM") - before]))
"""


@pytest.mark.thorough
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    ("space", "search", "batch", "checkpointed"),
    [
        ("darts", "DARTS", 4, False),
        ("darts", "DARTS", 8, True),
        ("darts", "GDAS", 16, False),
        ("nasbench201", "DARTS", 16, False),
        ("mobilenet_v3", "SinglePath", 32, False),
        ("vit", "SinglePath", 64, False),
    ],
)
def test_the_prediction_is_within_15_percent(space, search, batch, checkpointed) -> None:
    settings = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    said = subprocess.run(
        [sys.executable, "-c", MEASURED, json.dumps([space, search, batch, checkpointed])],
        env={**os.environ, **settings}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    predicted, measured = json.loads(said.stdout)
    assert measured > 50 * MIB
    assert predicted == pytest.approx(measured, rel=0.15)


def test_it_computes_nothing_and_leaves_the_search_as_it_was() -> None:
    shared = begun(lambda: DARTS(epochs=2, batch=24))
    before = {k: v.clone() for k, v in shared.state().items()}
    state = torch.get_rng_state()
    assert peak(shared, batch=24) > 0
    assert before.keys() == shared.state().keys()
    assert all(torch.equal(v, before[k]) for k, v in shared.state().items())
    assert torch.equal(state, torch.get_rng_state())
    assert all(p.grad is None for p in shared.supernet.parameters())


@pytest.mark.parametrize("make", [DARTS, GDAS, SinglePath, FewShot, OnceForAll])
def test_it_grows_with_the_batch_and_is_more_than_the_weights(make: type[OneShot]) -> None:
    shared = begun(lambda: make(epochs=2, batch=24))
    small, large = peak(shared, batch=8), peak(shared, batch=24)
    weights = sum(p.nbytes for p in shared.supernet.parameters())
    assert 3 * weights < small < large < 3.01 * small


def test_one_path_needs_less_than_all_and_checkpoints_less_than_none() -> None:
    space = READY["nasbench201"]()
    setting = Setting(space, small_data(space.inputs, space.outputs), nw.data.Augmentation())
    shared = DARTS(epochs=2, batch=32).begin(setting)
    whole = peak(shared, batch=32)
    assert peak(GDAS(epochs=2).begin(setting), batch=32) < whole / 2
    assert peak(shared, batch=32, checkpointed=True) < 0.8 * whole
    second = DARTS(epochs=2, order=2).begin(setting)
    assert peak(second, batch=32) > whole


def test_a_search_is_made_to_fit() -> None:
    space = READY["nasbench201"]()
    setting = Setting(space, small_data(space.inputs, space.outputs), nw.data.Augmentation())
    shared = DARTS(epochs=2, batch=32).begin(setting)
    whole, blocks = peak(shared, batch=32), peak(shared, batch=32, checkpointed=True)
    half = peak(shared, batch=16, checkpointed=True)

    def fitted(limit: float):
        state = DARTS(epochs=2, batch=32, memory_mib=limit / MIB).begin(setting)
        return fit_memory(state), state

    planned, state = fitted(whole + 1)
    assert (planned.peak, planned.batch, planned.checkpointed) == (whole, 32, False)
    planned, state = fitted(whole - 1)
    assert (planned.peak, planned.batch, planned.checkpointed) == (blocks, 32, True)
    assert state.rate(0) == 0.025
    planned, state = fitted(blocks - 1)
    assert (planned.peak, planned.batch, planned.checkpointed) == (half, 16, True)
    assert state.batch == 16
    assert state.rate(0) == 0.0125
    assert state.advance()["loss"] > 0
    again = DARTS(epochs=2, batch=32).begin(setting)
    again.load(state.state())
    assert again.batch == 16  # as it was begun, whatever is free now
    with pytest.raises(SettingError, match=r"`DARTS\(\)` needs \d+ MiB .* `GDAS\(\)`"):
        fitted(1000)


def test_a_run_says_what_it_needs_and_is_refused_what_is_not_there(tmp_path: Path) -> None:
    data = nw.data.load("digits")
    space = nw.spaces.nasbench201(data.shape, data.classes, channels=4, cells=1)
    training = nw.Training(data, epochs=1, full_epochs=1)
    call = {"trials": 1, "finals": [], "workers": 0, "store": tmp_path / "runs.db", "refit": False}
    strategy = GDAS(epochs=1, memory_mib=0.01)
    with pytest.raises(SettingError, match=r"`GDAS\(\)` needs"):
        nw.search(space, training, strategy=strategy, run="none", **call)
    run = nw.search(space, training, strategy=GDAS(epochs=1, memory_mib=500), run="some", **call)
    page = run.report(tmp_path / "report.html").read_text()
    assert "MiB at its peak, as predicted" in page


def test_what_cannot_run_without_values_runs_all_the_same(monkeypatch) -> None:
    def fails(*args: object, **named: object) -> int:
        raise NotImplementedError("no meta kernel.")

    shared = begun(lambda: SinglePath(epochs=1, batch=24))
    monkeypatch.setattr(memory, "peak", fails)
    planned = fit_memory(shared)
    assert planned.peak is None
    assert planned.reason == "it cannot run without values: NotImplementedError: no meta kernel"
    assert planned.batch == shared.batch == 24


def test_bad_settings_are_refused() -> None:
    with pytest.raises(SettingError, match=r"`DARTS\(memory_mib=...\)` must be a number above 0"):
        DARTS(memory_mib=0)


def test_what_is_free_is_known() -> None:
    assert free(torch.device("cpu")) > 10 * MIB
    assert free(torch.device("meta")) is None
