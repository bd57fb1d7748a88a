"""Proxies of a run: metrics before training, objectives, and limits from below."""

import numpy as np
import pytest
import torch
from test_loop import Stopping, listed, loop, plan, size
from torch import nn

import netwright as nw
from netwright.cli.launch import parse_limit
from netwright.errors import EvaluationError, LimitError, SettingError
from netwright.evaluate.climb import check_scores_can_be_met
from netwright.evaluate.costs import Costs
from netwright.evaluate.scored import examples_of, scored
from netwright.record.reading import read_record
from netwright.report.sections import failures
from netwright.run.conclude import conclude
from netwright.run.fingerprint import check_same, settings_of
from netwright.run.origin import origin_of
from netwright.space import Space
from netwright.strategies import RandomSearch
from netwright.trial import SEARCH

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
            r"from below on the score of a proxy, .* got synflow <= 3; give "
            r"`search\(limits=\[nw.at_least\('synflow', 3\)\]\)`\.$",
        ),
        (
            {"limits": {"zen": 3}},
            r"got zen <= 3; give `search\(proxies=\['zen'\]\)` and `search\(limits=\[nw.at_least",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(given, said) -> None:
    with pytest.raises(SettingError, match=said):
        plan(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"limits": {"zen": 3}}, r"got zen <= 3; give `--proxy zen` and `--limit 'zen>=3'`\.$"),
        ({"limits": {"zen": 3}, "proxies": ["zen"]}, r"got zen <= 3; give `--limit 'zen>=3'`\.$"),
        ({"limits": [nw.at_least("zen", 3)]}, r"has none, got zen >= 3; give `--proxy zen`\.$"),
        (
            {"proxies": ["zen", "zen(repeats=8)"]},
            r"^`--proxy` must have each proxy once, .* 'zen' 2",
        ),
        (
            {"limits": [nw.at_least("loss", 3)]},
            r"`--limit` must be on the score of .* loss >= 3\.$",
        ),
    ],
    ids=str,
)
def test_the_remedy_is_an_option_on_the_command_line(given, said) -> None:
    with pytest.raises(SettingError, match=said):
        plan(**given, call={"data": "digits"})


def test_a_limit_from_below_that_cannot_be_met_is_refused_before_the_first_training(
    tmp_path,
) -> None:
    trained = []

    def train(model, epochs):
        trained.append(model)
        return 0.5

    space, scores = Space(network, 4, 3), []
    for architecture in space.neighbours(space.smallest()):
        built = space.build(architecture, seed=0)
        scores += scored([nw.Synflow()], built, nw.Function(train), space, 0).values()
    given = {"proxies": ["synflow"], "limits": [nw.at_least("synflow", 1e6)], "trials": 2}
    said = (
        rf"synflow >= 1e\+06 cannot be met: the largest found .* {max(scores):.6g}, of 59 networks"
    )
    with pytest.raises(LimitError, match=said):
        nw.search(space, train, store=tmp_path / "runs.db", workers=0, **given)
    assert not trained


class Wide(nw.Params):
    """Grows with each choice, so that the way up ends at the largest network."""

    cli_name = "wide"
    scored = 0

    def measure(self, network, examples, rng) -> float:
        type(self).scored += 1
        if network[0].out_features == 60:
            raise ValueError("it is too wide")
        return float(network[0].out_features)


def check(bound: float, seconds: float = 30.0, **limits: float) -> int:
    """How many networks are scored before it is known whether a limit can be met."""
    space, given = Space(network, 4, 3), nw.Function(size)
    every = (nw.at_least("wide", bound), *(nw.at_most(*each) for each in limits.items()))
    Wide.scored = 0
    costs = Costs(space, every, (), given)
    check_scores_can_be_met(costs, every, [Wide()], given, seed=0, seconds=seconds)
    return Wide.scored


def test_a_limit_from_below_is_looked_at_no_longer_than_it_must(tmp_path) -> None:
    assert check(2) == 1 and 1 <= check(59) <= 60
    with pytest.raises(
        LimitError, match=r"wide >= 60 .* the largest found .* is 59, of 59 networks"
    ):
        check(60)  # of which the last cannot be scored
    assert check(60, seconds=-1) == 0  # then the run may try
    with pytest.raises(LimitError, match=r"wide >= 59 .* is 12, "):
        check(59, params=8 * 12 + 3)  # 5 + 3 parameters for each of the width, and 3


def test_what_no_network_can_be_scored_by_says_why() -> None:
    class Never(Wide):
        cli_name = "wide"

        def measure(self, network, examples, rng) -> float:
            raise ValueError("it has no heart")

    space, given = Space(network, 4, 3), nw.Function(size)
    costs, limits = Costs(space, (), (), given), [nw.at_least("wide", 1)]
    with pytest.raises(EvaluationError, match="it has no heart"):
        check_scores_can_be_met(costs, limits, [Never()], given, seed=0)


def test_a_search_that_finds_nothing_names_the_largest_score(tmp_path) -> None:
    given = {"proxies": ["synflow"], "limits": [nw.at_least("synflow", 1e6)], "trials": 2}
    made = plan(space=Space(network, 4, 3), **given)
    run = loop(tmp_path, made)
    run.run()
    record = run.state.record
    scores = [each.metrics["synflow"] for each in record.rejections]
    told = f"the largest synflow of {len(scores)} networks is {max(scores):.6g}, below the limit"
    assert record.closed[SEARCH].endswith(f"in 1000 proposals: {told} 1e+06")
    conclude(run.store, "a", made)
    ended = read_record(run.store, "a").reason
    assert ended == f"no network kept the limits: {told} 1e+06"


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
