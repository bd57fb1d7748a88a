"""A supernet that becomes several."""

import numpy as np
import pytest
import torch

from netwright.errors import SettingError
from netwright.oneshot import FewShot
from netwright.testing.oneshot import begun


def split(name: str = "edge01"):
    shared = begun(lambda: FewShot(epochs=2, batch=8, whole=0.5, split=name, scored=4))
    shared.advance()
    assert shared.told() == {"sets": 1.0}
    shared.advance()
    return shared


def test_each_option_has_weights_that_only_its_networks_train() -> None:
    shared = split()
    space = shared.setting.space
    options = space.choices["edge01"].options
    assert shared.told() == {"sets": float(len(options))}
    kept = []
    for option in options:
        shared.activate(space.completed({"edge01": option}))
        kept.append(shared.supernet.network.state_dict()["0.weight"].clone())
    assert all(not torch.equal(a, b) for i, a in enumerate(kept) for b in kept[:i])
    shared.supernet.train()
    shared.activate(space.completed({"edge01": options[2]}))
    x = torch.randn(8, *space.inputs)
    for parameter in shared.supernet.parameters():
        parameter.grad = None
    shared.supernet(x).sum().backward()
    shared._optimizer.step()
    for option, before in zip(options, kept, strict=True):
        shared.activate(space.completed({"edge01": option}))
        after = shared.supernet.network.state_dict()["0.weight"]
        assert torch.equal(before, after) == (option != options[2])


def test_the_choice_whose_options_disagree_most_is_split() -> None:
    shared = begun(lambda: FewShot(epochs=2, batch=24, whole=0.0, scored=4))
    alike = {"edge01": 0.9, "edge02": 0.1, "edge12": 0.5, "edge03": 0.8, "edge13": 0.7, "edge23": 1}

    def gradient(member, name, option, batch):
        place = shared.setting.space.choices[name].options.index(option)
        away = torch.zeros(9)  # of any two options the cosine is `alike`
        away[place + 1] = (1 - alike[name]) ** 0.5
        away[0] = alike[name] ** 0.5
        return away

    shared._gradient = gradient
    shared.advance()
    assert shared._choice.name == "edge02"


def test_gradients_of_options_are_of_the_supernets_weights() -> None:
    shared = begun(lambda: FewShot(epochs=2, batch=24, scored=4))
    shared._rng = np.random.default_rng(0)
    shared._generator = torch.Generator().manual_seed(0)
    batch = next(shared._some("train", 1))
    member = shared.setting.space.largest()
    found = shared._gradient(member, "edge01", "nor_conv_3x3", batch)
    assert len(found) == sum(p.numel() for p in shared.supernet.parameters())
    assert found.norm() > 0


def test_only_a_choice_that_every_network_has_can_be_split() -> None:
    with pytest.raises(SettingError, match=r"`FewShot\(split=...\)` must name a choice .* edge01"):
        begun(lambda: FewShot(split="edge99"))
