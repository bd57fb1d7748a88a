"""Convolutions of single pixels with a stride, whose gradient the CPU library gets wrong."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from netwright.network.strided_convolution import take_first, taken_first
from netwright.oneshot import PCDARTS
from netwright.testing.oneshot import begun


def gradients(network, x):
    network.zero_grad()
    network(x).square().mean().backward()
    return [parameter.grad.clone() for parameter in network.parameters()]


def strided(channels=4, kernel=1, padding=0, dtype=torch.float64):
    torch.manual_seed(0)
    conv = nn.Conv2d(channels, 8, kernel, stride=2, padding=padding)
    return nn.Sequential(conv, nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1, stride=(1, 3))).to(dtype)


@pytest.mark.parametrize(("kernel", "padding"), [(1, 0), (1, 1), (3, 1), (1, "valid")])
@pytest.mark.parametrize("side", [8, 9])
def test_gradients_are_those_of_the_plain_convolution(kernel, padding, side) -> None:
    network = strided(kernel=kernel, padding=padding)
    x = torch.randn(6, 4, side, side, dtype=torch.float64)
    plain = gradients(network, x)
    with taken_first(network):
        ours = gradients(network, x.contiguous(memory_format=torch.channels_last))
    for expected, found in zip(plain, ours, strict=True):
        assert torch.allclose(expected, found, rtol=1e-12, atol=1e-12)


def test_a_network_is_as_before_behind_it_also_where_training_failed() -> None:
    network = strided()

    def failing() -> None:
        with taken_first(network):
            assert "forward" in vars(network[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert all("forward" not in vars(module) for module in network.modules())


def test_a_copy_computes_with_weights_of_its_own() -> None:
    network = strided()
    take_first(network)
    other = copy.deepcopy(network)
    with torch.no_grad():
        other[0].weight.zero_()
        other[0].bias.zero_()
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    assert network[0](x).any()
    assert not other[0](x).any()


class Strides(TorchDispatchMode):
    """Notes the strides of all convolutions, forward and backward."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in ("convolution", "convolution_backward"):
            self.seen.add(tuple(args[3 if name == "convolution" else 4]))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("conv", "stays"),
    [
        (nn.Conv2d(4, 8, 1, stride=2), False),
        (nn.Conv2d(15, 8, 1, stride=2), False),
        (nn.Conv2d(16, 8, 1, stride=2), True),
        (nn.Conv2d(4, 8, 3, stride=2), True),
        (nn.Conv2d(4, 4, 1, stride=2, groups=4), True),
    ],
)
def test_only_what_is_at_risk_loses_its_stride(conv, stays) -> None:
    with taken_first(conv), Strides() as strides:
        conv(torch.randn(2, conv.in_channels, 8, 8)).sum().backward()
    assert strides.seen == {(2, 2) if stays else (1, 1)}


def test_supernets_are_kept_from_it_with_any_number_of_channels() -> None:
    """Of PC-DARTS some convolutions have 4 channels or less."""
    shared = begun(lambda: PCDARTS(epochs=1, waiting=0.0, channel_parts=2, batch=8), "darts")
    narrow = []

    def seen(conv, inputs):
        if conv.kernel_size == (1, 1) and conv.stride == (2, 2) and inputs[0].shape[1] < 16:
            narrow.append(conv)

    hooks = [
        module.register_forward_pre_hook(seen)
        for module in shared.supernet.modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1)
    ]
    shared.advance()
    for hook in hooks:
        hook.remove()
    assert narrow
    assert all("forward" in vars(conv) for conv in narrow)


TRAINED = """
import torch
from torch import nn
from netwright.data import ArrayPart
from netwright.evaluate.fit import Schedule, fit
from netwright.network.normalised import Standardise
from netwright.tasks import Classification
from netwright.trial import Budget

torch.set_num_threads(1)
torch.manual_seed(0)
network = nn.Sequential(nn.Conv2d(3, 4, 1, stride=2), nn.ReLU(), nn.Conv2d(4, 8, 1, stride=2),
                        nn.Flatten(), nn.Linear(8 * 16, 2))
x = torch.randint(0, 256, (256, 3, 16, 16), dtype=torch.uint8)
part = ArrayPart(x, (x[:, 0].float().mean((1, 2)) > 127.5).long())
none = torch.zeros(3, 1, 1)
fit(network, part, Budget(40), Schedule(batch=32), task=Classification(("a", "b")),
    normalise=Standardise(none, none + 255.0), seed=0,
    device=torch.device("cpu"))
assert all(value.isfinite().all() for value in network.state_dict().values())
"""


def test_training_ends_where_the_library_writes_past_its_memory() -> None:
    """In a process of its own, which ends where it does."""
    done = subprocess.run([sys.executable, "-c", TRAINED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
