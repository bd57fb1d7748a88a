"""Changes of whole batches by maps of places and colours, against what they are said to be."""

import math

import pytest
import torch
from torch.nn import functional

from netwright.data import Augmentation
from netwright.data.maps import Colours, Places, apart
from netwright.errors import SettingError

CHANGES = {
    "zoom": {"zoom": 0.7},
    "colour": {"colour": 0.4},
    "trivial": {"trivial_augment": True},
    "all": {"zoom": 0.5, "colour": 0.4, "trivial_augment": True, "flip": True, "crop": 2},
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def ramps(count, channels, height, width):
    """Images whose first channel is the column of a pixel, and whose second is its row."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    image = torch.stack([columns, rows, torch.zeros_like(rows)][:channels]).float()
    return image.repeat(count, 1, 1, 1)


def test_a_zoom_enlarges_a_part_of_the_area_at_any_place():
    x = ramps(400, 2, 40, 60)
    out = Augmentation(zoom=0.75)(x, generator())
    across = (out[:, 0, 0, -2] - out[:, 0, 0, 1]) / 57  # columns read for each column made
    down = (out[:, 1, -2, 0] - out[:, 1, 1, 0]) / 37
    area, ratio = across * down, across / down
    assert 0.24 < area.min() < 0.27 and 0.95 < area.max() <= 1.001
    assert 3 / 4 - 0.01 < ratio.min() < 0.78 and 1.28 < ratio.max() < 4 / 3 + 0.01
    left, right = out[:, 0, :, 0].min(1).values, out[:, 0, :, -1].max(1).values
    assert left.min() < 1 and right.max() > 58  # parts reach each border,
    assert left.max() > 20 and right.min() < 39  # and are far from it
    assert out[:, :1].amax() <= 59 and out.amin() >= 0


def test_a_mirrored_map_is_the_mirrored_image():
    x = torch.randn(300, 1, 5, 6, generator=generator(1))
    places = Places.same(300, (5, 6))
    chosen = torch.arange(300) % 2 == 0
    places.mirror(chosen)
    out = functional.grid_sample(x, places.grid(slice(None), x.device), align_corners=False)
    assert torch.allclose(out[chosen], x[chosen].flip(-1), atol=1e-5)
    assert torch.allclose(out[~chosen], x[~chosen], atol=1e-5)


def test_what_is_called_later_is_done_later():
    """A quarter turn, then a mirror, of a square image."""
    x = torch.randn(1, 1, 6, 6, generator=generator(2))
    places = Places.same(1, (6, 6))
    places.then(torch.tensor([[[0.0, -1.0], [1.0, 0.0]]]), torch.zeros(1, 2))
    turned = functional.grid_sample(x, places.grid(slice(None), x.device), align_corners=False)
    places.mirror(torch.tensor([True]))
    both = functional.grid_sample(x, places.grid(slice(None), x.device), align_corners=False)
    assert torch.allclose(turned, x.rot90(1, (2, 3)), atol=1e-5)
    assert torch.allclose(both, turned.flip(-1), atol=1e-5)


def test_a_shift_moves_by_whole_pixels():
    x = torch.randn(200, 1, 8, 9, generator=generator(3))
    places = Places.same(200, (8, 9))
    places.shift(2, generator())
    out = functional.grid_sample(x, places.grid(slice(None), x.device), align_corners=False)
    shifted = places.offset.long()
    assert {tuple(o) for o in shifted.tolist()} == {
        (a, b) for a in range(-2, 3) for b in range(-2, 3)
    }
    for image, moved, (right, down) in zip(x, out, shifted.tolist(), strict=True):
        inside = image[:, max(0, down) : 8 + min(0, down), max(0, right) : 9 + min(0, right)]
        there = moved[:, max(0, -down) : 8 - max(0, down), max(0, -right) : 9 - max(0, right)]
        assert torch.allclose(inside, there, atol=1e-4)


def test_colours_are_brightness_contrast_and_saturation():
    x = torch.randn(50, 3, 4, 5, generator=generator(4))
    weights = torch.tensor([0.299, 0.587, 0.114])
    colours = Colours.same(50)
    colours.vary(0.4, generator())
    matrix, offset = colours.of(x)
    made = torch.baddbmm(offset, matrix, x.flatten(2)).view_as(x)
    mean = (x.mean((2, 3)) @ weights)[:, None, None, None]
    other = mean + (x - mean) * colours.contrast[:, None, None, None]
    other = other + colours.brightness[:, None, None, None]
    grey = (other * weights[:, None, None]).sum(1, keepdim=True)
    other = grey + (other - grey) * colours.saturation[:, None, None, None]
    assert torch.allclose(made, other, atol=1e-5)
    for drawn, middle, most in (
        (colours.contrast, 1.0, 0.4), (colours.saturation, 1.0, 0.4), (colours.brightness, 0.0, 0.8)
    ):  # fmt: skip
        assert (drawn - middle).abs().max() <= most and drawn.std() > most / 3


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_colours_change_where_there_are_one_or_three_channels(channels):
    x = torch.randn(64, channels, 8, 8, generator=generator(5))
    out = Augmentation(colour=0.4)(x, generator())
    assert out.equal(x) == (channels in (2, 5))
    if channels == 1:  # what is grey has no saturation: a line through brightness and contrast
        one, other = x.flatten(1), out.flatten(1)
        slopes = (other[:, 0] - other[:, 1]) / (one[:, 0] - one[:, 1])
        assert ((slopes > 0.59) & (slopes < 1.41)).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_change_is_made_of_each_image(channels):
    count = 3000
    places, colours = Places.same(count, (30, 40)), Colours.same(count)
    apart(places, None if channels == 4 else colours, channels, generator())
    turned = (places.linear[:, 0, 0] - 1).abs() > 1e-6
    sheared = ~turned & (places.linear - torch.eye(2)).flatten(1).abs().gt(1e-6).any(1)
    moved = places.offset.abs().gt(1e-6).any(1)
    kinds = [turned, sheared, moved, colours.brightness != 0, colours.contrast != 1]
    kinds.append(colours.saturation != 1)
    changed = torch.stack(kinds).sum(0)
    assert changed.max() == 1
    total = {1: 8, 3: 9, 4: 6}[channels]
    shares = torch.stack(kinds).float().mean(1) * total
    wanted = [1, 2, 2, *{1: (1, 1, 0), 3: (1, 1, 1), 4: (0, 0, 0)}[channels]]
    assert torch.allclose(shares, torch.tensor(wanted).float(), atol=0.25)
    cos = places.linear[turned, 0, 0]
    assert cos.min() >= math.cos(math.radians(30)) - 1e-6 and cos.min() < 0.9
    assert places.offset.abs().amax(0).tolist() == pytest.approx([12, 9], rel=0.05)
    assert torch.allclose(places.linear[turned].det(), torch.ones(()), atol=1e-5)


@pytest.mark.parametrize("settings", CHANGES.values(), ids=CHANGES)
def test_maps_repeat_leave_the_input_and_do_not_depend_on_the_pieces(settings, monkeypatch):
    x = torch.randn(9, 3, 10, 13, generator=generator(6))
    before, change = x.clone(), Augmentation(**settings)
    state = torch.get_rng_state()
    out = change(x, generator(7))
    assert x.equal(before) and out.shape == x.shape and out.is_contiguous() and out.isfinite().all()
    assert out.equal(change(x, generator(7))) and not out.equal(change(x, generator(8)))
    monkeypatch.setattr("netwright.data.augment._AT_ONCE", 4 * 3 * 10 * 13)
    assert torch.allclose(out, change(x, generator(7)), atol=1e-5)
    laid = x.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(out, change(laid, generator(7)), atol=1e-5)
    assert torch.get_rng_state().equal(state)
    assert change(torch.zeros(3, 5), generator()).shape == (3, 5)


@pytest.mark.parametrize("setting", [{"zoom": 1.0}, {"zoom": -0.1}, {"colour": True}])
def test_shares_are_checked(setting):
    name = next(iter(setting))
    with pytest.raises(SettingError, match=rf"`Augmentation\({name}=...\)` must be from 0"):
        Augmentation(**setting)
    with pytest.raises(SettingError, match=r"trivial_augment=...\)` must be True or False"):
        Augmentation(trivial_augment=1)
