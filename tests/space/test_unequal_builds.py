"""Declarations that build another network each time."""

import itertools
import random

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.errors import SpaceError


def layers(choose, *inner):
    width = choose.width("width", 8, 16, step=8)
    return nn.Sequential(nn.Linear(4, width), *inner, nn.Linear(width, 2))


def by_random(choose, inputs, outputs):
    width = choose.width("width", 8, 16, step=8)
    inner = random.randint(3, 300)
    return nn.Sequential(nn.Linear(4, inner), nn.Linear(inner, width), nn.Linear(width, 2))


def by_numpy(choose, inputs, outputs):
    return layers(choose, nn.Dropout(float(np.random.uniform(0.1, 0.9))))


def by_torch(choose, inputs, outputs):
    inner = int(torch.randint(3, 300, (1,), device="cpu"))
    return nn.Sequential(layers(choose), nn.Linear(2, inner), nn.Linear(inner, 2))


NUMBERS = itertools.count()


def by_counter(choose, inputs, outputs):
    return layers(choose, *(nn.ReLU() for _ in range(next(NUMBERS))))


@pytest.mark.parametrize(
    ("network", "part"),
    [
        (by_random, "'0' is Linear(in_features=4, out_features="),
        (by_numpy, "'1' is Dropout(p="),
        (by_torch, "'1' is Linear(in_features=2, out_features="),
        (by_counter, "in one and "),
    ],
)
def test_what_differs_between_two_builds_is_said(network, part):
    with pytest.raises(SpaceError, match="is another one each time it is built") as refused:
        nw.Space(network, (4,), 2)
    assert part in str(refused.value) and "`random`" in str(refused.value)


def test_modules_that_count_themselves_are_no_other_networks():
    class Numbered(nn.Module):
        numbers = itertools.count()

        def __init__(self):
            super().__init__()
            self.number, self.name = next(self.numbers), f"layer {random.random()}"

        def forward(self, x):
            return x

    assert nw.Space(lambda choose, i, o: layers(choose, Numbered()), (4,), 2).count() == 2


def test_a_tensor_on_another_device_is_named():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.ones(4, device="cpu")

        def forward(self, x):
            return x * self.scale

    with pytest.raises(SpaceError, match=r"`scale` of the module '0' \(Scaled\)"):
        nw.Space(lambda choose, i, o: nn.Sequential(Scaled(), layers(choose)), (4,), 2)
