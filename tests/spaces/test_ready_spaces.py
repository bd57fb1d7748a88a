import numpy as np
import pytest
import torch

from netwright import spaces
from netwright.errors import SettingError
from netwright.evaluate.fit import Schedule
from netwright.network.cost import survey
from netwright.supernet import Supernet

SHAPES = [(1, 8, 8), (1, 14, 14), (3, 32, 32), (4, 17, 23)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_convnet_members_train_a_step(shape) -> None:
    space = spaces.convnet(shape, 5)
    assert space.count() > 10**6
    rng = np.random.default_rng(0)
    for _ in range(12):
        member = space.sample(rng)
        model = space.build(member, seed=0).train()
        loss = model(torch.randn(4, *shape)).square().mean()
        loss.backward()
        gradients = [p.grad for p in model.parameters()]
        assert all(g is not None and torch.isfinite(g).all() for g in gradients)


def test_every_option_of_convnet_makes_another_network() -> None:
    space = spaces.convnet((1, 14, 14), 10)
    full = {name: choice.options[-1] for name, choice in space.choices.items()}
    base = space.architecture(full)
    recipe = set(space.recipe(base)) | {"dropout", "augmentation"}
    with torch.device("meta"):
        prints = {survey(space.build(base), space.inputs).fingerprint}
        for name, choice in space.choices.items():
            if name in recipe:
                continue
            for option in choice.options[:-1]:
                other = space.architecture({**full, name: option})
                found = survey(space.build(other), space.inputs).fingerprint
                assert found not in prints, (name, option)
                prints.add(found)


def test_ends_of_convnet_share_no_head() -> None:
    space = spaces.convnet((1, 14, 14), 10)
    supernet, heads = Supernet(space, seed=0), {}
    full = {name: choice.options[-1] for name, choice in space.choices.items()}
    for ends in ({"stage2": "none"}, {"stage3": "none"}, {}):
        for pooling in space.choices["pooling"].options:
            supernet.activate(space.architecture({**full, **ends, "pooling": pooling}))
            supernet(*space.example(np.random.default_rng(0), 2)).sum().backward()
            used = {n for n, p in supernet.named_parameters() if p.ndim == 2 and p.grad is not None}
            supernet.zero_grad(set_to_none=True)
            assert len(used) == 1
            heads[str(ends), pooling] = used.pop()
    assert len(set(heads.values())) == len(heads) == 9


def test_recipes_are_settings_of_training() -> None:
    for space in (spaces.convnet((1, 14, 14), 10), spaces.mlp((7,), 3)):
        for seed in range(10):
            recipe = space.recipe(space.sample(np.random.default_rng(seed)))
            Schedule(**{k: v for k, v in recipe.items() if k != "cutout"})


@pytest.mark.parametrize("shape", [(1,), (20,), (1, 8, 8)], ids=str)
def test_mlp_members_train_a_step(shape) -> None:
    space = spaces.mlp(shape, 3)
    rng = np.random.default_rng(0)
    for _ in range(12):
        model = space.build(space.sample(rng), seed=0).train()
        model(torch.randn(4, *shape)).square().mean().backward()
        assert all(p.grad is not None for p in model.parameters())


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SettingError, match=r"at least 8 x 8 pixels, got \(3, 7, 9\)"):
        spaces.convnet((3, 7, 9), 10)
    with pytest.raises(SettingError, match="mlp"):
        spaces.convnet((20,), 10)
