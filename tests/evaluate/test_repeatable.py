import random

import pytest
import torch
from torch import nn

import netwright as nw
from netwright.errors import SpaceError
from netwright.evaluate.repeatable import check_repeatable


class Doing(nn.Module):
    """Does something with what it is given, then passes it on to layers."""

    def __init__(self, choose, does):
        super().__init__()
        width = choose.width("width", 8, 16, step=8)
        self.layers, self.does = nn.Sequential(nn.Linear(4, width), nn.Linear(width, 2)), does

    def forward(self, x):
        return self.layers(self.does(x))


def spaced(does):
    return nw.Space(lambda choose, inputs, outputs: Doing(choose, does), (4,), 2, name="doing")


@pytest.mark.parametrize("does", [lambda x: x.mul_(0.5), lambda x: x.add_(1.0), torch.relu_])
def test_a_network_that_changes_its_inputs_is_refused(does):
    with pytest.raises(SpaceError, match="changes the tensor that it is given"):
        check_repeatable(spaced(does))


def test_a_network_that_is_random_in_eval_mode_is_refused():
    with pytest.raises(SpaceError, match="gives other outputs for the same inputs in eval mode"):
        check_repeatable(spaced(nn.functional.dropout))


def test_a_network_that_is_seldom_another_is_refused_before_the_run():
    builds = iter([False] * 40)  # which declaring the space uses up

    def network(choose, inputs, outputs):
        width = choose.width("width", 8, 16, step=8)
        wide = next(builds, None)
        inner = 8 if wide is False else random.randint(9, 900)
        return nn.Sequential(nn.Linear(4, width), nn.Linear(width, inner), nn.Linear(inner, 2))

    space = nw.Space(network, (4,), 2)
    list(builds)
    with pytest.raises(SpaceError, match="'1' is Linear"):
        check_repeatable(space)


def test_plain_networks_pass():
    check_repeatable(spaced(torch.relu))
