"""Runs of before a metric had its target in its name."""

import copy

from netwright.targets.logged import old_target, upgraded, with_targets

OLD = {
    "target": "pytorch",
    "objectives": [
        {"metric": "accuracy", "direction": "maximize"},
        {"metric": "latency_ms", "direction": "minimize"},
    ],
    "limits": [
        {"metric": "params", "bound": 5, "on": None},
        {"metric": "latency_ms", "bound": 1.0, "on": None},
    ],
    "call": {"limits": ["params=5", "latency_ms=1.0@pytorch"], "seed": 0},
}


def test_settings_say_where_latency_was_measured() -> None:
    given = copy.deepcopy(OLD)
    made = upgraded(given)
    assert given == OLD
    assert old_target(OLD) == "pytorch"
    assert [each["metric"] for each in made["objectives"]] == ["accuracy", "latency_ms@pytorch"]
    assert made["limits"] == [
        {"metric": "params", "bound": 5},
        {"metric": "latency_ms@pytorch", "bound": 1.0},
    ]
    assert made["targets"] == [{"name": "pytorch"}]
    assert made["call"] == {"limits": ["params=5", "latency_ms@pytorch=1.0"], "seed": 0}
    assert upgraded(made) == made
    assert old_target(made) is None


def test_events_too() -> None:
    old, new = {"params": 5, "latency_ms": 1.0}, {"params": 5, "latency_ms@pytorch": 1.0}
    for kind in ("finished", "rejected", "measured"):
        assert with_targets(kind, {"metrics": old, "x": 1}, "pytorch") == {"metrics": new, "x": 1}
        assert with_targets(kind, {"metrics": new}, None) == {"metrics": new}
    assert with_targets("confirmed", {"trials": {"3": old}}, "pytorch") == {"trials": {"3": new}}
    known = with_targets("created", {"known": [{"metrics": old}]}, "pytorch")
    assert known == {"known": [{"metrics": new}]}
    assert with_targets("closed", {"stage": "search"}, "pytorch") == {"stage": "search"}
