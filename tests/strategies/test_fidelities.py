"""Trials of several budgets are one prediction, of the scores of the largest."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from netwright.strategies.fidelities import Fidelities
from netwright.surrogates import Gram, Kernel, Posterior, features_of, normal_scores
from netwright.testing.spaces import SPACES
from netwright.trial import Budget, Proposal

SPACE = SPACES["cells"]()
FEATURES = features_of(SPACE)
MEMBERS = list(dict.fromkeys(SPACE.sample(np.random.default_rng(i)) for i in range(200)))[:80]
WEIGHTS = np.random.default_rng(7).normal(size=len(SPACE.columns()))
WORTH = SPACE.encode(MEMBERS) @ WEIGHTS
SHORT, LONG = Budget(1), Budget(9)


def learnt(short, long, gains=None):
    """Trials of the first `short` members for a short time, and of some of them for a long one."""
    made = Fidelities(FEATURES, initial=5)
    for place in range(short):
        made.append(SHORT, MEMBERS[place], [float((WORTH if gains is None else gains)[place])])
    for place in long:
        made.append(LONG, MEMBERS[place], [float(WORTH[place])])
    return made


def test_trials_of_one_budget_are_a_gaussian_process() -> None:
    made = learnt(4, [])
    gram = Gram(FEATURES)
    for row in FEATURES.rows(MEMBERS[:4]):
        gram.append(int(row))
    alone = Posterior(gram, Kernel(), normal_scores(WORTH[:4]))
    rows = FEATURES.rows(MEMBERS[40:])
    mean, deviation = made.view().predict(rows)
    expected = alone.predict(rows)
    np.testing.assert_allclose(mean, expected[0], rtol=1e-9)
    np.testing.assert_allclose(deviation, expected[1], rtol=1e-9)
    assert made.view().top == pytest.approx(alone.fitted.max())


def test_what_a_short_training_tells_counts_for_a_long_one() -> None:
    """Few long trainings would not rank the others, and many short ones beside them do."""
    rows, long = FEATURES.rows(MEMBERS[40:]), range(6)
    with_short = learnt(40, long).view().predict(rows)[0]
    alone = learnt(0, long).view().predict(rows)[0]
    assert spearmanr(with_short, WORTH[40:]).statistic > 0.8
    assert spearmanr(with_short, WORTH[40:]) > spearmanr(alone, WORTH[40:])


def test_short_trainings_that_tell_the_opposite_are_soon_not_believed() -> None:
    rows, worth = FEATURES.rows(MEMBERS[40:]), WORTH[40:]
    misled = [
        spearmanr(learnt(40, range(count), -WORTH).view().predict(rows)[0], worth).statistic
        for count in (1, 30)
    ]
    assert misled[0] < -0.5
    assert misled[1] > 0.5


def test_what_was_trained_for_long_is_surer() -> None:
    rows = FEATURES.rows(MEMBERS[:20])
    deviation = learnt(40, range(10)).view().predict(rows)[1]
    assert deviation[:10].max() < deviation[10:].min()


def test_who_went_on_does_not_seem_worse_than_who_did_not() -> None:
    """The best of those who went on are the middle of theirs, not of all."""
    best = np.argsort(-WORTH[:40])[:8]
    mean, _ = learnt(40, best).view().predict(FEATURES.rows(MEMBERS[:40]))
    others = [place for place in range(40) if place not in best]
    assert mean[best].mean() > mean[others].max() - 0.2
    assert np.median(mean[best]) > np.median(mean[others]) + 1


def test_the_budget_of_the_evaluator_is_the_largest() -> None:
    made = Fidelities(FEATURES, initial=5)
    for budget, member in zip((None, SHORT, LONG), MEMBERS, strict=False):
        made.append(budget, member, [0.0])
    assert made.best(3) == [MEMBERS[0], MEMBERS[2], MEMBERS[1]]


def test_the_best_are_those_of_the_largest_budget_first() -> None:
    made = learnt(20, [3, 4])
    order = sorted(range(20), key=lambda place: -WORTH[place])
    long = sorted([3, 4], key=lambda place: -WORTH[place])
    rest = [place for place in order if place not in long]
    assert made.best(5) == [MEMBERS[place] for place in [*long, *rest][:5]]


def test_a_proposal_in_flight_is_believed_at_its_budget() -> None:
    made, flying = learnt(20, range(5)), MEMBERS[50]
    rows = FEATURES.rows([flying])
    alone = made.view().predict(rows)[1][0]
    short = made.view(pending=[Proposal(flying, SHORT)]).predict(rows)[1][0]
    long = made.view(pending=[Proposal(flying, LONG)]).predict(rows)[1][0]
    assert long < short < alone


def test_all_members_are_predicted_as_by_rows() -> None:
    space = SPACES["conditional"]()
    features = features_of(space)
    members = space.few(10_000)
    every = features.rows(members)
    made = Fidelities(features, initial=5)
    rng = np.random.default_rng(0)
    for member in members[:12]:
        made.append(SHORT, member, [rng.random()], every)
    for count, member in enumerate(members[:8]):
        made.append(LONG, member, [rng.random()], every)
        if count in (0, 7):  # before and after the prediction of the larger budget is kept
            view = made.view(pending=[Proposal(members[9], LONG)])
            kept, computed = view.everywhere(every), view.predict(every)
            np.testing.assert_allclose(kept, computed, rtol=1e-6, atol=1e-8)


def test_failed_trainings_rank_last() -> None:
    made = learnt(20, range(6))
    made.append(LONG, MEMBERS[20], [-np.inf])
    mean, _ = made.view().predict(FEATURES.rows(MEMBERS[:21]))
    assert mean[20] < mean[:6].min()
    assert MEMBERS[20] == made.best(7)[-1]


def test_nothing_is_said_without_trials() -> None:
    with pytest.raises(ValueError, match=r"no trials"):
        Fidelities(FEATURES, initial=5).view()
