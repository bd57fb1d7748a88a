"""A search that turns to options without weights is ended with what it preferred before."""

import pytest
import torch

from netwright.oneshot import DARTS, RobustDARTS, curvature
from netwright.oneshot.base import Batch
from netwright.oneshot.curvature import Curvature, dominant_eigenvalue
from netwright.record.record import Record
from netwright.report.shared_weights import fallen
from netwright.testing.oneshot import begun


def turned(shared, option: str, by: float) -> None:
    for name, value in shared.logits.values.items():
        options = shared.setting.space.choices[name].options
        value.data[options.index(option)] += by


def test_what_has_weights_is_known() -> None:
    shared = begun(DARTS)
    free = shared.supernet.without_weights("edge01")
    options = shared.setting.space.choices["edge01"].options
    assert dict(zip(options, free, strict=True)) == {
        "none": True,
        "skip_connect": True,
        "nor_conv_1x1": False,
        "nor_conv_3x3": False,
        "avg_pool_3x3": True,
    }
    assert begun(DARTS, "nats_size").logits.parameter_free() is None


def test_undecided_logits_are_no_alarm() -> None:
    """The arg-max of equal logits is the first option, here one of nothing."""
    shared = begun(lambda: DARTS(epochs=4, waiting=0.5))
    found = shared.advance()
    assert found["parameter_free"] == 1.0
    assert "collapsed" not in found
    assert not shared.collapsed


def test_a_collapse_ends_the_search_with_the_logits_before_it() -> None:
    shared = begun(lambda: DARTS(epochs=4, waiting=0.0, logit_rate=1e-6))
    turned(shared, "nor_conv_3x3", 1.0)
    assert "collapsed" not in shared.advance()
    good = {name: value.detach().clone() for name, value in shared.logits.values.items()}
    step = shared._learn_logits

    def slips(*batches) -> None:
        step(*batches)
        turned(shared, "skip_connect", 3.0)

    shared._learn_logits = slips
    found = shared.advance()
    assert found["collapsed"]
    assert found["parameter_free"] == 1.0
    assert shared.collapsed
    assert all(torch.equal(value, good[name]) for name, value in shared.logits.values.items())
    assert set(shared.logits.best().answers.values()) == {"nor_conv_3x3"}
    again = begun(lambda: DARTS(epochs=4))
    again.load({key: value.clone() for key, value in shared.state().items()})
    assert again.collapsed
    record = Record("a", {}, 0.0, shared={1: {"epoch": 1}, 2: {"epoch": 2, **found}})
    assert fallen(record).startswith("In epoch 2 the search began to collapse: 100% of the options")


def test_the_alarm_can_be_turned_off() -> None:
    shared = begun(lambda: DARTS(epochs=2, waiting=0.0, alarm=1.0))
    turned(shared, "skip_connect", 5.0)
    assert "collapsed" not in shared.advance()


def test_the_eigenvalue_is_that_of_the_matrix() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(6, 6, dtype=torch.float64, generator=generator)
    matrix = matrix @ matrix.t() + torch.diag(torch.tensor([30.0, 0, 0, 0, 0, 0]))
    x = torch.ones(6, dtype=torch.float64)
    found = dominant_eigenvalue(lambda: [matrix @ x], [x], seed=1)
    assert found == pytest.approx(float(torch.linalg.eigvalsh(matrix)[-1]), rel=1e-3)
    assert x.tolist() == [1.0] * 6


def test_the_eigenvalue_of_a_supernet_is_that_of_its_second_derivative(monkeypatch) -> None:
    monkeypatch.setattr(curvature, "_NEAR", 1e-5)  # on so small a network 0.01 meets kinks
    monkeypatch.setattr(curvature, "_STEPS", 100)
    shared = begun(lambda: RobustDARTS(batch=48, waiting=0.0, epochs=4))
    shared.supernet.double()
    shared.supernet.train()
    shared._generator = torch.Generator()
    shared.logits.mixed[:] = shared.logits.by_gradient[:] = ["edge01"]
    value = shared.logits.values["edge01"]
    value.data = value.data.double()
    part = shared.setting.data.validation
    batch = Batch((part.x.double(),), part.y, shared.setting.task)
    found = dominant_eigenvalue(
        lambda: list(shared.first_order(batch, {})[0].values()), [value], seed=0
    )

    def slope(at):
        value.data = at
        return shared.first_order(batch, {})[0]["edge01"]

    at, near = value.data.clone(), 1e-5
    rows = [(slope(at + near * e) - slope(at - near * e)) / (2 * near) for e in torch.eye(5)]
    values = torch.linalg.eigvalsh(torch.stack(rows))
    assert found == pytest.approx(float(values[values.abs().argmax()]), rel=0.02)


def test_a_loss_that_bends_ever_more_ends_the_search_with_logits_of_before() -> None:
    shared = begun(lambda: RobustDARTS(epochs=6, waiting=0.0, over=2, batch=24))
    shared._eigenvalue = iter((1.0, 1.0, 1.2, 1.1, 2.0)).__next__
    kept = []
    while not shared.collapsed:
        found = shared.advance()
        kept.append(shared.logits.copy())
    assert len(kept) == 5
    assert found["sharpened"]
    best = Curvature(2)
    best.load(shared.state())
    assert best.eigenvalues == [1.0, 1.0, 1.2, 1.1, 2.0]
    assert all(torch.equal(v, kept[2][n]) for n, v in shared.logits.values.items())


def test_a_loss_that_bends_ever_more_does_not_end_a_search_that_has_just_begun() -> None:
    shared = begun(lambda: RobustDARTS(epochs=8, waiting=0.0, over=2, batch=24))
    shared._eigenvalue = iter((1.0, 2.0, 4.0, 8.0, 16.0, 32.0)).__next__
    kept = []
    while not shared.collapsed:
        shared.advance()
        kept.append(shared.logits.copy())
    assert len(kept) == 6
    assert all(torch.equal(v, kept[3][n]) for n, v in shared.logits.values.items())
