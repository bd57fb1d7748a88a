"""What ours predict with, and their settings."""

from functools import partial

import numpy as np
import pytest

from netwright.errors import SettingError
from netwright.space import Space
from netwright.surrogates import (
    BoostedTrees,
    GaussianProcess,
    Gram,
    NetworkEnsemble,
    Posterior,
    features_of,
    normal_scores,
)
from netwright.surrogates.gaussian_process import likeliest
from netwright.testing.spaces import SPACES


def drawn(space, count: int):
    rng = np.random.default_rng(1)
    return list(dict.fromkeys(space.sample(rng) for _ in range(4 * count)))[:count]


def test_the_process_is_the_posterior_with_the_likeliest_kernel() -> None:
    """In the unit of normal scores, which are given as scores."""
    space = SPACES["conditional"]()
    members = sorted(drawn(space, 24), key=lambda member: member.id)
    learnt, asked = members[:16], members[16:]
    normal = normal_scores(np.random.default_rng(2).permutation(16))
    gram = Gram(features_of(space))
    for row in features_of(space).rows(learnt):
        gram.append(int(row))
    posterior = Posterior(gram, likeliest(gram, normal), normal)
    wanted, deviations = posterior.predict(features_of(space).rows(asked))
    mean, deviation = GaussianProcess().fit(space, learnt, normal).predict(asked)
    assert mean == pytest.approx(wanted)
    assert deviation == pytest.approx(deviations, rel=1e-6)


def test_more_rows_than_are_predicted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    space = SPACES["cells"]()
    members = drawn(space, 30)
    fitted = GaussianProcess().fit(space, members[:10], np.arange(10.0))
    whole = fitted.predict(members)
    monkeypatch.setattr("netwright.surrogates.known._AT_ONCE", 7)
    assert np.allclose(fitted.predict(members), whole)


@pytest.mark.parametrize("made_by", [NetworkEnsemble, partial(BoostedTrees, trees=10)])
def test_seed_and_members_matter(made_by) -> None:
    space = SPACES["cells"]()
    members = drawn(space, 20)
    settings = ({}, {"seed": 1}, {"members": 3})
    said = [
        made_by(**s).fit(space, members[:12], np.arange(12.0)).predict(members)[0] for s in settings
    ]
    assert not np.allclose(said[0], said[1]) and not np.allclose(said[0], said[2])


def test_trees_do_not_depend_on_the_order_in_which_networks_were_seen() -> None:
    """Columns of sequences are numbered as they are found."""
    made = SPACES["conditional"]()
    members = drawn(made, 20)
    said = []
    for order in (members, members[::-1]):
        space = Space(made.network, (4,), 3)
        features_of(space).rows(order)
        said.append(BoostedTrees(members=2, trees=20).fit(space, members, np.arange(20.0)))
    assert np.array_equal(said[0].predict(members), said[1].predict(members))


@pytest.mark.parametrize(
    ("made_by", "given", "rule"),
    [
        (NetworkEnsemble, {"members": 1}, "a whole number, at least 2, got 1"),
        (NetworkEnsemble, {"seed": -1}, "a whole number, at least 0, got -1"),
        (BoostedTrees, {"members": True}, "a whole number, at least 2, got True"),
        (BoostedTrees, {"trees": 0}, "a whole number, at least 1, got 0"),
        (BoostedTrees, {"depth": 1.5}, "a whole number, at least 1, got 1.5"),
        (BoostedTrees, {"rate": 0.0}, "above 0 and at most 1, got 0.0"),
        (BoostedTrees, {"rate": 2}, "above 0 and at most 1, got 2"),
    ],
)
def test_settings_are_checked(made_by, given: dict, rule: str) -> None:
    (name,) = given
    with pytest.raises(SettingError, match=rf"`{made_by.__name__}\({name}=...\)` must be {rule}"):
        made_by(**given)


def test_what_is_wrong_with_scores_is_said() -> None:
    space = SPACES["flat"]()
    members = drawn(space, 2)
    with pytest.raises(SettingError, match="got 2 architectures and scores of shape"):
        GaussianProcess().fit(space, members, [1.0])
    with pytest.raises(SettingError, match="got nan at place 1"):
        GaussianProcess().fit(space, members, [1.0, np.nan])
