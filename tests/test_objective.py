"""Metrics with their targets, and limits as a user writes them."""

import copy
import json

import pytest

import netwright as nw
from netwright.errors import SettingError
from netwright.objective import Limit, MetricName, figures, limits_from
from netwright.targets import OnnxRuntime, PyTorch


def test_a_metric_is_its_text() -> None:
    metric = MetricName("latency_ms@pytorch")
    assert (metric.name, metric.target) == ("latency_ms", "pytorch")
    assert MetricName.on("latency_ms", "pytorch") == metric == "latency_ms@pytorch"
    assert {"latency_ms@pytorch": 1}[metric] == 1
    assert MetricName("params").target is None
    assert json.dumps({metric: 1}) == '{"latency_ms@pytorch": 1}'
    again = copy.deepcopy([metric])[0]
    assert (again, type(again)) == (metric, MetricName)


@pytest.mark.parametrize("text", ["", "@", "latency_ms@", "@pytorch", "a@b@c", "a=1", "a@b=1"])
def test_a_text_that_is_no_metric_is_refused(text) -> None:
    with pytest.raises(SettingError, match="metric@target"):
        MetricName(text)


def test_figures_of_one_name() -> None:
    metrics = {"latency_ms@b": 2.0, "latency_ms": 3.0, "latency_ms_low@b": 1.0, "latency_ms@a": 1.0}
    assert figures(metrics, "latency_ms") == {
        "latency_ms": 3.0, "latency_ms@a": 1.0, "latency_ms@b": 2.0,
    }  # fmt: skip
    assert [m.target for m in figures(metrics, "latency_ms")] == [None, "a", "b"]


def test_a_mapping_and_a_list_say_the_same() -> None:
    mapping = limits_from({"params": 5, "latency_ms@onnxruntime": 1.0})
    listed = limits_from([nw.at_most("params", 5), nw.at_most("latency_ms", 1.0, on=OnnxRuntime())])
    assert mapping == listed
    assert listed[1].on == OnnxRuntime()
    assert str(mapping[1]) == "latency_ms@onnxruntime <= 1"
    assert limits_from(None) == limits_from([]) == limits_from({}) == ()


def test_a_limit_is_on_its_own_target() -> None:
    limit = nw.at_most("latency_ms@pytorch", 1.0)
    assert limit.excess({"latency_ms@onnxruntime": 2.0, "latency_ms": 2.0}) is None
    assert limit.excess({"latency_ms@pytorch": 1.0}) is None
    said = "latency_ms@pytorch 2 is over the limit 1"
    assert limit.excess({"latency_ms@pytorch": 2.0}) == said


def test_a_limit_from_below_is_kept_by_what_is_above() -> None:
    limit = nw.at_least("jacov", -20)
    assert (str(limit), limit.least) == ("jacov >= -20", True)
    assert limit.excess({"jacov": -20.0}) is None and limit.excess({}) is None
    assert limit.excess({"jacov": -21.0}) == "jacov -21 is below the limit -20"
    assert limit != nw.at_most("jacov", 20)
    with pytest.raises(SettingError, match="limit on 'jacov' must be a finite number, got inf"):
        nw.at_least("jacov", float("inf"))


def test_an_objective_is_on_its_own_target() -> None:
    objective = nw.minimize("latency_ms", on=PyTorch())
    assert objective == nw.minimize("latency_ms@pytorch") and objective.on == PyTorch()
    assert objective.gain({"latency_ms@pytorch": 2.0}) == -2.0
    assert objective.gain({"latency_ms@onnxruntime": 2.0}) == -float("inf")


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (["params"], "must be a mapping .* or a list of limits"),
        ("params=5", "must be a mapping"),
        (5, "must be a mapping"),
        ({"params": "5"}, "limit on 'params' must be a finite number above 0, got '5'"),
        ({"params": True}, "limit on 'params' must be a finite number"),
        ({"params": 0}, "limit on 'params' must be a finite number"),
        ({"params": float("inf")}, "limit on 'params' must be a finite number"),
        ({"params": float("nan")}, "limit on 'params' must be a finite number"),
        ({3: 5}, "must be the name of a metric"),
        ([Limit("params", 5), Limit("params", 6)], "must have one bound for 'params'"),
    ],
)  # fmt: skip
def test_wrong_limits_are_refused(limits, said) -> None:
    with pytest.raises(SettingError, match=said):
        limits_from(limits)


def test_two_targets_for_one_metric_are_refused() -> None:
    with pytest.raises(SettingError, match="names another target than 'onnxruntime'"):
        nw.at_most("latency_ms@pytorch", 1.0, on=OnnxRuntime())
    with pytest.raises(SettingError, match=r"must be a target .* latency_ms@name"):
        nw.minimize("latency_ms", on="pytorch")
