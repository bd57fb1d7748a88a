"""Networks for other limits from the shared weights of one run."""

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.errors import LimitError, SettingError, StoreError
from netwright.space import restricted
from netwright.testing.oneshot import small_data
from netwright.testing.spaces import READY

SPACE = restricted(
    READY["convnet"](),
    {
        "stem.width": [16, 32],
        "stage1.width": [16, 32],
        "stage2.width": [16, 32],
        "stage3": ["none"],
        "normalisation": ["batch"],
        "activation": ["relu", "silu"],
    },
)
TRAINING = nw.Training(small_data(SPACE.inputs, SPACE.outputs), epochs=1, full_epochs=2)
ONCE = nw.OnceForAll(epochs=4, batch=24, scored=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return nw.search(
        SPACE, TRAINING, strategy=ONCE, trials=2, finals=[], refit=False, workers=0,
        store=tmp_path_factory.mktemp("once") / "runs.db", run="a",
    )  # fmt: skip


def accuracy(network):
    data = TRAINING.data
    with torch.no_grad():
        return float((network(data.validation.x).argmax(1) == data.validation.y).float().mean())


def test_each_limit_is_kept_by_a_network_with_its_shared_accuracy(run):
    rng = np.random.default_rng(0)
    costs = sorted(SPACE.survey(SPACE.sample(rng)).params for _ in range(30))
    for bound in (costs[6], costs[20]):
        special = run.best_for({"params": bound}, scored=6)
        assert special.metrics["params"] <= bound
        assert sum(p.numel() for p in special.network.parameters()) == special.metrics["params"]
        assert accuracy(special.network) == pytest.approx(special.metrics["shared_accuracy"])
        assert SPACE.contains(special.architecture)


def test_the_same_call_gives_the_same_network_and_leaves_the_run_alone(run):
    before = run.store.events("a")
    one, other = (run.best_for({"macs": 1e6}, scored=4, seed=3) for _ in range(2))
    assert one.architecture == other.architecture
    states = one.network.state_dict(), other.network.state_dict()
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    assert run.store.events("a") == before


def test_a_network_is_tuned_and_exported(run, tmp_path):
    special = run.best_for({"params": 30_000}, scored=3, epochs=2)
    assert accuracy(special.network) == pytest.approx(special.metrics["accuracy"])
    assert (special.export(tmp_path / "out") / "model.onnx").is_file()
    made = {"__file__": str(tmp_path / "out" / "model.py"), "__name__": "model"}
    exec((tmp_path / "out" / "model.py").read_text(), made)
    x = TRAINING.data.validation.x[:5].float()
    with torch.no_grad():
        assert torch.allclose(made["load"]()(x), special.network(x), atol=1e-4)
    assert "tuned for 2 epochs" in (tmp_path / "out" / "card.md").read_text()


def test_limits_on_latency_are_measured(run):
    special = run.best_for({"latency_ms": 5.0}, scored=3)
    assert special.metrics["latency_ms@onnxruntime"] <= 5.0


def test_what_kept_a_limit_before_does_so_on_a_machine_that_has_grown_slow(run, monkeypatch):
    bound = 1.01 * run.best_for({"latency_ms": 5.0}, scored=3).metrics["latency_ms@onnxruntime"]
    quick = run.best_for({"latency_ms": bound}, scored=3)

    def slow(target, artifacts):
        return [{"latency_ms": 1000.0} for _ in artifacts]

    monkeypatch.setattr(nw.OnnxRuntime, "measure", slow)
    again = run.best_for({"latency_ms": bound}, scored=3, seed=1)
    assert again.architecture == quick.architecture
    assert again.metrics == quick.metrics


def test_what_cannot_be_is_refused(run, tmp_path):
    with pytest.raises(LimitError, match="params"):
        run.best_for({"params": 3})
    with pytest.raises(SettingError, match=r"`run.best_for\(scored=...\)` must be"):
        run.best_for({"params": 1e6}, scored=0)
    with pytest.raises(SettingError, match=r"`run.best_for\(finder=...\)` must be"):
        run.best_for({"params": 1e6}, finder="evolution")
    plain = nw.search(
        SPACE, TRAINING, strategy="random", trials=1, finals=[], refit=False, workers=0,
        store=tmp_path / "runs.db", run="a",
    )  # fmt: skip
    with pytest.raises(StoreError, match="has no shared weights"):
        plain.best_for({"params": 1e6})


def test_weights_of_a_part_of_the_channels_are_no_network(tmp_path):
    space = READY["nasbench201"]()
    training = nw.Training(small_data(space.inputs, space.outputs), epochs=1, full_epochs=2)
    run = nw.search(
        space, training, strategy=nw.PCDARTS(epochs=1, batch=24), trials=1, finals=[], refit=False,
        workers=0, store=tmp_path / "runs.db", run="a",
    )  # fmt: skip
    with pytest.raises(StoreError, match="part of the channels"):
        run.best_for({"params": 1e6})
