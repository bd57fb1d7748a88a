"""Proxies compared on a table: what is drawn, what is told, and what is refused."""

import json
import math

import numpy as np
import pytest

import netwright as nw
from netwright.bench import Table, proxy_correlations
from netwright.cli import app
from netwright.cli.exits import guarded
from netwright.errors import DataError, SettingError
from netwright.proxies import Examples
from netwright.testing.spaces import SPACES


@pytest.fixture(scope="module")
def table() -> Table:
    """Networks whose accuracy is their size, and one more column without values."""
    space = SPACES["ruled"]()
    members = list(space.enumerate())[:30]
    sizes = np.array([space.survey(member).params for member in members], dtype=float)
    columns = {"accuracy": sizes, "worse": -sizes, "none": np.full(30, math.nan)}
    return Table(space, members, columns)


def test_a_proxy_that_is_the_column_ranks_it_exactly(table: Table) -> None:
    rng = np.random.default_rng(0)
    found = proxy_correlations(table, [nw.Params(), nw.Synflow()], "accuracy", 12, rng)
    params, synflow, voted = found
    assert (params.proxy, params.networks) == ("params", 12)
    assert (params.spearman, params.kendall) == pytest.approx((1.0, 1.0))
    assert 0.2 < synflow.spearman < 1.0 and synflow.seconds > 0
    assert synflow.spearman < voted.spearman and voted.proxy == "mean of ranks"
    (worse,) = proxy_correlations(table, [nw.Params()], "worse", 12, rng)
    assert worse.spearman == pytest.approx(-1.0)


def test_the_sample_follows_from_the_generator(table: Table) -> None:
    found = [
        proxy_correlations(table, [nw.Synflow()], "accuracy", 8, np.random.default_rng(seed))[0]
        for seed in (1, 1, 2)
    ]
    assert found[0].spearman == found[1].spearman != found[2].spearman


def test_what_cannot_be_scored_is_counted(table: Table) -> None:
    space = SPACES["one_point"]()
    small = Table(space, [space.smallest()] * 3, {"accuracy": [1.0, 2.0, 3.0]})
    with pytest.raises(DataError, match="has 1 values"):  # rows of equal networks are one
        proxy_correlations(small, [nw.NASWOT()], "accuracy", 3, np.random.default_rng(0))
    cells = SPACES["cells"]()  # without an activation
    members = list(cells.enumerate())[:5]
    none = Table(cells, members, {"accuracy": np.arange(5.0)})
    (row,) = proxy_correlations(none, [nw.NASWOT()], "accuracy", 5, np.random.default_rng(0))
    assert row.networks == 0 and math.isnan(row.spearman) and math.isnan(row.kendall)


def test_targets_are_asked_for(table: Table) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(SettingError, match="must have targets for SNIP, got None"):
        proxy_correlations(table, [nw.SNIP()], "accuracy", 5, rng)
    inputs = Examples.random(table.space.signature, rng, 8)
    loss = lambda outputs, targets: (outputs - targets).pow(2).mean()  # noqa: E731
    given = Examples(inputs.inputs, inputs.inputs[0][:, :3], loss)
    (row,) = proxy_correlations(table, [nw.SNIP()], "accuracy", 5, rng, given)
    assert row.networks == 5


@pytest.mark.parametrize(
    ("column", "sample", "error", "said"),
    [
        ("accuracy", 2, SettingError, "a whole number, at least 3, got 2"),
        ("other", 5, SettingError, "has no column 'other'"),
        ("none", 5, DataError, "The column 'none' .* has 0 values"),
    ],
)
def test_wrong_questions_are_refused(table: Table, column, sample, error, said) -> None:
    with pytest.raises(error, match=said):
        proxy_correlations(table, [nw.Params()], column, sample, np.random.default_rng(0))


def test_on_the_command_line(capsys) -> None:
    call = ["bench", "proxies", "--table", "forest", "--column", "accuracy", "--sample", "4"]
    assert guarded(app, [*call, "--proxy", "params", "--proxy", "zen(repeats=1)", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["proxy"] for row in rows] == ["params", "zen", "mean of ranks"]
    assert all(row["networks"] == 4 for row in rows)
    assert guarded(app, [*call, "--proxy", "params"]) == 0
    assert "params" in capsys.readouterr().err
    assert guarded(app, [*call, "--proxy", "snip"]) == 2
    assert "`--proxy` must need no targets" in capsys.readouterr().err
