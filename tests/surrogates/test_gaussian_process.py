import numpy as np
import pytest

from netwright.space import Space
from netwright.surrogates import Gram, Kernel, Posterior, features_of, normal_scores
from netwright.surrogates.features import Features
from netwright.surrogates.gaussian_process import extended, likeliest, root_of
from netwright.testing.spaces import SPACES

KERNEL = Kernel(mix=(0.5, 0.3, 0.2), length=0.7, linear=0.4, noise=0.1)


def drawn(space: Space, count: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return list(dict.fromkeys(space.sample(rng) for _ in range(4 * count)))[:count]


@pytest.fixture
def observed():
    space = SPACES["cells"]()
    features = Features(space)
    rows = features.rows(drawn(space, 17))
    gram = Gram(features)
    for row in rows[:12]:
        gram.append(int(row))
    return features, gram, rows[12:], np.random.default_rng(0).normal(size=12)


def covariance(features, a, b, kernel=KERNEL):
    """As the module's first lines say, by differences."""
    squares, linear = np.zeros((len(a), len(b))), np.zeros((len(a), len(b)))
    whole = sum(w for w, s in zip(kernel.mix, features.scales, strict=True) if s)
    for which, (weight, scale) in enumerate(zip(kernel.mix, features.scales, strict=True)):
        if scale == 0:
            continue
        x, y = features.block(which, a), features.block(which, b)
        centre = np.zeros(x.shape[1])
        centre[: len(features.centres[which])] = features.centres[which]
        squares += weight / whole / scale * ((x[:, None] - y[None]) ** 2).sum(2)
        linear += weight / whole / scale * (x - centre) @ (y - centre).T
    near = np.exp(-squares / (2 * kernel.length**2))
    return kernel.linear * 2 * linear + (1 - kernel.linear) * near


def test_the_posterior_is_the_closed_form(observed):
    features, gram, new, y = observed
    mean, deviation = Posterior(gram, KERNEL, y).predict(new)
    own = covariance(features, gram.rows, gram.rows) + 0.1 * np.eye(12)
    near, centred = covariance(features, new, gram.rows), y - y.mean()
    variance = centred @ np.linalg.solve(own, centred) / 12  # the likeliest
    left = covariance(features, new, new) - near @ np.linalg.solve(own, near.T)
    assert mean == pytest.approx(near @ np.linalg.solve(own, centred) + y.mean())
    assert deviation**2 == pytest.approx(variance * np.diag(left))


def test_the_mean_at_what_was_observed_is_that_of_predict(observed):
    _, gram, _, y = observed
    process = Posterior(gram, KERNEL, y)
    assert process.fitted == pytest.approx(process.predict(gram.rows)[0])


def test_the_likelihood_is_that_of_the_normal_distribution(observed):
    features, gram, _, y = observed
    difference = []
    for noise in (0.1, 0.5):
        kernel = Kernel(KERNEL.mix, 0.7, 0.4, noise)
        own = covariance(features, gram.rows, gram.rows, kernel) + noise * np.eye(12)
        centred = y - y.mean()
        variance = centred @ np.linalg.solve(own, centred) / 12
        exact = -0.5 * np.linalg.slogdet(2 * np.pi * variance * own)[1] - 6
        difference.append(exact - Posterior(gram, kernel, y).likelihood())
    assert difference[0] == pytest.approx(difference[1])


def test_a_factor_grows_with_the_rows(observed):
    features, gram, new, _ = observed
    root = root_of(gram, KERNEL)
    for row in new:
        gram.append(int(row))
        root = extended(root, gram, KERNEL)
    assert root == pytest.approx(root_of(gram, KERNEL))


def test_kept_rows_are_those_of_a_fresh_start(observed):
    features, gram, _, _ = observed
    places = np.array([0, 3, 4, 9])
    fresh = Gram(features)
    for row in gram.rows[places]:
        fresh.append(int(row))
    gram.keep(places)
    assert (gram.own(KERNEL) == fresh.own(KERNEL)).all()


def test_columns_found_in_another_order_change_no_bit():
    space = SPACES["conditional"]()
    members = drawn(space, 30)
    kernels = []
    for order in (members, members[::-1]):
        features = Features(space)
        features.rows(order)
        gram = Gram(features)
        for row in features.rows(members[:12]):
            gram.append(int(row))
        kernels.append([gram.own(KERNEL), gram.against(KERNEL, features.rows(members[12:]))])
    assert all((a == b).all() for a, b in zip(*kernels, strict=True))


def test_a_smooth_truth_is_given_a_long_kernel_and_noise_a_noisy_one(observed):
    features, gram, _, _ = observed
    rng = np.random.default_rng(1)
    near = covariance(features, gram.rows, gram.rows)
    smooth = normal_scores(near @ rng.normal(size=12))
    assert likeliest(gram, smooth).noise < likeliest(gram, rng.permutation(smooth)).noise


def test_scores_are_those_of_ranks_and_failures_rank_last():
    scores = normal_scores(np.array([0.5, -np.inf, 0.9, 0.5, 0.1]))
    assert scores[0] == scores[3] == pytest.approx(0.2533, abs=1e-4)  # the middle of places 3 and 4
    assert np.argsort(scores)[0] == 1 and np.argmax(scores) == 2
    assert np.isfinite(scores).all()


def test_near_numbers_are_near():
    space = SPACES["flat"]()
    features = features_of(space)
    base = dict(space.smallest().answers)
    rows = features.block(
        2, features.rows([space.architecture({**base, "width": w}) for w in (4, 8, 16)])
    )
    first, near, far = rows
    assert np.sum((first - near) ** 2) < np.sum((first - far) ** 2) - 0.5


def test_features_are_kept_with_their_space_and_not_with_a_bounded_one():
    space = SPACES["flat"]()
    assert features_of(space) is features_of(space)
    assert features_of(space.within(lambda a: np.zeros(len(a)))) is not features_of(space)
