"""Gradients of logits against finite differences, in float64."""

from functools import partial

import pytest
import torch

from netwright.oneshot import DARTS, SNAS, DrNAS, FairDARTS, Relaxation, unrolled
from netwright.oneshot.base import Batch
from netwright.testing.oneshot import begun, in_double

STEP = 1e-7


def ready(make, name):
    """A search of float64, and a batch of each part."""
    shared = begun(partial(make, batch=12), name)
    in_double(shared)
    data = shared.setting.data
    batches = [
        Batch((part.x[:12].double(),), part.y[:12], data.task)
        for part in (data.train, data.validation)
    ]
    return shared, *batches


def difference(shared, loss, name, place):
    """The slope of a loss in one logit."""
    value, found = shared.logits.values[name], []
    for sign in (1, -1):
        value.data[place] += sign * STEP
        found.append(loss())
        value.data[place] -= sign * STEP
    return (found[0] - found[1]) / (2 * STEP)


THOROUGH = [pytest.param(name, marks=pytest.mark.thorough) for name in ("darts", "convnet", "vit")]


@pytest.mark.parametrize("name", ["nasbench201", "forest", *THOROUGH])
@pytest.mark.parametrize("make", [DARTS, SNAS, FairDARTS], ids=lambda s: s.__name__)
def test_the_first_order_gradient(make: type[Relaxation], name: str) -> None:
    shared, _, batch = ready(make, name)
    drawn, state = shared._drawn(), shared._generator.get_state()
    dropout = torch.get_rng_state()

    def loss():
        shared._generator.set_state(state)
        torch.set_rng_state(dropout)
        shared._mix(drawn)
        logits = [shared.logits.values[n] for n in shared.logits.mixed]
        with torch.no_grad():
            return float(batch.loss(shared.supernet) + shared.relaxation.penalty(logits))

    torch.set_rng_state(dropout)
    found, _ = shared.first_order(batch, drawn)
    assert found.keys() == set(shared.logits.mixed)
    checked = 0
    for choice in list(found)[:4]:
        for place in range(min(3, len(found[choice]))):
            slope = difference(shared, loss, choice, place)
            assert float(found[choice][place]) == pytest.approx(slope, rel=2e-4, abs=1e-7)
            checked += abs(slope) > 1e-6
    assert checked >= 3
    torch.set_rng_state(dropout)


@pytest.mark.parametrize("name", ["nasbench201", THOROUGH[0]])
def test_the_second_order_gradient_is_that_behind_a_step_of_the_weights(name, monkeypatch) -> None:
    """Of the paper's difference of two gradients with a step so small that it is nearly exact."""
    monkeypatch.setattr(unrolled, "_NEAR", 1e-6)
    rate = 0.05
    shared, batch, other = ready(partial(DARTS, order=2), name)
    shared._mix({})
    shared._learn(0, batch)  # so that there is momentum
    start = {k: v.clone() for k, v in shared.supernet.state_dict().items()}

    def behind():
        shared.supernet.load_state_dict(start)
        shared._mix({})
        parameters = shared._parameters
        gradients = torch.autograd.grad(batch.loss(shared.supernet), parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                if gradient is None:
                    continue
                decayed = gradient + shared.relaxation.weight_decay * parameter
                momentum = shared._optimizer.state[parameter]["momentum_buffer"]
                parameter -= rate * (decayed + 0.9 * (0.9 * momentum + decayed))
            shared._mix({})
            return float(other.loss(shared.supernet))

    shared.supernet.load_state_dict(start)
    found, _ = shared.second_order(batch, other, {}, rate)
    kept = shared.supernet.state_dict()
    assert all(torch.equal(kept[n], start[n]) for n, _ in shared.supernet.named_parameters())
    first, _ = shared.first_order(other, {})
    for choice in list(found)[:3]:
        for place in range(2):
            slope = difference(shared, behind, choice, place)
            assert float(found[choice][place]) == pytest.approx(slope, rel=1e-3, abs=1e-6)
    assert any(not torch.allclose(found[n], first[n], rtol=0.05) for n in found)


def test_logits_of_numbers_learn_by_the_score_function() -> None:
    shared, _, _ = ready(DARTS, "nats_size")
    assert not shared.logits.mixed and len(shared.logits.drawn) == 5
    shared._by_score.load({"baseline": torch.tensor(2.0), "losses": torch.tensor(100)})
    drawn = shared._drawn()
    found = shared._by_score.gradients(drawn, 1.5)  # better than the mean
    for name, slope in found.items():
        logits = shared.logits.values[name].detach().requires_grad_()
        place = shared.setting.space.choices[name].options.index(drawn[name])
        (-0.5 * logits.log_softmax(0)[place]).backward()
        assert torch.allclose(slope, logits.grad)


def test_a_draw_of_dirichlet_has_the_gradient_of_its_distribution() -> None:
    """The mean of f(w) with w of Dirichlet(c): d/dc E[w_0] is known in closed form."""
    logits = torch.tensor([0.3, -0.2, 0.1], dtype=torch.float64, requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([DrNAS().weigh(logits, 0.0, generator).weights for _ in range(4000)])
    (found,) = torch.autograd.grad(draws[:, 0].mean(), logits)
    (exact,) = torch.autograd.grad((c := torch.nn.functional.elu(logits) + 1)[0] / c.sum(), logits)
    assert torch.allclose(found, exact, atol=0.02)
