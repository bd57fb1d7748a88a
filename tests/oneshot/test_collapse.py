"""A search that turns to options without weights is ended with what it preferred before."""

import torch

from netwright.oneshot import DARTS
from netwright.record import Record
from netwright.report.oneshot import fallen
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
