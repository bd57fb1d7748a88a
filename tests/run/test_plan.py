"""An option of a run is written once: in `Plan`, from which all other places follow."""

import inspect
from dataclasses import fields, replace

import pytest

import netwright as nw
from netwright.cli import exported, options
from netwright.errors import SettingError
from netwright.evaluate.function import Function
from netwright.run.fingerprint import check_same, settings_of
from netwright.run.options import flag_of, options_of
from netwright.run.plan import Plan
from netwright.run.search import open_run
from netwright.targets.asked import default_target
from netwright.testing.spaces import SPACES

SPACE = SPACES["flat"]()


def train(model, epochs):
    return {"accuracy": 0.5}


def plan(**given) -> Plan:
    return Plan(SPACE, train, **{"trials": 3} | given)


def test_search_has_the_options_of_the_plan_with_their_defaults() -> None:
    parameters = dict(inspect.signature(nw.search).parameters)
    assert parameters.pop("watch").default is None
    assert [*parameters] == ["space", "evaluator", *options_of(Plan)]
    defaults = {each.name: each.default for each in fields(Plan)}
    for name in options_of(Plan):
        assert parameters[name].default == defaults[name], name
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY


def test_search_gives_the_plan_what_it_is_given(tmp_path) -> None:
    given = {
        "strategy": nw.LocalSearch(2),
        "objectives": [nw.minimize("params")],
        "limits": {"params": 900},
        "targets": [nw.PyTorch()],
        "proxies": [nw.Params()],
        "trials": 2,
        "minutes": 3.0,
        "epochs": 4,
        "finals": [[1, 2]],
        "refit": False,
        "baseline": 1,
        "workers": 0,
        "deterministic": True,
        "seed": 7,
        "trial_minutes": 2.0,
        "designs": False,
        "portfolio": False,
        "rehearse": False,
        "export": False,
        "store": tmp_path / "a.db",
        "run": "mine",
        "out": tmp_path / "out",
    }
    assert {*given} == {*options_of(Plan)} - {"executor", "stopper", "warm_start"}
    run = nw.search(SPACE, lambda model, epochs: {"params": 1.0}, **given)
    wanted = given | {
        "objectives": (nw.minimize("params"),),
        "limits": plan(limits={"params": 900}).limits,
        "targets": (nw.PyTorch(),),
        "proxies": (nw.Params(),),
        "finals": ((1, 2),),
    }
    assert {name: getattr(run.plan, name) for name in given} == wanted
    again = open_run(SPACE, run.plan.evaluator, **given)
    assert again.plan == run.plan or again.name == run.name
    assert (tmp_path / "out" / "model.py").is_file()


