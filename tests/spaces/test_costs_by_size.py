"""What networks of the spaces for pictures cost at any size of these."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from netwright import spaces
from netwright.spaces.convnet import _entry
from netwright.spaces.input_shapes import halvings
from netwright.spaces.mobilenet import _strides

SIDES = st.integers(8, 600)
PUBLISHED = [2, 2, 2, 2, 1, 2]


def convolutions(model):
    return [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]


def median_macs(space, count):
    rng = np.random.default_rng(0)
    return float(np.median([space.survey(space.sample(rng)).macs for _ in range(count)]))


@pytest.mark.parametrize(("side", "most"), [(32, 60e6), (224, 400e6)])
def test_a_median_network_of_convnet_is_cheap_at_any_size(side, most):
    assert median_macs(spaces.convnet((3, side, side), 10), 15) < most


@pytest.mark.parametrize(("side", "most"), [(64, 70e6), (224, 600e6)])
def test_no_network_of_mobilenet_v3_is_dear(side, most):
    space = spaces.mobilenet_v3((3, side, side), 10)
    assert space.survey(space.largest()).macs < most


def test_a_median_network_of_mobilenet_v3_is_cheap_at_32_pixels():
    assert median_macs(spaces.mobilenet_v3((3, 32, 32), 10), 3) < 60e6


@given(SIDES, SIDES)
@settings(deadline=None)
def test_what_comes_to_the_stages_of_convnet_has_a_bounded_area(height, width):
    layers, channels, size = _entry((3, height, width), nn.BatchNorm2d, nn.ReLU)
    assert len(layers) == halvings((height, width), 32)
    assert size == (-(-height // 2 ** len(layers)), -(-width // 2 ** len(layers)))
    assert math.sqrt(size[0] * size[1]) < 64 + 8 and (not layers or channels in (16, 32))
    if math.sqrt(height * width) < 64:
        assert not layers and channels == 3 and size == (height, width)


@given(SIDES, SIDES)
def test_mobilenet_v3_is_halved_more_often_the_larger_the_image(height, width):
    strides = _strides((height, width))
    side = math.sqrt(height * width)
    end = side / math.prod(strides)
    assert end >= 2.8 and (end < 5.7 or strides == PUBLISHED)
    assert (strides == PUBLISHED) == (side >= 64 * 2**0.5)
    larger = _strides((height + 9, width + 9))
    assert all(after >= before for before, after in zip(strides, larger, strict=True))


def test_mobilenet_v3_is_as_published_at_its_own_size():
    space = spaces.mobilenet_v3()
    with torch.device("meta"):
        model = space.build(space.smallest())
    halving = [c.stride for c in convolutions(model) if c.stride != (1, 1)]
    assert halving == [(2, 2)] * 5
    found = [space.survey(member) for member in (space.smallest(), space.largest())]
    assert [(each.params, each.macs) for each in found] == [
        (3_410_792, 121_278_672),
        (7_664_760, 566_170_656),
    ]


def test_small_pictures_have_so_many_networks_up_to_so_large_a_one():
    space = spaces.convnet((1, 14, 14), 10)
    assert space.count() == 97_895_711_047_680
    largest = space.survey(space.largest())
    assert (largest.params, largest.macs) == (967_530, 46_504_896)


@pytest.mark.parametrize("side", [96, 200])
def test_a_stem_always_halves_what_is_left_large(side):
    assert "none" not in spaces.convnet((3, side, side), 4).choices["stem.downsample"].options
    assert "none" in spaces.convnet((3, 64, 64), 4).choices["stem.downsample"].options


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 200, 70), (3, 130, 130)], ids=str)
def test_large_pictures_train_a_step_with_every_layer(shape):
    space = spaces.convnet(shape, 5)
    rng = np.random.default_rng(1)
    model = space.build(space.sample(rng), seed=0).train()
    model(torch.randn(2, *shape)).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_resolutions_decide_where_there_are_any():
    small = spaces.mobilenet_v3((3, 224, 224), 4, width=0.25, resolutions=(16, 32))
    halving = [c.stride for c in convolutions(small.build(small.smallest())) if c.stride[0] > 1]
    assert len(halving) == 3


@pytest.mark.parametrize(("side", "asked"), [(28, False), (32, True)])
def test_whether_a_picture_is_mirrored_is_a_choice_of_the_recipe(side, asked):
    space = spaces.mobilenet_v3((3, side, side), 4)
    drawn = [space.sample(np.random.default_rng(seed)) for seed in range(12)]
    flips = {space.recipe(member).get("flip") for member in drawn}
    assert flips == ({False, True} if asked else {None})


MOVED, MIXED = {"crop": 2, "flip": True}, {"cutmix": 0.5, "zoom": 0.4, "colour": 0.3}


@pytest.mark.parametrize(
    ("shape", "ways"),
    [
        ((3, 32, 32), [MOVED, {"crop": 2}, MOVED | MIXED]),
        ((1, 32, 32), [{}, MOVED, MIXED]),
        ((3, 16, 16), [MOVED | {"crop": 1}, {"crop": 1}, MOVED | {"crop": 1, "cutmix": 0.5}]),
        ((1, 14, 14), [{}, {"crop": 1}, {"cutmix": 0.5}]),
        ((2, 8, 8), [{}, {"crop": 1}, {"cutmix": 0.5}]),
    ],
)  # fmt: skip
def test_how_pictures_are_changed_is_a_late_answer_that_begins_by_their_colour(shape, ways):
    space = spaces.convnet(shape, 4)
    recipes = [space.recipe(member) for member in space.variants(space.smallest())]
    own = {"learning_rate", "weight_decay", "cutout"}
    assert [{n: a for n, a in each.items() if n not in own} for each in recipes] == ways
    assert all(design.name and "augmentation" not in design.answers for design in space.designs)
