from __future__ import annotations

import pytest
import torch

from netwright.data import Augmentation
from netwright.errors import SettingError


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_flip_mirrors_whole_images_about_half_of_the_time():
    x = torch.arange(400 * 2 * 3 * 4, dtype=torch.float32).view(400, 2, 3, 4)
    out = Augmentation(flip=True)(x, generator())
    same = (out == x).flatten(1).all(1)
    mirrored = (out == x.flip(-1)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 150 < int(mirrored.sum()) < 250


def test_crop_shifts_each_image_by_its_own_draw_and_fills_with_zero():
    x = torch.randn(300, 2, 5, 6, generator=generator(1)) + 10
    out = Augmentation(crop=2)(x, generator())
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2))
    windows = padded.unfold(2, 5, 1).unfold(3, 6, 1)  # b, c, 5 shifts, 5 shifts, h, w
    hits = (windows == out[:, :, None, None]).flatten(4).all(4).all(1).flatten(1)
    assert (hits.sum(1) == 1).all()
    assert hits.any(0).all()  # all 25 shifts happen


def test_cutout_erases_one_square_around_a_random_pixel():
    x = torch.ones(500, 3, 8, 8)
    erased = Augmentation(cutout=4)(x, generator()) == 0
    assert (erased == erased[:, :1]).all()
    sizes = erased[:, 0].sum((1, 2))
    assert sizes.max() == 16 and sizes.min() == 4  # whole inside, and a corner
    height = erased[:, 0].any(2).sum(1)
    width = erased[:, 0].any(1).sum(1)
    assert (height * width == sizes).all()
    assert erased[:, 0].any(0).all()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_the_input_stays_and_the_dtype_is_kept(dtype):
    x = torch.arange(32 * 49).view(32, 1, 7, 7).to(dtype)
    before = x.clone()
    out = Augmentation(flip=True, crop=1, cutout=2)(x, generator())
    assert x.equal(before) and out.dtype == dtype and out.shape == x.shape
    assert not out.equal(x)


def test_a_view_that_is_not_contiguous_gives_the_same_result():
    x = torch.randn(16, 8, 8, 3, generator=generator(2)).permute(0, 3, 1, 2)
    change = Augmentation(flip=True, crop=2, cutout=3)
    assert change(x, generator()).equal(change(x.contiguous(), generator()))
    flip = Augmentation(flip=True)
    assert flip(x, generator()).equal(flip(x.contiguous(), generator()))


def test_the_passed_generator_alone_decides():
    x = torch.randn(16, 1, 8, 8, generator=generator(3))
    change = Augmentation(flip=True, crop=2, cutout=3)
    state = torch.get_rng_state()
    assert change(x, generator(7)).equal(change(x, generator(7)))
    assert not change(x, generator(7)).equal(change(x, generator(8)))
    assert torch.get_rng_state().equal(state)


def test_tables_and_empty_batches_come_back_unchanged():
    change = Augmentation(flip=True, crop=2, cutout=3)
    table = torch.randn(4, 5)
    assert change(table, generator()) is table
    assert len(change(torch.zeros(0, 1, 4, 4), generator())) == 0


def test_flip_must_be_a_bool():
    with pytest.raises(SettingError, match=r"`Augmentation\(flip=...\)` must be True or False"):
        Augmentation(flip="no")


@pytest.mark.parametrize("setting", [{"crop": -1}, {"cutout": -2}, {"crop": 1.5}, {"cutout": True}])
def test_settings_are_checked(setting):
    name = next(iter(setting))
    with pytest.raises(SettingError, match=rf"`Augmentation\({name}=...\)` must be a whole number"):
        Augmentation(**setting)
