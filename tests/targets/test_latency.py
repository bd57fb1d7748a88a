import sys

import pytest
import torch
from torch import nn

from netwright.errors import EvaluationError, MissingExtra, SettingError
from netwright.network.signature import Signature
from netwright.targets.latency import OnnxRuntime, PyTorch, default_target, parse_target

TAKES = Signature.single((256,), (256,))


def chain(depth: int) -> nn.Module:
    layers = [nn.Sequential(nn.Linear(256, 256), nn.ReLU()) for _ in range(depth)]
    return nn.Sequential(*layers).eval()


@pytest.mark.parametrize("target", [PyTorch(), OnnxRuntime()], ids=lambda t: t.name)
def test_a_network_ten_times_as_deep_is_slower(target) -> None:
    one, ten = (target.measure(chain(depth), TAKES) for depth in (4, 40))
    assert one.low_ms <= one.median_ms <= one.high_ms
    assert one.runs >= 20
    assert 2 * one.median_ms < ten.median_ms


def test_threads_are_restored() -> None:
    before = torch.get_num_threads()
    PyTorch(threads=2).measure(chain(1), TAKES, seconds=0.005)
    assert torch.get_num_threads() == before


def test_what_cannot_be_run_is_said() -> None:
    for target in (PyTorch(), OnnxRuntime()):
        with pytest.raises(EvaluationError, match=f"latency in {target.name}"):
            target.measure(chain(1), Signature.single((5,), (256,)))


def test_a_missing_runtime_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"pip install 'netwright\[onnx\]'"):
        OnnxRuntime().measure(chain(1), TAKES)


def test_targets_by_name() -> None:
    assert parse_target("pytorch") == PyTorch()
    assert parse_target("onnxruntime") == OnnxRuntime()
    assert default_target() == OnnxRuntime()
    with pytest.raises(SettingError, match="onnxruntime, pytorch, got 'tpu'"):
        parse_target("tpu")
    with pytest.raises(SettingError, match="threads"):
        PyTorch(threads=0)
