"""What a user calls: `search`, which plans a run and carries it out, and `open_run`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from netwright.errors import NetwrightError, SettingError
from netwright.evaluate.base import Evaluator
from netwright.evaluate.climb import check_scores_can_be_met
from netwright.evaluate.costs import Costs
from netwright.evaluate.function import Train
from netwright.evaluate.kept import check_kept
from netwright.evaluate.repeatable import check_repeatable
from netwright.execute import Executor
from netwright.export import check_folder
from netwright.objective import Limits, Objective
from netwright.oneshot import OneShot
from netwright.proxies import Proxy
from netwright.record.events import Interrupted, Noted
from netwright.record.progress import Progress
from netwright.record.writing import write
from netwright.run.checks import check_device
from netwright.run.conclude import conclude, conclude_early
from netwright.run.designs import first_of_space
from netwright.run.fingerprint import check_same, settings_of
from netwright.run.loop import Loop
from netwright.run.origin import check_not_importing
from netwright.run.plan import Plan
from netwright.run.rehearsal import rehearse
from netwright.run.reopening import reopening
from netwright.run.result import Run
from netwright.run.warm_start import known_from
from netwright.run.workers import executor_of
from netwright.space import Space
from netwright.stopping import Stopped, Stopper
from netwright.store import Store, open_store
from netwright.store.base import locked
from netwright.strategies import Strategy
from netwright.targets.base import Target

_CHECKED = 0.1  # of the minutes, in which it is found out whether a limit from below can be met


def search(
    space: Space,
    evaluator: Evaluator | Train,
    *,
    strategy: Strategy | Stopped | OneShot | str | None = None,
    stopper: Stopper | str | None = None,
    objectives: Sequence[Objective] | None = None,
    limits: Limits | None = None,
    targets: Sequence[Target] | None = None,
    proxies: Sequence[Proxy | str] | None = None,
    trials: int | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    finals: Sequence[tuple[int, int]] | None = None,
    refit: bool | None = None,
    baseline: int | Literal["same"] = 0,
    workers: int = 1,
    executor: Executor | None = None,
    deterministic: bool = False,
    seed: int = 0,
    trial_minutes: float | None = None,
    designs: bool = True,
    portfolio: bool = True,
    rehearse: bool = True,
    export: bool = True,
    warm_start: str | None = None,
    store: str | Path | Store = "netwright.db",
    run: str | None = None,
    out: str | Path | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Run:
    """Search a space and return the run, whose `best` is a trained network.

    The search stage ends at the first budget reached: `trials`, wall `minutes`, or training
    `epochs` in all. Then the finals, in the last of which a network is trained with each answer to
    the late choices of the space. The best finalist is trained once more on the train and
    validation parts together (`refit`), scored on the test part, once, and exported to `out`, if
    given.

    Args:
        space: what can be built.
        evaluator: trains a candidate, for example `Training(data)`; or a plain function
            `train(model, epochs) -> metrics`.
        strategy: what to try next: a strategy, or its name with settings, such as
            "regularized-evolution(population=40)"; `Auto()` if None. A one-shot search such as
            `GDAS()` trains the whole space first, for at most half of the minutes, and then names
            the networks that are trained as trials.
        stopper: which trials go on, over any strategy, such as `Hyperband()`, or its name with
            settings; None trains all of them as long.
        objectives: the first decides which network is the best; several make a front; None for the
            task's own.
        limits: bounds that no network may break, on params, macs, memory_mib or what a target
            measures: `{"params": 200_000, "latency_ms@onnxruntime": 1.0}`, or a list such as
            `[at_most("latency_ms", 1.0, on=MyTarget()), at_least("synflow", 20)]`.
        targets: where networks are measured before they are trained, beside those that objectives
            and limits name; if there are none, ONNX Runtime, or PyTorch where that is missing;
            nowhere else with (). A metric without a target, such as latency_ms, is that of the only
            one that measures it.
        proxies: scores that are computed of each network before it is trained, and are metrics of
            its trial: `[Synflow()]`, or names with settings. An objective may be on one,
            `maximize("synflow")`, and a limit, `at_least("synflow", 20)`.
        trials: networks to try.
        minutes: minutes for all of it: search, finals, refit, test and export.
        epochs: training epochs of all trials.
        finals: each trains the best so many networks of the stage before for so many epochs; None
            for 8 with a third of the full schedule, then 2 with all of it, or for 4 with all of it
            where a trial has a third; () for no finals.
        refit: train the best on the validation part too, which gives it more rows; None for where a
            test part is left to score it, or folds said what all rows are worth.
        baseline: random networks to train beside, to measure what the search is worth; "same" for
            as many as could be trained in the time that the search took.
        workers: processes of one thread each; 0 runs in this process.
        executor: where trials run, in the place of `workers` processes on this machine.
        deterministic: with several workers, make the architectures a function of the seed.
        seed: seed of everything random.
        trial_minutes: minutes after which a trial of the search is stopped; finals are not.
        designs: try the well-known networks of the space first, each as large as the limits and the
            time allow; they take half of the trials at most.
        portfolio: try what did well on other data after the designs, if the space has such
            networks; with the designs they take half of the trials, or of the time, at most.
        rehearse: try the export before the first training, on networks that were not trained, and
            refuse a space of which neither model.py nor model.pt2 can be made. Without it such a
            run ends with the weights alone.
        export: make the exported forms of the best network at the end of the run; without it they
            are made when `run.best.export` asks for them, or `out`.
        warm_start: a run in the same store, with the same objectives, of this space or one that it
            was made from. With the same data and training the strategy knows its trials where their
            architectures are members here, and the best of them, as many as the first final takes,
            are trained again first, so that they can be finalists. Of a run on other data five of
            the best are tried first, and the strategy learns what they are worth here.
        store: where the run is logged and its weights are kept: the path of a file, a URL such as
            `sqlite:///runs.db` or `memory://name`, or a Store. A run of the same name in it is
            continued; if it is finished it is returned as it is, or goes on where trials, minutes
            or epochs are more than it had.
        run: name of the run.
        out: folder for the best network.
        watch: is told of the progress several times a second.

    Raises:
        SettingError: A value outside its rule.
        LimitError: A limit that no network of the space can keep, with the least that can.
        StoreError: The run exists with other settings, or is being worked on.
    """
    given = dict(locals())  # every option under its name in `Plan`
    return carried_out(Plan(**_without(given, "watch")), watch)


def open_run(space: Space, evaluator: Evaluator | Train, *, run: str, **given: Any) -> Run:
    """A run that is in the store already, with the same arguments as `search`; nothing is run.

    Raises:
        StoreError: There is no such run, or it was begun with other settings.
    """
    plan: dict[str, Any] = {"space": space, "evaluator": evaluator, "run": run, **given}
    return opened(Plan(**_without(plan, "watch", "out")))


def carried_out(
    plan: Plan, watch: Callable[[Progress], None] | None = None, *, spent: float = 0.0
) -> Run:
    """The run of a plan: begun, or gone on with, to its end.

    `spent` are seconds that had passed before and count as minutes of the run.

    Raises:
        LimitError: A limit that no network of the space can keep, with the least that can.
        StoreError: The run exists with other settings, or is being worked on.
    """
    began = time.monotonic() - spent
    check_not_importing()
    if watch is not None and not callable(watch):
        raise SettingError(f"`search(watch=...)` must be callable, got {watch!r}.")
    if plan.out is not None:
        check_folder(Path(plan.out))
    run, settings = _prepared(plan)
    costs, rehearsed = plan.costs(), None
    trains = settings is not None or run.status not in ("done", "failed")
    trains = trains or reopening(run.record, plan) is not None
    if trains and plan.executor is None:  # which may train on other machines
        check_device(plan.evaluator)
    if settings is not None:
        check_repeatable(plan.space)
        check_kept(plan.space)
        costs.check_can_be_met()
        _check_scores(plan, costs)
        late = 60 * (plan.minutes or math.inf) <= time.monotonic() - began  # and refused below
        rehearsed = rehearse(plan, costs) if plan.rehearse and not late else None
        run.store.create(run.name, settings)
    if settings is None and reopening(run.record, plan) is not None:
        with locked(run.store, run.name):
            again = reopening(run.record, plan)
            if again is not None:
                write(run.store, run.name, again)
    if run.status not in ("done", "failed"):
        with locked(run.store, run.name):
            before = run.record
            stopped_early = settings is None and not (before.rehearsal or before.history)
            if plan.rehearse and stopped_early:
                rehearsed = rehearse(plan, costs)
            if rehearsed is not None:
                write(run.store, run.name, rehearsed)
            _work(run, costs, watch, began)
    if plan.out is not None and run.record.best is not None:
        place_best(run, Path(plan.out))
    return run


def _check_scores(plan: Plan, costs: Costs) -> None:
    """Refuse a limit from below that cannot be met, in a small part of the minutes."""
    most = _CHECKED * 60 * (plan.minutes or math.inf)
    check_scores_can_be_met(
        costs, plan.limits, plan.proxies, plan.evaluator, seed=plan.seed, seconds=most
    )


def place_best(run: Run, out: Path) -> bool:
    """Put the network of a run into a folder; whether that went well, else the run's log says why.

    The network is kept in the store in either case.
    """
    text = ""
    try:
        run.export(out)
    except (NetwrightError, OSError) as error:
        text = f"The network was not put into {str(out)!r}, it is kept in the store: {error}"
    if text or "out" in run.record.losses:
        write(run.store, run.name, Noted("out", text))
    return not text


def opened(plan: Plan) -> Run:
    """The run of a plan that is in the store already; nothing is run.

    Raises:
        StoreError: There is no such run, or it was begun with other settings.
    """
    run, settings = _prepared(plan)
    if settings is not None:
        run.store.events(run.name)  # says that there is none
    return run


def _prepared(plan: Plan) -> tuple[Run, dict[str, Any] | None]:
    """The run of a plan, and what its log is to open with if it is new."""
    home = open_store(plan.store)
    name = plan.run or _free_name(home)
    settings = settings_of(plan)
    if name in home.runs():
        check_same(name, home.events(name)[0].body, settings)
        return Run(home, name, plan), None
    if plan.warm_start is not None:
        settings |= known_from(home, plan.warm_start, plan, settings)
    settings |= first_of_space(plan)
    return Run(home, name, plan), settings


def _work(run: Run, costs: Costs, watch: Callable[[Progress], None] | None, began: float) -> None:
    if run.status in ("done", "failed"):  # by another process, before the lock was had
        return
    store, name, plan = run.store, run.name, run.plan
    try:
        with executor_of(store, name, plan.executor or plan.workers) as executor:
            spent = time.monotonic() - began
            loop = Loop(plan, store, name, executor, watch or _unwatched, spent=spent, costs=costs)
            loop.run()
        conclude(store, name, plan, loop.pacing.left_for_reference())
    except KeyboardInterrupt:
        write(store, name, Interrupted())
        conclude_early(store, name, plan)


def _unwatched(progress: Progress) -> None:
    """Nobody is told."""


def _free_name(store: Store) -> str:
    taken = set(store.runs())
    number = 1
    while f"run-{number}" in taken:
        number += 1
    return f"run-{number}"


def _without(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}
