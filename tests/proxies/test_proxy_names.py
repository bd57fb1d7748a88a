"""Proxies by their names, and lists of them as a user gives them."""

import pytest

import netwright as nw
from netwright.errors import SettingError
from netwright.proxies.names import proxies_from, proxy_named


def test_a_name_with_settings() -> None:
    assert proxy_named("--proxy", "zen(repeats=8)") == nw.Zen(repeats=8)
    given = proxies_from("proxies", ["synflow", nw.SNIP()])
    assert given == (nw.Synflow(), nw.SNIP())
    assert proxies_from("proxies", None) == proxies_from("proxies", []) == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["sinflow"], "did you mean 'synflow'"),
        (["zen(repeat=8)"], "zen has no setting 'repeat'; did you mean 'repeats'"),
        (["zen(repeats=0)"], "must be a whole number, at least 1"),
        ("synflow", "must be a list of proxies"),
        ([nw.Synflow], "must be a tuple of proxies"),
        (["synflow", nw.Synflow()], "must have each proxy once, .* got 'synflow' 2 times"),
    ],
    ids=str,
)
def test_wrong_ones_are_refused(given, said) -> None:
    with pytest.raises(SettingError, match=said):
        proxies_from("proxies", given)
