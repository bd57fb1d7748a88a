"""Models in which one layer, or one parameter, stands in several places."""

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.conversion.morph import inherit
from netwright.supernet import Supernet


class Feeding(nn.Module):
    """A residual block, perhaps with a layer of another one."""

    def __init__(self, up=None, act=None):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(16), up or nn.Linear(16, 32), nn.Linear(32, 16)
        self.act = act or nn.GELU()

    def forward(self, x):
        return x + self.down(self.act(self.up(self.norm(x))))


class Stacked(nn.Module):
    """A stem, what is given as it is called, and a head."""

    def __init__(self, *body):
        super().__init__()
        self.stem, self.body, self.head = nn.Linear(12, 16), nn.Sequential(*body), nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.body(self.stem(x)))


class Renamed(nn.Module):
    """Layers that have a name of their own and a place in a list, by which they are called."""

    def __init__(self, *layers):
        super().__init__()
        self.one, self.two = layers
        self.stem, self.head = nn.Linear(12, 16), nn.Linear(16, 4)
        self.layers = nn.ModuleList([self.one, self.two])

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


class Recalled(nn.Module):
    """One layer and one block, each called twice by one name, and a norm for both."""

    def __init__(self):
        super().__init__()
        self.stem, self.layer, self.block = nn.Linear(12, 16), nn.Linear(16, 16), Feeding()
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 4)

    def forward(self, x):
        x = self.norm(self.layer(self.norm(self.layer(self.stem(x)))).relu())
        return self.head(self.block(self.block(x)))


class Convolved(nn.Module):
    """Convolutions with one weight, and one batch normalisation in both branches."""

    def __init__(self):
        super().__init__()
        self.stem, norm = nn.Conv2d(3, 8, 5, padding=2), nn.BatchNorm2d(8)
        one, two = nn.Conv2d(8, 8, 5, padding=2), nn.Conv2d(8, 8, 5, padding=2)
        two.weight = one.weight
        self.branches = nn.ModuleDict(
            {"one": nn.Sequential(one, norm, nn.ReLU()), "two": nn.Sequential(two, norm)}
        )
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.stem(x)
        return self.head((self.branches["one"](x) + self.branches["two"](x)).mean((2, 3)))


def twice(layer):
    return [layer, layer]


def tied():
    model = Stacked(Feeding(), nn.Sequential(Feeding()))
    model.body[1][0].up.weight = model.body[0].up.weight
    return model


def one_up():
    up = nn.Linear(16, 32)
    return Stacked(Feeding(up), nn.Sequential(Feeding(up)))


def one_act():
    act = nn.ReLU()
    return Stacked(act, nn.Linear(16, 16), act, Feeding(act=act))


MODELS = {
    "a list and names": lambda: Renamed(nn.Linear(16, 16), nn.Linear(16, 16)),
    "a list and names of blocks": lambda: Renamed(Feeding(), Feeding()),
    "a list that holds a layer twice": lambda: Renamed(*twice(nn.Linear(16, 16))),
    "a row that holds a block twice": lambda: Stacked(*twice(Feeding()), Feeding()),
    "called twice by one name": Recalled,
    "a parameter of two blocks": tied,
    "a layer of two blocks": one_up,
    "an activation": one_act,
    "a PReLU": lambda: Stacked(*(act := twice(nn.PReLU(16)))[:1], nn.Linear(16, 16), act[1]),
    "convolutions and a norm": Convolved,
}


@pytest.mark.parametrize("kind", MODELS)
def test_what_stands_in_several_places_has_one_set_of_weights(kind):
    torch.manual_seed(0)
    model = MODELS[kind]()
    shape = (3, 8, 8) if isinstance(model, Convolved) else (12,)
    space, x = nw.convert(model, torch.rand(1, *shape)), torch.rand(3, *shape)
    whole = space.build(space.largest())
    torch.testing.assert_close(whole.eval()(x), model.eval()(x))
    assert len(list(whole.parameters())) == len(list(model.parameters()))
    assert any(name.endswith(".width") for name in space.choices)
    shared, rng = Supernet(space, seed=0), np.random.default_rng(0)
    for member in [space.smallest(), *(space.sample(rng) for _ in range(12))]:
        network = space.build(member)
        assert network(x).isfinite().all()
        network.train()(x).sum().backward()
        shared.activate(member)
        assert shared(x).shape == (3, 4)


@pytest.mark.parametrize("make", [tied, one_up])
def test_a_width_of_two_blocks_is_asked_and_inherited_though_one_is_left_out(make):
    model = make()
    space, x = nw.convert(model, torch.rand(1, 12)), torch.rand(3, 12)
    own = {name: choice.options[-1] for name, choice in space.choices.items()}
    part = space.architecture({**own, "body.0.block": "drop", "body.0.up.width": 8})
    network = space.build(part).eval()
    assert network.body[1][0].up.weight.shape == (8, 16)
    whole = space.architecture(own)
    torch.testing.assert_close(inherit(space, part, network, whole)(x), network(x))


def test_a_block_under_two_names_may_be_left_out():
    model = MODELS["a list and names of blocks"]()
    space, x = nw.convert(model, torch.rand(1, 12)), torch.rand(3, 12)
    own = {name: choice.options[-1] for name, choice in space.choices.items()}
    network = space.build(space.architecture({**own, "one.block": "drop"})).eval()
    model.one.down.weight.data.zero_()
    model.one.down.bias.data.zero_()
    torch.testing.assert_close(network(x), model.eval()(x))


def test_the_kernel_of_a_weight_of_two_layers_is_kept():
    space = nw.convert(Convolved(), torch.rand(1, 3, 8, 8))
    assert "stem.kernel" in space.choices
    reasons = {kept.name: kept.reason for kept in space.kept if kept.reason.startswith("kernel")}
    assert reasons["branches.one.0"] == "kernel: its weights are also branches.two.0.weight"
