"""Each proxy on networks whose score can be worked out by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import netwright as nw
from netwright.errors import EvaluationError, SettingError
from netwright.proxies import Examples, Vote, scores_of

X = torch.tensor([[1.0, 2.0], [3.0, -1.0], [-2.0, 0.5]])
T = torch.tensor([[1.0], [0.0], [2.0]])


def square(outputs, targets):
    return (outputs - targets).pow(2).mean()


BATCH = Examples((X,), T, square)


def score(proxy, network, examples=BATCH, seed=0):
    return proxy.score(network, examples, np.random.default_rng(seed))


def linear(weight):
    network = nn.Linear(2, 1, bias=False)
    network.weight.data = torch.tensor([weight])
    return network


def by_hand(weight):
    """Weights, gradient and Hessian of the square loss of a linear network."""
    w, x, t = np.array(weight), X.numpy().astype(float), T.numpy().astype(float)
    gradient = 2 * ((x @ w - t[:, 0])[:, None] * x).mean(0)
    return w, gradient, 2 * x.T @ x / len(x)


def test_proxies_of_gradients() -> None:
    w, g, h = by_hand([0.5, -1.5])
    network = linear([0.5, -1.5])
    assert score(nw.SNIP(), network) == pytest.approx(np.abs(w * g).sum())
    assert score(nw.GradNorm(), network) == pytest.approx(np.sqrt((g**2).sum()))
    assert score(nw.GraSP(), network) == pytest.approx(-(w * (h @ g)).sum())


def test_biases_count_in_no_proxy_of_gradients() -> None:
    network = nn.Linear(2, 1)
    network.weight.data, network.bias.data = torch.zeros(1, 2), torch.tensor([5.0])
    assert score(nw.SNIP(), network) == 0.0


def test_fisher_adds_up_channels() -> None:
    w, x, t = [0.5, -1.5], X.numpy(), T.numpy()
    out = (x @ np.array(w))[:, None]
    product = out * 2 * (out - t) / 3  # activation times its gradient
    assert score(nw.Fisher(), linear(w)) == pytest.approx((product**2).mean() / 2, rel=1e-5)


def test_fisher_sums_the_places_of_a_channel_before_it_squares() -> None:
    network = nn.Conv2d(1, 2, 1, bias=False)
    network.weight.data = torch.tensor([1.0, 2.0]).view(2, 1, 1, 1)
    pictures = torch.tensor([[1.0, -1.0], [2.0, 2.0]]).view(2, 1, 1, 2)  # sums 0 and 4
    examples = Examples((pictures,), torch.zeros(2), lambda outputs, targets: outputs.sum())
    wanted = sum(np.mean([(c * 0) ** 2, (c * 4) ** 2]) / 2 for c in (1, 2))
    assert score(nw.Fisher(), network, examples) == pytest.approx(wanted)


@pytest.mark.parametrize("norm", [nn.Identity(), nn.BatchNorm1d(3), nn.LayerNorm(3)], ids=str)
def test_synflow_is_the_flow_through_every_layer(norm) -> None:
    first, second = nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False)
    network = nn.Sequential(first, norm, nn.ReLU(), second)
    one, other = (layer.weight.detach().double().abs().numpy() for layer in (first, second))
    flow = (other @ one).sum()  # all of it goes through each of the two layers
    assert score(nw.Synflow(), network) == pytest.approx(math.log1p(2 * flow), rel=1e-6)


def test_synflow_of_a_deep_network_stays_finite() -> None:
    layers = [nn.Linear(64, 64) for _ in range(30)]
    for layer in layers:
        nn.init.constant_(layer.weight, 10.0)
    value = score(nw.Synflow(), nn.Sequential(*layers), Examples((torch.randn(2, 64),)))
    assert value == pytest.approx(math.log(30 * 64) + 30 * math.log(640), rel=0.01)  # over 3e38


class Squares(nn.Module):
    def forward(self, x):
        return x.pow(2)


def test_jacov_is_of_the_correlation_of_gradients() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 9))
    examples = Examples((torch.tensor(rows),))
    v = np.linalg.eigvalsh(np.corrcoef(rows)) + 1e-5
    wanted = -np.sum(np.log(v) + 1 / v)
    assert score(nw.Jacov(), Squares(), examples) == pytest.approx(wanted, rel=1e-6)


def test_jacov_refuses_what_does_not_depend_on_an_example() -> None:
    with pytest.raises(EvaluationError, match="outputs do not depend on the inputs of every"):
        score(nw.Jacov(), nn.Sequential(nn.ReLU()), Examples((torch.tensor([[1.0], [-1.0]]),)))


class Functional(nn.Module):
    def forward(self, x):
        return functional.relu(x)


@pytest.mark.parametrize("network", [nn.ReLU(), nn.ReLU(inplace=True), nn.GELU(), Functional()])
def test_naswot_counts_the_places_in_which_codes_agree(network) -> None:
    x = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0], [-1.0, -1.0, 1.0]])
    kernel = np.array([[3, 2, 0], [2, 3, 1], [0, 1, 3]]) + 1e-3 * np.eye(3)
    wanted = math.log(np.linalg.det(kernel))
    assert score(nw.NASWOT(), network, Examples((x,))) == pytest.approx(wanted)


def test_naswot_is_finite_where_two_examples_have_one_code() -> None:
    alike, apart = (
        score(nw.NASWOT(), nn.ReLU(), Examples((torch.tensor(rows),)))
        for rows in ([[1.0, 2.0], [2.0, 1.0]], [[1.0, 2.0], [2.0, -1.0]])
    )
    assert alike < apart
    with pytest.raises(EvaluationError, match="has no activation"):
        score(nw.NASWOT(), linear([1.0, 1.0]))


def test_zen_of_features_that_are_the_inputs() -> None:
    examples = Examples((torch.zeros(64, 400),))
    network = nn.Sequential(nn.Identity(), nn.Linear(400, 2))
    wanted = math.log(0.01 * 400 * math.sqrt(2 / math.pi))  # the mean of |e| of 400 normal numbers
    assert score(nw.Zen(), network, examples) == pytest.approx(wanted, abs=0.02)
    ten = score(nw.Zen(change=0.1), network, examples)
    assert ten == pytest.approx(wanted + math.log(10), abs=0.02)


def test_zen_gives_back_what_batch_normalisation_took() -> None:
    def network(*norm):
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 2))
        return nn.Sequential(nn.Conv2d(8, 32, 3, padding=1), *norm, nn.ReLU(), *head)

    examples = Examples((torch.zeros(16, 8, 8, 8),))
    plain, normalised = (
        score(nw.Zen(repeats=4), network(*norm), examples) for norm in ([], [nn.BatchNorm2d(32)])
    )
    assert normalised == pytest.approx(plain, abs=0.05)  # the deviation is 8.5, its logarithm 2.1


def test_sizes() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1, bias=False))
    assert score(nw.Params(), network) == 12
    assert score(nw.MACs(), network) == 9


def test_what_goes_by_a_loss_needs_targets() -> None:
    with pytest.raises(SettingError, match=r"`Examples\(targets=..., loss=...\)` must be given"):
        score(nw.SNIP(), linear([1.0, 1.0]), Examples((X,)))


@pytest.mark.parametrize("inputs", [(), (X[:1],), (X, X[:2])])
def test_examples_are_as_many_in_each_tensor(inputs) -> None:
    with pytest.raises(SettingError, match="number of examples in each, at least 2"):
        Examples(inputs)


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(EvaluationError, match="SNIP cannot score the network: it is nan"):
        score(nw.SNIP(), linear([math.nan, 1.0]))


def test_a_vote_of_ranks_and_of_the_majority() -> None:
    scores = np.array([[3.0, 1.0, 1.0], [2.0, 3.0, 2.0], [1.0, 2.0, np.nan]])
    proxies = (nw.Params(), nw.MACs(), nw.Synflow())
    assert Vote(proxies).combine(scores).tolist() == pytest.approx([2.0, 8 / 3, 4 / 3])
    assert Vote(proxies, "majority").combine(scores).tolist() == [0.0, 2.0, -2.0]
    ties = np.array([[1.0], [1.0], [5.0]])
    assert Vote((nw.Params(),)).combine(ties).tolist() == [1.5, 1.5, 3.0]


def test_a_vote_needs_proxies_of_different_names() -> None:
    for wrong in ((), (nw.Zen(), nw.Zen(repeats=3)), ("synflow",)):
        with pytest.raises(SettingError, match=r"`Vote\(proxies=...\)` must"):
            Vote(wrong)
    with pytest.raises(SettingError, match="'ranks' or 'majority', got 'mean'"):
        Vote(rule="mean")


def test_scores_do_not_depend_on_the_other_proxies() -> None:
    network = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    both = scores_of((nw.Params(), nw.Zen()), network, BATCH, 5)
    assert both.tolist() == [33.0, scores_of((nw.Zen(),), network, BATCH, 5)[0]]
    assert np.isnan(scores_of((nw.NASWOT(),), linear([1.0, 1.0]), BATCH, 5)).all()


@pytest.mark.parametrize(
    "wrong", [{"change": 0}, {"change": math.inf}, {"repeats": 0}, {"repeats": 1.5}], ids=str
)
def test_settings_outside_their_rule(wrong) -> None:
    (name,) = wrong
    with pytest.raises(SettingError, match=rf"`Zen\({name}=...\)` must be"):
        nw.Zen(**wrong)
