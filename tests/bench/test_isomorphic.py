"""Tables that have several rows of one network."""

from itertools import pairwise

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
    assert "strategies take them for one, so that 50 rows are not tried" in found.told()
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


def test_networks_that_did_not_learn_do_not_hide_that_rows_differ():
    table = tabled(0.02)
    deep = np.round(table.columns["accuracy"])
    table.columns["accuracy"][deep < 2] = -500.0
    assert np.std(table.columns["accuracy"]) > 1000 * 0.02
    assert table.isomorphic("accuracy").apart


def test_trainings_of_one_row_tell_the_noise():
    table, rng = tabled(0.0), np.random.default_rng(1)
    clean = table.columns.pop("accuracy")
    runs = clean + 0.3 * rng.normal(size=(3, len(clean)))
    table.columns |= {f"accuracy_6_seed{i}": run for i, run in enumerate(runs)}
    table.columns |= {"accuracy_6": runs.mean(axis=0), "accuracy_1": clean}
    found = table.isomorphic("accuracy")
    assert found.noise == pytest.approx(0.3 / np.sqrt(3), rel=0.2)
    assert found.within == pytest.approx(found.noise, rel=0.3) and found.apart
    assert f"trainings of one row: {found.noise:.3g}" in found.told()
    assert table.isomorphic("accuracy_1").noise is None


def test_what_was_not_measured_counts_for_nothing():
    table = tabled(0.2)
    table.columns["accuracy"][::2] = np.nan
    assert table.isomorphic("accuracy").apart
    table.columns["accuracy"][:] = np.nan
    assert not table.isomorphic("accuracy").apart


def sized(layers):
    def network(choose, inputs, outputs):
        widths = [choose.width(f"width{i}", 1, 20) for i in range(layers)]
        rows = (nn.Linear(a, b) for a, b in pairwise([4, *widths, 2]))
        return nn.Sequential(*rows)

    return nw.Space(network, (4,), 2)


def test_what_is_dear_is_told_by_what_is_traced():
    def valued(choose, inputs, outputs):
        dropout = nn.Dropout(choose.value("dropout", [i / 1000 for i in range(300)]))
        return nn.Sequential(network(choose, inputs, outputs), dropout)

    assert features_of(nw.Space(valued, (4,), 2)).is_cheap
    assert features_of(sized(2)).is_cheap  # 400 skeletons of few modules
    space, rng = sized(4), np.random.default_rng(0)
    assert not features_of(space).is_cheap
    rows = [space.sample(rng) for _ in range(200)]
    assert features_of(space.among(rows)).is_cheap  # a table of few
