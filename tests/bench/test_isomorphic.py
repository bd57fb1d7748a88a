"""Tables that have several rows of one network."""

import numpy as np
import pytest
from torch import nn

import netwright as nw
from netwright.bench import Table
from netwright.bench.simulate import simulate
from netwright.objective import maximize
from netwright.strategies import Auto
from netwright.surrogates import features_of


def network(choose, inputs, outputs):
    """Three layers, of which a skip leaves no trace, so that places do not matter."""
    kinds = {"skip": nn.Identity, "tanh": nn.Tanh, "linear": lambda: nn.Linear(4, 4)}
    return nn.Sequential(*(choose.one_of(f"op{i}", **kinds) for i in range(4)), nn.Linear(4, 2))


def tabled(noise):
    space = nw.Space(network, (4,), 2)
    members = list(space.enumerate())
    deep = np.array([sum(a != "skip" for a in m.answers.values()) for m in members], dtype=float)
    drawn = np.random.default_rng(0).normal(size=len(members))
    return Table(space, members, {"accuracy": deep + noise * drawn})


def test_rows_of_one_network_are_counted():
    found = tabled(0.0).isomorphic("accuracy")
    assert (found.looked_at, found.repeated) == (81, 81 - (1 + 2 + 4 + 8 + 16))
    assert found.within == 0 and not found.apart
    assert "50 of 81 rows are of a network that another row has" in found.told()
    assert "strategies take them for one" in found.told()
    noisy = tabled(0.2).isomorphic("accuracy")
    assert noisy.within == pytest.approx(0.2, rel=0.3) and noisy.apart
    assert "so that strategies tell them apart" in noisy.told()


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_each_row_can_be_named_where_they_differ(noise):
    table = tabled(noise)
    course = simulate(table, Auto(), [maximize("accuracy")], evaluations=31, seed=0)
    space = table.searched_by("accuracy")
    features = features_of(space)
    keys = [features.graph_key(int(features.rows([table.architecture(r)])[0])) for r in course.rows]
    assert (len({*keys}) == 31) == (noise == 0)
    assert features_of(nw.Space(network, (4,), 2)).apart is False


def test_what_was_not_measured_counts_for_nothing():
    table = tabled(0.2)
    table.columns["accuracy"][::2] = np.nan
    assert table.isomorphic("accuracy").apart
    table.columns["accuracy"][:] = np.nan
    assert not table.isomorphic("accuracy").apart


def test_a_value_beside_the_cells_is_not_dear():
    def valued(choose, inputs, outputs):
        dropout = nn.Dropout(choose.value("dropout", [0.0, 0.1, 0.2]))
        return nn.Sequential(network(choose, inputs, outputs), dropout)

    assert features_of(nw.Space(valued, (4,), 2)).is_cheap

    def sized(choose, inputs, outputs):
        widths = [choose.width(f"width{i}", 1, 20) for i in range(2)]
        return nn.Sequential(nn.Linear(4, widths[0]), nn.Linear(*widths), nn.Linear(widths[1], 2))

    assert not features_of(nw.Space(sized, (4,), 2)).is_cheap
