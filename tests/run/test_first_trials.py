"""Well-known networks are tried first, as large as they may be, and come to the finals."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from torch import nn

import netwright as nw
from netwright.record.designs import designs_noted, designs_told
from netwright.record.division import Division, Share
from netwright.record.events import TimePlanned
from netwright.record.place import Place
from netwright.run.designs import first_of_space
from netwright.run.plan import Plan
from netwright.run.sources import Sources
from netwright.space import Design
from netwright.trial import History, Stage

DESIGNS = [
    Design("tanh", {"act": "tanh"}, {"width": 1}, usual=8),
    Design("relu", {"act": "relu"}, {"width": 1}, usual=16),
    Design("gelu", {"act": "gelu"}, {"width": 1}, usual=16),
]


def network(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    width = choose.width("width", 4, 64, step=4)
    act = choose.one_of("act", relu=nn.ReLU, tanh=nn.Tanh, gelu=nn.GELU)
    bias = choose.value("bias", [True, False])
    return nn.Sequential(
        nn.Flatten(), nn.Linear(4, width, bias=bias), act, nn.Linear(width, outputs)
    )


def space() -> nw.Space:
    return nw.Space(network, (4,), 3, designs=DESIGNS)


def narrow_is_good(model: nn.Module, epochs: int) -> dict[str, float]:
    return {"accuracy": 1 / sum(p.numel() for p in model.parameters())}


def searched(path: Path, **given) -> nw.Run:
    settings = {"trials": 6, "workers": 0, "rehearse": False, "export": False}
    settings |= {"store": path / "runs.db", "strategy": "random", **given}
    return nw.search(space(), nw.Function(narrow_is_good), **settings)


def tried(run: nw.Run) -> list[tuple[str | None, int]]:
    trials = [t for t in run.record.history if t.proposal.stage.is_search]
    trials.sort(key=lambda t: t.number)
    return [(t.proposal.design, t.architecture["width"]) for t in trials]


def test_they_are_the_first_trials_at_their_usual_sizes(tmp_path: Path) -> None:
    run = searched(tmp_path)
    assert tried(run)[:3] == [("tanh", 8), ("relu", 16), ("gelu", 16)]
    assert [name for name, _ in tried(run)[3:]] == [None] * 3


def test_under_limits_each_is_as_large_as_they_allow(tmp_path: Path) -> None:
    run = searched(tmp_path, limits={"params": 8 * 28 + 3})  # a width has 8 params for each
    assert tried(run)[:3] == [("tanh", 28), ("relu", 28), ("gelu", 28)]


def test_they_take_half_of_the_trials_at_most(tmp_path: Path) -> None:
    assert [name for name, _ in tried(searched(tmp_path, trials=4))] == ["tanh", "relu", None, None]
    alone = searched(tmp_path, trials=1, run="one")
    assert tried(alone) == [("tanh", 8)]


def test_they_can_be_left_out(tmp_path: Path) -> None:
    assert [name for name, _ in tried(searched(tmp_path, designs=False))] == [None] * 6


def test_a_warm_start_and_shared_weights_know_better(tmp_path: Path) -> None:
    searched(tmp_path, run="first")
    run = searched(tmp_path, run="second", warm_start="first")
    assert not any(name for name, _ in tried(run))


def test_a_resumed_run_goes_on_with_the_next(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def stop(progress: object) -> None:
        if len(progress.history) == 1:  # type: ignore[attr-defined]
            raise Enough

    with pytest.raises(Enough):
        searched(tmp_path, run="stopped", watch=stop)
    assert tried(searched(tmp_path, run="stopped")) == tried(searched(tmp_path, run="whole"))


def test_under_a_stopper_they_enter_as_others_do(tmp_path: Path) -> None:
    run = searched(tmp_path, stopper="asha(budgets=(1, 3))")
    first = sorted(run.record.history, key=lambda t: t.number)[:2]
    assert [t.proposal.design for t in first] == ["tanh", "relu"]
    assert [t.proposal.epochs for t in first] == [1, 1]


def test_the_best_of_them_comes_to_the_finals(tmp_path: Path) -> None:
    run = searched(tmp_path, trials=60, finals=[(3, 2), (2, 3)])
    finals = [t for t in run.record.history if t.proposal.stage == Stage.final(1)]
    smaller = [width for name, width in tried(run) if name is None and width < 8]
    assert len(smaller) >= 3  # which are all better by the trials alone
    assert [t.architecture["width"] for t in finals if t.proposal.design == "tanh"] == [8]


def test_the_result_tells_what_they_reached(tmp_path: Path) -> None:
    run = searched(tmp_path, trials=6, finals=[(2, 3)])
    told = designs_told(run.record)
    assert told.startswith("tanh ") and "relu " in told and "gelu " in told
    assert "(final 1)" in told.split(", ")[0] and "(search)" in told.split(", ")[-1]
    note = designs_noted(run.record, run.record.best)
    is_one = run.record.best.proposal.design is not None
    assert note.startswith("It is the well-known network") == is_one
    without = searched(tmp_path, designs=False, run="without")
    assert designs_noted(without.record, without.record.best) == ""


def test_what_the_space_does_not_allow_is_not_tried(tmp_path: Path) -> None:
    limited = space().limited({"params": 8 * 12 + 3})
    run = nw.search(
        limited, nw.Function(narrow_is_good), trials=6, workers=0, rehearse=False, export=False,
        strategy="random", store=tmp_path / "runs.db",
    )  # fmt: skip
    assert tried(run)[:3] == [("tanh", 8), ("relu", 12), ("gelu", 12)]
    assert all(t.metrics["params"] <= 99 for t in run.record.history)


def test_all_of_them_follow_a_small_network_that_tells_the_time(tmp_path: Path) -> None:
    run = searched(tmp_path, minutes=0.5, trials=8)
    assert tried(run)[:4] == [(None, 4), ("tanh", 8), ("relu", 16), ("gelu", 16)]


def test_a_design_that_goes_on_under_a_stopper_keeps_its_name(tmp_path: Path) -> None:
    run = searched(tmp_path, trials=16, stopper="asha(budgets=(1, 3), eta=2)", finals=[(3, 9)])
    longer = [t for t in run.record.history if t.proposal.epochs == 3]
    by_number = {t.number: t for t in run.record.history}
    for trial in longer:
        assert trial.proposal.design == by_number[trial.proposal.parent].proposal.design
    assert any(t.proposal.design for t in longer)
    finals = [t.architecture for t in run.record.history if t.proposal.stage.is_final]
    assert len(finals) == len(set(finals)) == 3


WIDTHS = [Design(f"{width}", {"act": "relu", "bias": False}, {"width": width}) for width in (12, 4)]
SAME = Design("same", {"act": "tanh"}, {"width": 8})  # as a design is
OTHERS = [SAME, *WIDTHS, Design("gelu", {"act": "gelu", "bias": False}, {"width": 40})]


def with_portfolio(path: Path, **given) -> nw.Run:
    settings = {"trials": 20, "workers": 0, "rehearse": False, "export": False}
    settings |= {"store": path / "runs.db", "strategy": "random", **given}
    known = nw.Space(network, (4,), 3, designs=DESIGNS, portfolio=OTHERS)
    return nw.search(known, nw.Function(narrow_is_good), **settings)


def test_the_portfolio_comes_after_the_designs_and_is_not_named(tmp_path: Path) -> None:
    run = with_portfolio(tmp_path)
    assert tried(run)[:3] == [("tanh", 8), ("relu", 16), ("gelu", 16)]
    assert tried(run)[3:6] == [(None, 12), (None, 4), (None, 40)]  # one was a design
    assert designs_told(run.record).count("(") == 3
    first = sorted(run.record.history, key=lambda t: t.number)[3:6]
    assert not any(t.architecture["bias"] for t in first)


def test_it_can_be_left_out_and_so_can_the_designs_alone(tmp_path: Path) -> None:
    def biases(run: nw.Run) -> list[bool]:
        trials = sorted(run.record.history, key=lambda t: t.number)
        return [bool(t.architecture["bias"]) for t in trials]

    without = with_portfolio(tmp_path, run="without", portfolio=False, trials=8)
    assert [name for name, _ in tried(without)][:4] == ["tanh", "relu", "gelu", None]
    assert tried(without)[3:6] != [(None, 12), (None, 4), (None, 40)]
    alone = with_portfolio(tmp_path, run="alone", designs=False)
    assert tried(alone)[:4] == [(None, 8), (None, 12), (None, 4), (None, 40)]
    assert biases(alone)[:4] == [True, False, False, False]


def test_with_the_designs_it_takes_half_of_the_trials_at_most(tmp_path: Path) -> None:
    assert tried(with_portfolio(tmp_path, trials=8))[3] == (None, 12)
    assert len(first_of_space(with_portfolio(tmp_path, trials=8).plan)["portfolio"]) == 1
    few = first_of_space(with_portfolio(tmp_path, trials=4).plan)
    assert len(few["designs"]) == 2 and "portfolio" not in few


def test_by_epochs_it_takes_half_of_the_trials_that_these_make(tmp_path: Path) -> None:
    run = with_portfolio(tmp_path, trials=None, epochs=10)
    each = run.plan.evaluator.epochs
    assert len(first_of_space(run.plan)["portfolio"]) == 10 // each // 2 - 3


def test_under_limits_each_of_it_is_the_nearest_that_keeps_them(tmp_path: Path) -> None:
    run = with_portfolio(tmp_path, limits={"params": 7 * 20 + 3})  # a width has 7 without bias
    assert tried(run)[:3] == [("tanh", 16), ("relu", 16), ("gelu", 16)]
    assert tried(run)[3:7] == [(None, 8), (None, 12), (None, 4), (None, 20)]


def test_a_run_of_a_portfolio_that_was_stopped_goes_on_with_the_next(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    for designs in (True, False):

        def stop(progress: object, most: int = 4 if designs else 1) -> None:
            if len(progress.history) == most:  # type: ignore[attr-defined]
                raise Enough

        given = {"designs": designs, "trials": 10}
        with pytest.raises(Enough):
            with_portfolio(tmp_path, run=f"stopped-{designs}", watch=stop, **given)
        whole = with_portfolio(tmp_path, run=f"whole-{designs}", **given)
        assert tried(with_portfolio(tmp_path, run=f"stopped-{designs}", **given)) == tried(whole)


@pytest.mark.parametrize(("seconds", "is_tried"), [(39.0, True), (40.0, False)])
def test_half_of_the_time_is_the_most_of_it(seconds: float, is_tried: bool) -> None:
    known = space()
    plan = Plan(known, nw.Function(narrow_is_good), trials=9, workers=0)
    record = SimpleNamespace(
        time_plan=TimePlanned(Division(100.0, 20.0, 10.0, 1), Share(1, 1.0, None), ()),
        first=lambda stage: 0,
        history=History(),
    )
    first = [(None, [known.smallest()]), ("tanh", [known.smallest()])]
    place = {"place": lambda number: Place(), "trials_are_whole": False}
    state = SimpleNamespace(record=record, first=first, **place)
    spending = SimpleNamespace(seconds=lambda: seconds)
    pacing = SimpleNamespace(search_ends=lambda: 60.0)  # so that 40 is half of the search
    sources = Sources(plan, state, spending, pacing, {}, 1)  # type: ignore[arg-type]
    assert (sources._first(0, 0) is not None) == is_tried
    assert sources._first(1, 0) is not None  # which has a name
    record.time_plan = None
    assert sources._first(0, 0) is not None
