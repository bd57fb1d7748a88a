"""Who may be trained: also where a network cannot be surveyed, and where a recipe differs."""

import pytest
from torch import Tensor, nn

from netwright.errors import LimitError
from netwright.evaluate.costs import Costs
from netwright.objective import limits_from
from netwright.space import Architecture, Choose, Space


class Pairs(nn.Module):
    """Takes no batch of one example, which is what costs are counted with."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) == 1:
            raise RuntimeError("one is not enough")
        return x


def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 1, 3)
    tail = choose.one_of("tail", none=nn.Identity, pairs=Pairs)
    return nn.Sequential(nn.Linear(4, width), nn.Linear(width, classes), tail)


def recipe(choose: Choose) -> dict[str, float]:
    return {"rate": choose.value("rate", [0.1, 0.2])}


def test_networks_that_cannot_be_surveyed_are_told_apart_and_tried_without_a_limit() -> None:
    space = Space(network, 4, 3, recipe=recipe)
    everything = list(space.enumerate())
    for limits in ({}, {"latency_ms@pytorch": 1.0}):
        costs = Costs(space, limits_from(limits))
        admitted = [costs.admit(architecture) for architecture in everything]
        assert all(each.reason is None for each in admitted)
        assert len({each.key for each in admitted}) == len(everything) == 12
    assert len({each.fingerprint for each in admitted} - {""}) == 3


def test_with_a_limit_what_cannot_be_surveyed_is_not_tried() -> None:
    space = Space(network, 4, 3)
    costs = Costs(space, limits_from({"params": 19}))
    reasons = {(a["width"], a["tail"]): costs.admit(a).reason for a in space.enumerate()}
    assert [reasons[width, "none"] for width in (1, 2)] == [None, None]  # 11 and 19 parameters
    assert reasons[3, "none"] == "params 27 is over the limit 19"
    assert all("one is not enough" in str(reasons[width, "pairs"]) for width in (1, 2, 3))


def test_what_cannot_be_surveyed_keeps_no_limit() -> None:
    def unseen(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        return nn.Sequential(
            nn.Linear(4, classes, bias=choose.value("bias", [True, False])), Pairs()
        )

    costs = Costs(Space(unseen, 4, 3), limits_from({"params": 1000}))
    with pytest.raises(LimitError, match=r"params <= 1000 cannot be met: the least .* is inf"):
        costs.check_can_be_met()


def test_a_network_under_another_recipe_is_another_trial() -> None:
    space = Space(network, 4, 3, recipe=recipe)
    costs = Costs(space)
    one, other = (
        costs.admit(Architecture({"width": 1, "tail": "none", "rate": rate})) for rate in (0.1, 0.2)
    )
    assert one.fingerprint == other.fingerprint
    assert one.key != other.key
