"""Models that do something else in training."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import netwright as nw


class Body(nn.Module):
    """Two layers and a head; a subclass says what is run in training."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.head = nn.Linear(12, 16), nn.Linear(16, 16), nn.Linear(16, 4)
        self.extra = self.layers()

    def layers(self):
        return nn.Linear(16, 4)

    def forward(self, x):
        one = self.one(x).relu()
        two = self.two(one).relu()
        return self.trained(one, two) if self.training else self.head(two)


class Auxiliary(Body):
    def trained(self, one, two):
        return self.head(two) + 0.3 * self.extra(one)


class AuxiliaryOfBoth(Body):
    def trained(self, one, two):
        return self.head(two) + 0.3 * self.extra(one + two)


class Tuple(Body):
    def layers(self):
        return nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))

    def trained(self, one, two):
        return self.head(two), self.extra(one)


class Dict(Tuple):
    def trained(self, one, two):
        return {"out": self.head(two), "aux": [self.extra(one)]}


class Features(Body):
    def trained(self, one, two):
        return self.head(two), two


class Normalised(Body):
    def layers(self):
        return nn.BatchNorm1d(16)

    def trained(self, one, two):
        return self.head(self.extra(two))


class Dropped(Body):
    """Dropout, paths that are dropped, and noise, each as others write them."""

    def trained(self, one, two):
        kept = two.new_empty(two.shape[0], 1).bernoulli_(0.8).div_(0.8)
        two = F.dropout(two, 0.1) * kept + one * (torch.rand(len(one), 1) > 0.1)
        return self.head(two + 0.1 * torch.randn_like(two))


class ByChance(Body):
    """A layer that is left out by chance, which cannot be traced."""

    def trained(self, one, two):
        return self.head(two if torch.rand(1).item() < 0.5 else one)


class ByValue(Body):
    """An auxiliary head that a value decides on, which cannot be traced."""

    def trained(self, one, two):
        return self.head(two) + (self.extra(one) if one.sum() > -1 else 0)


class Merged(Body):
    """A layer for evaluation alone, in the place of two (as RepVGG, arXiv:2101.03697)."""

    def layers(self):
        return nn.Linear(16, 16)

    def forward(self, x):
        one = self.one(x)
        return self.head((self.two(one) + one if self.training else self.extra(one)).relu())


class Written(Body):
    """An auxiliary head with a width written into its code."""

    def trained(self, one, two):
        return self.head(two) + self.extra(one.view(-1, 16))


def reasons(space):
    return {kept.name: kept.reason for kept in space.kept}


MODELS = {
    Auxiliary: {"one.width", "two.width"},
    AuxiliaryOfBoth: {"one.width"},
    Tuple: {"one.width", "two.width"},
    Dict: {"one.width", "two.width"},
    Features: {"one.width"},
    Normalised: {"one.width", "two.width"},
    Dropped: {"one.width"},
    ByChance: set(),
    ByValue: {"two.width"},
    Merged: {"one.width"},
    Written: {"two.width"},
}


@pytest.mark.parametrize("cls", MODELS)
def test_members_run_in_both_modes(cls):
    torch.manual_seed(0)
    model, x = cls(), torch.rand(3, 12)
    state = torch.random.get_rng_state()
    space = nw.convert(model, x[:1])
    assert torch.equal(torch.random.get_rng_state(), state)
    assert {name for name in space.choices if not name.startswith("activation")} == MODELS[cls]
    whole = space.build(space.largest()).eval()
    torch.testing.assert_close(whole(x), model.eval()(x))
    rng = np.random.default_rng(0)
    for member in [space.smallest(), *(space.sample(rng) for _ in range(8))]:
        network = space.build(member)
        for _ in range(5):
            network.train()(x)
        assert network.eval()(x).shape == (3, 4)


def test_what_training_alone_uses_is_kept_with_the_reason():
    kept = reasons(nw.convert(Tuple(), torch.rand(1, 12)))
    assert kept["extra.0"] == "width: only training uses it"
    assert kept["extra.1"] == "activation: only training uses it"
    assert kept["extra.2"] == "width: it gives an output of the model in training"
    kept = reasons(nw.convert(Features(), torch.rand(1, 12)))
    assert kept["two"] == "width: it gives an output of the model in training"
    assert kept["extra"] == "width: the model does not use it"
    kept = reasons(nw.convert(ByValue(), torch.rand(1, 12)))
    assert kept["one"].startswith("width: members with less of it fail in training: RuntimeError")


def test_what_is_never_called_asks_nothing():
    model = nn.Sequential(nn.Linear(12, 16), nn.Linear(16, 4))
    model.append(idle := nn.Sequential(nn.ReLU(), nn.Conv2d(3, 8, 5, padding=2)))
    idle.forward = lambda x: x
    space = nw.convert(model, torch.rand(1, 12))
    assert {*space.choices} == {"0.width"}
    assert {name for name, reason in space.kept if "does not use it" in reason} == {"2.0", "2.1"}


def test_a_model_that_cannot_run_in_training_alone_is_converted():
    class Demanding(Body):
        def trained(self, one, two):
            raise ValueError("targets are needed")

    assert "one.width" in nw.convert(Demanding(), torch.rand(1, 12)).choices


def test_narrower_members_of_a_model_with_an_auxiliary_head_are_trained(tmp_path):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(120, 12)).astype("float32")
    data = nw.data.from_arrays(x, (x[:, 0] > 0).astype("int64") + 2 * (x[:, 1] > 0))
    space = nw.convert(Auxiliary(), torch.zeros(1, 12))
    run = nw.search(
        space,
        nw.Training(data, epochs=1),
        trials=3,
        finals=[],
        refit=False,
        workers=0,
        store=tmp_path / "runs.db",
    )
    assert [trial.status for trial in run.record.history] == ["done"] * 3
