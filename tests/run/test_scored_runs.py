"""Proxies of a run: metrics before training, objectives, and limits from below."""

import numpy as np
import pytest
import torch
from test_loop import Stopping, listed, loop, plan, size
from torch import nn

import netwright as nw
from netwright.cli.launch import parse_limit
from netwright.errors import SettingError
from netwright.evaluate.scored import examples_of, scored
from netwright.report.sections import failures
from netwright.run.fingerprint import check_same, settings_of
from netwright.run.origin import origin_of
from netwright.space import Space
from netwright.strategies import RandomSearch

SHORT = {"trials": 6, "strategy": RandomSearch(), "proxies": [nw.Synflow(), nw.Zen()]}


def network(choose, inputs, outputs):
    width = choose.width("width", 2, 60)
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, outputs))


def test_scores_are_metrics_of_every_trial_and_stay_in_the_finals(tmp_path) -> None:
    run = loop(tmp_path, plan(space=Space(network, 4, 3), **SHORT))
    run.run()
    measured = [e for e in run.store.events("a") if e.kind == "measured"]
    assert all({"synflow", "zen"} <= event.body["metrics"].keys() for event in measured)
    by_architecture = {t.architecture: t.metrics for t in run.history[:6]}
    assert len(run.history) == 6 + 4 + 2
    for trial in run.history:
        known = by_architecture[trial.architecture]
        assert (trial.metrics["synflow"], trial.metrics["zen"]) == (known["synflow"], known["zen"])
    first = run.history[0]
    built = run.plan.space.build(first.architecture, seed=first.seed)
    made = scored(run.plan.proxies, built, run.plan.evaluator, run.plan.space, first.seed)
    assert made.items() <= first.metrics.items()


def test_a_network_below_a_limit_is_trained_in_no_stage(tmp_path) -> None:
    trained = []

    def train(model, epochs):
        trained.append(model[0].out_features)
        return size(model, epochs)

    given = {**SHORT, "proxies": ["params", "synflow"], "limits": [nw.at_least("synflow", 3.0)]}
    made = plan(space=Space(network, 4, 3), evaluator=train, baseline=3, **given)
    run = loop(tmp_path, made)
    run.run()
    rejected = [e for e in run.store.events("a") if e.kind == "rejected"]
    assert rejected and all("is below the limit 3" in e.body["reason"] for e in rejected)
    assert len(trained) == 6 + 3 + 4 + 2
    assert all(trial.metrics["synflow"] >= 3 for trial in run.history)
    assert run.state.record.limits == made.limits
    told = failures(run.state.record)
    assert f"{len(rejected)} networks were measured below the limit synflow ≥ 3 and not" in told


def test_a_score_may_be_the_objective(tmp_path) -> None:
    given = {**SHORT, "objectives": [nw.maximize("synflow"), nw.minimize("params")]}
    run = loop(tmp_path, plan(space=Space(network, 4, 3), finals=(), **given))
    run.run()
    best = run.state.record.best
    assert best.metrics["synflow"] == max(t.metrics["synflow"] for t in run.history)


def test_what_a_proxy_cannot_score_fails_only_where_it_is_wanted(tmp_path) -> None:
    def flat(choose, inputs, outputs):
        return nn.Linear(4, choose.value("outputs", [3]))

    short = {"trials": 1, "finals": (), "strategy": RandomSearch(), "proxies": ["naswot"]}
    space = Space(flat, 4, 3)
    run = loop(tmp_path, plan(space=space, **short))
    run.run()
    assert run.history[0].done and "naswot" not in run.history[0].metrics
    wanted = {**short, "objectives": [nw.maximize("naswot")]}
    run = loop(tmp_path, plan(space=space, **wanted), name="b")
    run.run()
    assert run.history[0].status == "failed"
    assert "NASWOT cannot score the network: it has no activation" in run.history[0].reason


def test_a_run_that_was_stopped_goes_on_to_the_same_end(tmp_path) -> None:
    given = {**SHORT, "limits": [nw.at_least("zen", -1.0)], "space": Space(network, 4, 3)}
    whole = loop(tmp_path, plan(**given))
    whole.run()
    stopped = loop(tmp_path, plan(**given), Stopping(7), name="b")
    with pytest.raises(SystemError, match="killed"):
        stopped.run()
    again = loop(tmp_path, plan(**given), name="b")
    again.run()
    assert listed(again.history) == listed(whole.history)


