"""Every ready space on images and series of awkward sizes."""

import numpy as np
import pytest
import torch

from netwright import spaces
from netwright.errors import NetwrightError
from netwright.spaces.vit import _patch

IMAGES = sorted({*spaces.__all__} - {"conv1d", "ft_transformer", "language_model", "mlp"})
QUICK = {"convnet", "convnext", "forest", "vit"}  # the others take seconds a size
SIZES = [
    (1, 1, 1), (3, 4, 4), (1, 5, 40), (1, 7, 7), (1, 8, 8), (3, 8, 300), (2, 97, 8), (3, 11, 13),
    (5, 100, 37), (1, 61, 61), (1, 300, 300),
]  # fmt: skip
STEPS = [(1, 1), (1, 7), (1, 8), (2, 9), (3, 31), (1, 97), (4, 301)]


def builds_or_refuses(make, shape):
    if min(shape[1:]) < 8 and (make is not spaces.vit or min(shape[1:]) < 4):
        with pytest.raises(NetwrightError, match=r"at least \d") as refused:
            make(shape, 4)
        assert str(shape) in str(refused.value)
        return
    space = make(shape, 4)
    rng = np.random.default_rng(0)
    for member in (space.smallest(), space.largest(), space.sample(rng)):
        assert space.survey(member).macs > 0
    if max(shape) < 100:
        model = space.build(space.smallest(), seed=0).train()
        assert model(*space.example(rng)).shape == (2, 4)


@pytest.mark.parametrize("name", sorted(QUICK))
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_a_size_fits_or_the_least_is_said(name, shape):
    builds_or_refuses(getattr(spaces, name), shape)


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted({*IMAGES} - QUICK))
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_a_size_fits_or_the_least_is_said_of_all(name, shape):
    builds_or_refuses(getattr(spaces, name), shape)


@pytest.mark.parametrize("shape", STEPS, ids=str)
def test_a_series_fits_or_the_least_is_said(shape):
    builds_or_refuses(spaces.conv1d, shape)


def test_the_patch_of_vit_follows_the_size():
    wanted = {8: 2, 13: 2, 28: 4, 30: 3, 32: 4, 60: 6, 61: 7, 96: 12, 97: 12, 224: 28, 256: 32}
    assert {size: _patch((size, size)) for size in wanted} == wanted
    for size in range(4, 301):
        assert 2 <= -(-size // _patch((size, size))) <= 16
    assert _patch((8, 300)) == 4


@pytest.mark.parametrize("shape", [(1, 13, 13), (3, 10, 17)], ids=str)
def test_vit_sees_every_pixel_of_a_size_that_its_patch_does_not_divide(shape):
    space = spaces.vit(shape, 4, patch=5)
    model = space.build(space.smallest(), seed=0).eval()
    x = torch.zeros(1, *shape, requires_grad=True)
    model(x).square().sum().backward()
    assert (x.grad != 0).all()


def test_vit_refuses_a_patch_larger_than_the_image():
    with pytest.raises(NetwrightError, match="at least 16 x 16 pixels for a patch of 16, got 12 x"):
        spaces.vit((1, 12, 40), 4, patch=16)
