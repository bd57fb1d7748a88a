"""Strategies by name."""

import pytest

import netwright as nw
from netwright.errors import SettingError
from netwright.strategies.names import NAMED, by_name
from netwright.testing.exports import STRATEGIES
from netwright.testing.spaces import SPACES


def test_every_exported_strategy_has_a_name():
    assert {type(by_name("--strategy", name)) for name in NAMED} == set(STRATEGIES)


@pytest.mark.parametrize("name", ["evolutoin", "Auto"])
def test_unknown_names_are_refused(name):
    with pytest.raises(SettingError, match=r"`--strategy` must be one of auto, .*got"):
        by_name("--strategy", name)


def test_a_search_takes_a_name(tmp_path):
    given = {"trials": 2, "finals": [], "workers": 0, "store": tmp_path / "runs.db", "refit": False}
    run = nw.search(SPACES["flat"](), lambda m, e: {"accuracy": 0.5}, strategy="evolution", **given)
    assert run.plan.strategy == nw.RegularizedEvolution()
    with pytest.raises(SettingError, match=r"`search\(strategy=...\)` must be one of .*auto, "):
        nw.search(SPACES["flat"](), lambda m, e: {"accuracy": 0.5}, strategy="best", **given)