def test_data_are_the_examples_where_there_are_any() -> None:
    data = nw.data.load("digits")
    space = Space(network, 4, 3)
    given = nw.Training(data, epochs=1)
    examples = examples_of(given, space, np.random.default_rng(0), count=16)
    assert examples.inputs[0].shape[0] == len(examples.targets) == 16
    flat = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    loss = data.task.loss(flat(*examples.inputs), examples.targets)
    assert torch.equal(examples.loss_of(flat), loss)
    found = scored([nw.SNIP(), nw.GradNorm()], flat, given, space, 1)
    assert all(value > 0 for value in found.values())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"proxies": ["snip"]}, "without targets where no data are known, got SNIP"),
        ({"proxies": [3]}, "must be a tuple of proxies"),
        ({"limits": [nw.at_least("synflow", 3)]}, "on the score of a proxy, .* has none"),
        (
            {"proxies": ["params"], "limits": [nw.at_least("params", 3)]},
            "on the score of a proxy, .* has params, got params >= 3",
        ),
        (
            {"proxies": ["synflow"], "limits": {"synflow": 3}},
            r"from below \(`at_least`\) on a score, .* got synflow <= 3",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(given, said) -> None:
    with pytest.raises(SettingError, match=said):
        plan(**given)


def test_a_score_of_the_name_of_a_metric_is_refused() -> None:
    class Accuracy(nw.Params):
        cli_name = "accuracy"

    evaluator = nw.Training(nw.data.load("digits"), epochs=1)
    space = nw.spaces.mlp((1, 8, 8), 10)
    with pytest.raises(SettingError, match="names that are no metrics of the training"):
        plan(space=space, evaluator=evaluator, proxies=[Accuracy()])


def test_a_one_shot_search_for_scores_alone_is_refused() -> None:
    given = {"evaluator": nw.Training(nw.data.load("digits"), epochs=1), "strategy": nw.GDAS()}
    given |= {"space": nw.spaces.mlp((1, 8, 8), 10), "proxies": ["synflow"]}
    with pytest.raises(SettingError, match="got the scores of proxies alone: 'synflow'"):
        plan(**given, objectives=[nw.maximize("synflow")])
    plan(**given, objectives=[nw.maximize("accuracy"), nw.maximize("synflow")])


def test_a_limit_from_below_on_the_command_line_and_in_the_log(tmp_path) -> None:
    limit = parse_limit("jacov>=-20.5")
    assert limit == nw.at_least("jacov", -20.5)
    assert parse_limit("params=2e4") == nw.at_most("params", 2e4)
    for text in ("jacov>=x", ">=3", "jacov>3"):
        with pytest.raises(SettingError, match="`--limit"):
            parse_limit(text)
    made = plan(proxies=["jacov", nw.Zen(repeats=3)], limits=[limit])
    settings = settings_of(made)
    assert settings["limits"] == [{"metric": "jacov", "bound": -20.5, "least": True}]
    assert settings["proxies"][1] == {
        "name": "Zen", "settings": {"change": 0.01, "repeats": 3},
    }  # fmt: skip


def test_the_log_of_a_run_without_proxies_is_one_of_before_there_were_any() -> None:
    then = settings_of(plan())
    del then["proxies"]
    check_same("a", then, settings_of(plan()))


def test_a_run_from_python_says_its_proxies_as_the_command_line_has_them() -> None:
    given = {"proxies": ["jacov", nw.Zen(repeats=3)], "limits": [nw.at_least("jacov", -20.5)]}
    made = plan(space=nw.spaces.mlp((4,), 3), evaluator=nw.Function(size), **given)
    call, why = origin_of(made)
    assert why is None, why
    assert call["proxies"] == ["jacov", "zen(repeats=3)"]
    assert call["limits"] == ["jacov>=-20.5"]
    assert [parse_limit(text) for text in call["limits"]] == list(made.limits)
