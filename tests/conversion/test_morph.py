import numpy as np
import pytest
import torch
from test_from_module import SMALL, full, least, spaced, trained
from torch import nn

import netwright as nw
from gpt import GPT
from mobilenet_v2 import MobileNetV2
from netwright.conversion.morph import deepen, inherit, widen
from netwright.errors import SpaceError
from resnet18 import ResNet18

MADE = {
    "resnet": (lambda: ResNet18(10, 16), torch.zeros(1, 3, 32, 32), None),
    "mobilenet": (lambda: MobileNetV2(10), torch.zeros(1, 3, 32, 32), None),
    "gpt": (GPT, torch.zeros(1, 16, dtype=torch.long), 50),
}


GPT_LEAST = {"blocks.0.up.width": 32, "activation.gelu": "gelu"}


@pytest.fixture(scope="module")
def spaces():
    made = {}

    def space(name):
        if name not in made:
            torch.manual_seed(0)
            make, example, tokens = MADE[name]
            made[name] = nw.convert(trained(make()), example, tokens=tokens)
        return made[name]

    return space


def near(ours, theirs):
    """Within 1e-5 of outputs whose largest is about 1."""
    ours, theirs = ours.detach(), theirs.detach()
    return (ours - theirs).abs().max() <= 1e-5 * min(1.0, float(theirs.abs().max()))


def trained_on(network, x, steps=2):
    """Some steps away from the weights it started with."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(network.train().parameters(), 0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        network(x).square().mean().backward()
        optimizer.step()
    return network.eval()


@pytest.mark.parametrize("name", MADE)
def test_a_larger_member_computes_what_its_parent_does(spaces, name):
    space = spaces(name)
    (x,) = space.example(np.random.default_rng(1), 4)
    parent = least(space)
    network = trained_on(space.build(parent), x)
    child = inherit(space, parent, network, full(space))
    with torch.no_grad():
        assert near(child(x), network(x))
    assert {n: p.shape for n, p in child.named_parameters()} == {
        n: p.shape for n, p in space.build(full(space)).named_parameters()
    }


@pytest.mark.parametrize("name", MADE)
def test_widening_and_deepening_go_on_from_one_another(spaces, name):
    space = spaces(name)
    rng = np.random.default_rng(0)
    (x,) = space.example(rng, 4)
    member = least(space)
    if name == "gpt":
        member = space.architecture({**member.answers, "blocks.0.depth": 1, **GPT_LEAST})
    network = trained_on(space.build(member), x)
    for mutate in (widen, deepen, widen, deepen, widen):
        larger, made = mutate(space, member, network, rng)
        assert larger != member and space.contains(larger)
        assert sum(p.numel() for p in made.parameters()) > sum(
            p.numel() for p in network.parameters()
        )
        with torch.no_grad():
            assert near(made(x), network(x))
        member, network = larger, trained_on(made, x, 1)


@pytest.mark.parametrize("cls", SMALL)
def test_small_networks_grow(cls):
    model, space = spaced(cls, SMALL[cls])
    (x,) = space.example(np.random.default_rng(1), 4)
    parent = least(space)
    network = trained_on(space.build(parent), x)
    child = inherit(space, parent, network, full(space))
    with torch.no_grad():
        assert near(child(x), network(x))
    copied = space.build(full(space)).eval()
    assert not near(copied(x), network(x))  # unlike the model itself


def test_batch_statistics_are_copied_too(spaces):
    space = spaces("resnet")
    (x,) = space.example(np.random.default_rng(1), 4)
    parent = least(space)
    network = trained_on(space.build(parent), x)
    child = inherit(space, parent, network.train(), full(space))
    assert child.training
    with torch.no_grad():
        assert near(child(x), network(x))
        assert near(child.eval()(x), network.eval()(x))  # each took one more batch


def test_copies_learn_different_things():
    model, space = spaced(nn_pair, (6,))
    (x,) = space.example(np.random.default_rng(0), 16)
    parent = space.smallest()
    network = space.build(parent)
    child = inherit(space, parent, network, full(space))
    assert len(child[0].weight.unique(dim=0)) == 2
    optimizer = torch.optim.Adam(child.parameters(), 0.01)
    for _ in range(2):
        optimizer.zero_grad()
        child(x).square().mean().backward()
        optimizer.step()
    assert len(child[0].weight.unique(dim=0)) == 8


def nn_pair():
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))


def test_normalised_channels_grow_to_a_multiple():
    model, space = spaced(normed, (6,))
    parent = full(space, **{"0.width": 4})
    network = space.build(parent).eval()
    with pytest.raises(SpaceError, match=r"a multiple of 4 for '0\.width', got 6, since norm"):
        inherit(space, parent, network, full(space, **{"0.width": 6}))
    child, made = widen(space, parent, network, np.random.default_rng(0))
    assert child["0.width"] == 8
    (x,) = space.example(np.random.default_rng(0))
    assert near(made(x), network(x))


def normed():
    return nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.Linear(8, 3))


def test_what_cannot_be_inherited_is_refused(spaces):
    space = spaces("resnet")
    whole, network = full(space), space.build(full(space)).eval()
    for changed, part in [
        ({"conv1.width": 4}, "at least as wide, got 4 < 16 for 'conv1.width'"),
        ({"layer1.0.depth": 1}, "keep the blocks of the parent, got fewer of 'layer1.0.depth'"),
        ({"conv1.kernel": 3}, "at least as large, got 3 < 7 for 'conv1.kernel'"),
        ({"activation.relu": "gelu"}, "keep the answer 'relu' to 'activation.relu'"),
    ]:
        with pytest.raises(SpaceError, match=part):
            inherit(space, whole, network, full(space, **changed))
    for mutate in (widen, deepen):
        with pytest.raises(SpaceError, match="must be given a member that can grow"):
            mutate(space, whole, network, np.random.default_rng(0))
    with pytest.raises(SpaceError, match="must be given the network of `parent`, got a Linear"):
        inherit(space, whole, nn.Linear(2, 2), whole)
    mlp = nw.spaces.mlp((6,), 3)
    with pytest.raises(SpaceError, match=r"needs a space of `convert`"):
        inherit(mlp, mlp.smallest(), network, mlp.largest())
    smooth = full(space, **{"activation.relu": "gelu", "layer1.0.depth": 1})
    gelu = space.build(smooth).eval()
    with pytest.raises(SpaceError, match="not change the outputs"):  # gelu(x + 0) is not x
        inherit(space, smooth, gelu, full(space, **{"activation.relu": "gelu"}))
