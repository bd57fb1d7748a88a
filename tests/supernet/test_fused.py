"""Rewritten layers give the numbers, gradients and statistics of the plain ones."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from netwright import spaces
from netwright.oneshot.logits import Logits
from netwright.space import Space
from netwright.supernet import Supernet
from netwright.supernet.fused.depthwise import depthwise
from netwright.supernet.fused.linear_norm import Term, normalised
from netwright.supernet.fused.sums import rows
from netwright.supernet.fused.weighted import weighted
from netwright.supernet.supernet import REWRITTEN
from netwright.testing.spaces import READY


def of_two_sizes(choose, inputs, classes):
    """An option gives one number a channel, which is added to every pixel of the others'."""

    def convolved():
        return nn.Sequential(nn.ReLU(), nn.Conv2d(3, 3, 1, bias=False), nn.BatchNorm2d(3))

    made = choose.one_of("op", convolved=convolved, mean=lambda: nn.AdaptiveAvgPool2d(1))
    return nn.Sequential(made, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, classes))


ODD = {
    "darts, odd sides": lambda: spaces.darts((3, 9, 11), 4, channels=4, cells=3),
    "two sizes": lambda: Space(of_two_sizes, (3, 6, 6), 4),
}


def drawn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def close(one, other):
    return torch.allclose(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("sides", [(12, 12), (11, 7)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_depthwise_convolution_has_the_gradients_of_the_library(size, dilation, sides, layout):
    x = drawn(2, 3, *sides).contiguous(memory_format=layout).requires_grad_()
    weight = drawn(3, 1, size, size, seed=1).requires_grad_()
    padding = dilation * (size // 2)
    plain = functional.conv2d(x, weight, None, 1, padding, dilation, 3)
    ours = depthwise(x, weight, dilation)
    assert close(ours, plain)
    outer = drawn(*plain.shape, seed=2)
    for a, b in zip(
        torch.autograd.grad(ours, (x, weight), outer),
        torch.autograd.grad(plain, (x, weight), outer),
        strict=True,
    ):
        assert close(a, b)


def test_a_depthwise_gradient_is_that_of_finite_differences():
    x, weight = drawn(1, 2, 5, 6).requires_grad_(), drawn(2, 1, 5, 5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda *both: depthwise(*both, 2), (x, weight))


def test_a_linear_map_with_its_normalisation_has_their_numbers():
    inputs = [drawn(4, 3, 5, 5, seed=i).requires_grad_() for i in range(2)]
    convs = [nn.Conv2d(3, 6, 1, bias=False).double() for _ in inputs]
    norms = [nn.BatchNorm2d(6).double() for _ in inputs]
    for place, norm in enumerate(norms):
        norm.weight.data, norm.bias.data = drawn(6, seed=7 + place), drawn(6, seed=9)
    plain = norms[0](convs[0](inputs[0])) + norms[1](convs[1](inputs[1]))
    terms = [
        Term(rows(x), conv.weight.flatten(1), norm.weight, norm.bias, norm.eps)
        for x, conv, norm in zip(inputs, convs, norms, strict=True)
    ]
    ours, moments = normalised(terms)
    assert close(ours, rows(plain))
    for x, conv, (mean, variance) in zip(inputs, convs, moments, strict=True):
        assert close(mean, conv(x).mean((0, 2, 3)))
        assert close(variance, conv(x).var((0, 2, 3), correction=0))
    outer = drawn(*ours.shape, seed=3)
    of = [*inputs, *(p for m in (*convs, *norms) for p in m.parameters())]
    for a, b in zip(
        torch.autograd.grad(ours, of, outer),
        torch.autograd.grad(rows(plain), of, outer),
        strict=True,
    ):
        assert close(a, b)


def test_a_normalised_gradient_is_that_of_finite_differences():
    flat = [drawn(6, 2), drawn(3, 2, seed=1), drawn(3, seed=2), drawn(3, seed=3)]
    flat = [t.requires_grad_() for t in flat]
    assert torch.autograd.gradcheck(lambda *t: normalised([Term(*t, 1e-5)])[0], flat)


def test_channels_that_never_vary_stay_finite():
    x = torch.full((8, 2), 3.0, requires_grad=True)
    flat = [x, torch.ones(3, 2), torch.ones(3), torch.zeros(3)]
    out, _ = normalised([Term(*flat, 1e-5)])
    out.square().sum().backward()
    assert out.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_a_weighted_sum_has_the_gradients_of_a_plain_one():
    weights = [drawn(1, seed=i)[0].requires_grad_() for i in range(3)]
    tensors = [drawn(2, 3, 4, 5, seed=9 + i).requires_grad_() for i in range(3)]
    fixed = drawn(2, 3, 4, 5, seed=30)
    onto = drawn(2, 3, 4, 5, seed=31).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda onto, *both: weighted(onto * 1.0, both[:3], [*both[3:5], fixed]),
        (onto, *weights, *tensors[:2]),
    )


def mixed(net, logits, x):
    """The output, the gradient of everything, and the running statistics after it."""
    weights = {name: logits.values[name].double().softmax(0) for name in logits.mixed}
    weights |= {n: torch.ones(len(e), dtype=torch.float64) for n, e in logits.edges.items()}
    net.mix(weights)
    out = net(x)
    learned = [*net.parameters(), *(logits.values[n] for n in logits.mixed)]
    found = torch.autograd.grad(out.square().mean(), learned, allow_unused=True)
    zero = [torch.zeros_like(p) if g is None else g for p, g in zip(learned, found, strict=True)]
    return (out.detach(), *zero, *(b.clone().double() for b in net.buffers()))


LIKE_DARTS = ("nasnet", "enas_micro", "pnas")
"""Spaces of the same kind of cells, which take seconds each."""


@pytest.mark.parametrize(
    ("name", "again"),
    [
        pytest.param(name, False, marks=[pytest.mark.thorough] if name in LIKE_DARTS else [])
        for name in (*READY, *ODD)
        if name != "audio"  # only a plain network tells the size of its features
    ]
    + [(name, True) for name in ("darts", "vit", "mlp")]
    + [
        pytest.param(name, True, marks=pytest.mark.thorough) for name in ("convnet", "mobilenet_v3")
    ],
    ids=lambda value: "checkpointed" if value is True else value or "kept",
)
def test_a_rewritten_supernet_has_the_numbers_of_the_plain_one(name, again):
    space = {**READY, **ODD}[name]()
    net = Supernet(space, seed=0).double()
    logits = Logits(net)
    for place, value in enumerate(logits.values.values()):
        value.data = drawn(*value.shape, seed=place)
    (x,) = space.example(np.random.default_rng(0), 4)
    x = x.double() if x.is_floating_point() else x
    if x.ndim == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    state = {key: value.clone() for key, value in net.state_dict().items()}
    net.rewrites = frozenset()
    torch.manual_seed(0)
    plain = mixed(net, logits, x)
    net.load_state_dict(state)
    net.rewrites = REWRITTEN
    if again:
        net.checkpoint()
    torch.manual_seed(0)
    ours = mixed(net, logits, x)
    largest = max(float(t.abs().max()) for t in plain[1:])
    for a, b in zip(ours, plain, strict=True):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-12 * max(1.0, largest))


def test_what_options_share_is_computed_once():
    net = Supernet(READY["darts"](), seed=0)
    logits = Logits(net)
    weights = {name: logits.values[name].softmax(0) for name in logits.mixed}
    weights |= {n: torch.ones(len(e)) for n, e in logits.edges.items()}
    counted = {}
    for rewrites in (REWRITTEN, frozenset()):
        net.rewrites = rewrites
        net.mix(weights)
        with profile(activities=[ProfilerActivity.CPU]) as profiled:
            net(torch.randn(2, 3, 12, 12))
        counts = {event.key: event.count for event in profiled.key_averages()}
        counted[rewrites] = counts["aten::max_pool2d_with_indices"]
    assert counted == {
        REWRITTEN: 3 * 5,
        frozenset(): 3 * 14,
    }  # three cells: tensors that are read, and edges