def test_the_command_line_has_them_too() -> None:
    known = {name: each for name, each in options_of(Plan).items() if each.flag is not None}
    assert [declared.name for declared in exported.SEARCH] == [*known]
    assert [declared.flag for declared in exported.SEARCH] == [flag_of(*x) for x in known.items()]
    assert {declared.in_files for declared in exported.SEARCH} <= options.KNOWN.keys()
    for declared in exported.SEARCH:
        assert declared.default in (None, [], "auto", "0", 0, False, True, "netwright.db")


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"trials": 0}, "a whole number above 0, got 0"),
        ({"trials": True}, "a whole number above 0, got True"),
        ({"epochs": 2.5}, "a whole number above 0, got 2.5"),
        ({"minutes": float("nan")}, "a number above 0, got nan"),
        ({"minutes": float("inf")}, "a number above 0, got inf"),
        ({"trial_minutes": 0}, "a number above 0, got 0"),
        ({"seed": -1}, "a whole number, at least 0, got -1"),
        ({"workers": 1.0}, "a whole number, at least 0, got 1.0"),
        ({"baseline": "some"}, "a whole number, at least 0 or \"same\", got 'some'"),
        ({"deterministic": 1}, "True or False, got 1"),
        ({"refit": "no"}, "True or False, got 'no'"),
        ({"run": 3}, "a name, got 3"),
        ({"store": 3}, "a path, a URL or a Store, got 3"),
        ({"out": 3}, "a folder, got 3"),
        ({"finals": ""}, "pairs (networks, epochs) of whole numbers above 0"),
        ({"proxies": ""}, "a list of proxies such as"),
        ({"finals": [(1,)]}, "pairs (networks, epochs) of whole numbers above 0"),
        ({"strategy": 3}, "a Strategy such as `RandomSearch()`"),
        ({"objectives": "accuracy"}, "a list such as"),
    ],
    ids=str,
)
def test_a_plan_checks_itself_in_the_words_of_where_it_was_asked_for(given, rule) -> None:
    (name,) = given
    with pytest.raises(SettingError) as python:
        plan(**given)
    assert str(python.value).startswith(f"`search({name}=...)` must be {rule}")
    with pytest.raises(SettingError) as command_line:
        plan(**given, call={"data": "digits"})
    flag = {"objectives": "--objective", "proxies": "--proxy"}.get(
        name, f"--{name.replace('_', '-')}"
    )
    assert str(command_line.value).startswith(f"`{flag}` must be {rule}")
    with pytest.raises(SettingError):
        replace(plan(), **given)


def test_what_is_left_out_is_filled_in() -> None:
    made = plan()
    assert (made.strategy, made.objectives) == (nw.Auto(), (nw.maximize("accuracy"),))
    assert (made.limits, made.finals, made.refit) == ((), (), False)
    assert made.evaluator == Function(train)
    assert made.targets == (default_target(),)
    assert plan(targets=()).targets == ()
    assert plan(targets=(), limits={"latency_ms@pytorch": 9}).targets == (nw.PyTorch(),)
    assert made.bounds == (3, None, None)
    assert plan(trial_minutes=0.5).trial_seconds == 30
    with pytest.raises(SettingError, match=r"`limits=...` must be a mapping .*, got ''\.$"):
        plan(limits="")
    with pytest.raises(SettingError, match=r"`search\(...\)` must have a budget"):
        plan(trials=None)


OTHER = {
    "strategy": nw.RandomSearch(),
    "stopper": nw.Hyperband(),
    "objectives": [nw.minimize("accuracy")],
    "limits": {"params": 900},
    "targets": [nw.PyTorch(threads=7)],
    "proxies": [nw.Params()],
    "finals": [(1, 1)],
    "refit": None,
    "seed": 1,
}


def test_a_run_goes_on_with_what_is_fixed_as_it_was_and_anything_else() -> None:
    before = settings_of(plan())
    fixed = {name for name, known in options_of(Plan).items() if known.fixed}
    assert fixed == OTHER.keys()
    for name in fixed - {"refit"}:
        with pytest.raises(nw.NetwrightError, match=f"cannot go on with another {name}"):
            check_same("a", before, settings_of(plan(**{name: OTHER[name]})))
    free = {"trials": 9, "minutes": 1.0, "epochs": 3, "workers": 0, "deterministic": True}
    check_same("a", before, settings_of(plan(**free, baseline=2, trial_minutes=1.0)))


def test_the_log_has_the_keys_that_older_logs_have() -> None:
    body = settings_of(plan(limits={"params": 900}, call={"data": "digits"}))
    assert body["strategy"] == {"name": "Auto", "settings": {}}
    assert body["objectives"] == [{"metric": "accuracy", "direction": "maximize"}]
    assert body["limits"] == [{"metric": "params", "bound": 900}]
    assert body["budget"] == {"trials": 3, "minutes": None, "epochs": None}
    assert (body["finals"], body["refit"], body["baseline"]) == ([], False, 0)
    assert (body["deterministic"], body["seed"], body["workers"]) == (False, 0, 1)
    assert body["call"] == {"data": "digits"}
    assert not {"store", "run", "out", "executor", "export"} & body.keys()
