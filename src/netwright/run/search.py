"""What a user calls: `search`, and the `Run` it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from netwright.errors import SettingError, StoreError
from netwright.evaluate.base import Evaluator
from netwright.evaluate.costs import Costs
from netwright.evaluate.function import Train
from netwright.evaluate.repeatable import check_repeatable
from netwright.execute import Executor
from netwright.export import check_folder
from netwright.network.normalised import Normalised
from netwright.objective import Limits, Objective, limits_from
from netwright.oneshot import OneShot
from netwright.record.events import Interrupted, write
from netwright.record.progress import Progress
from netwright.record.record import Record, read_record
from netwright.report import write_report
from netwright.run.best_for import Special, Specialist
from netwright.run.conclude import (
    conclude,
    conclude_early,
    export_trial,
    is_exported,
    load_trained,
    place_exported,
)
from netwright.run.fingerprint import check_same, settings_of
from netwright.run.loop import Loop
from netwright.run.plan import Budget, Plan, make_plan
from netwright.run.shared_training import Checkpoint
from netwright.run.warm_start import known_from
from netwright.run.workers import executor_of
from netwright.space import Architecture, Space
from netwright.stopping import Stopped, Stopper
from netwright.store import Store, open_store
from netwright.strategies import Strategy
from netwright.targets.base import Target
from netwright.trial import Trial


def search(
    space: Space,
    evaluator: Evaluator | Train,
    *,
    strategy: Strategy | Stopped | OneShot | str | None = None,
    stopper: Stopper | str | None = None,
    objectives: Sequence[Objective] | None = None,
    limits: Limits | None = None,
    targets: Sequence[Target] | None = None,
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
    warm_start: str | None = None,
    store: str | Path | Store = "netwright.db",
    run: str | None = None,
    out: str | Path | None = None,
    watch: Callable[[Progress], None] | None = None,
    call: dict[str, Any] | None = None,
) -> Run:
    """Search a space and return the run, whose `best` is a trained network.

    The search stage ends at the first budget reached: `trials`, wall `minutes`, or training
    `epochs` in all. Then the finals: each of `finals` trains the best so many networks of the stage
    before for so many epochs (None: 8 for a third of the full schedule, then 2 for all of it).
    In the last final a network is trained with each answer to the late choices of the space.
    The best finalist is trained once more on the train and validation parts together (`refit`),
    scored on the test part, once, and exported to `out`, if given.

    Args:
        space: what can be built.
        evaluator: trains a candidate, for example `Training(data)`; or a plain function
            `train(model, epochs) -> metrics`.
        strategy: what to try next, or its name on the command line; `Auto()` if None. A one-shot
            search such as `GDAS()` trains the whole space first, for at most half of the minutes,
            and then names the networks that are trained as trials.
        stopper: which trials go on, over any strategy, such as `Hyperband()`, or its name on the
            command line; None trains all of them as long.
        objectives: the first decides which network is the best; several make a front; None is the
            task's own.
        limits: bounds that no network may break, on params, macs, memory_mib or what a target
            measures: `{"params": 200_000, "latency_ms@onnxruntime": 1.0}`, or a list such as
            `[at_most("latency_ms", 1.0, on=MyTarget())]`.
        targets: where networks are measured before they are trained, beside those that objectives
            and limits name; if there are none, ONNX Runtime, or PyTorch where that is missing. A
            metric without a target, such as latency_ms, is that of the only one that measures it.
        refit: whether to train what was chosen on the validation part too, which makes it better;
            None where a test part is left to score it.
        baseline: how many random networks to train beside, to measure what the search is worth;
            "same" for as many as could be trained in the time that the search took.
        workers: processes of one thread each; 0 runs in this process.
        executor: where trials run, in the place of `workers` processes on this machine.
        deterministic: with several workers, make the architectures a function of the seed.
        trial_minutes: a trial of the search that takes longer is stopped; finals are not.
        warm_start: a run in the same store, with the same objectives, of this space or one that it
            was made from. With the same data and training the strategy knows its trials where their
            architectures are members here, and the best of them, as many as the first final takes,
            are trained again first, so that they can be finalists. Of a run on other data five of
            the best are tried first, and the strategy learns what they are worth here.
        store: where the run is logged and its weights are kept: the path of a file, a URL such as
            `sqlite:///runs.db` or `memory://name`, or a Store. A run of the same name in it is
            continued, and returned as it is if it is finished.
        watch: is told of the progress several times a second.
        call: how the command line was called, for `netwright resume`.

    Raises:
        SettingError: A value outside its rule.
        LimitError: A limit that no network of the space can keep, with the least that can.
        StoreError: The run exists with other settings, or is being worked on.
    """
    if not isinstance(out, str | Path | None):
        raise SettingError(f"`search(out=...)` must be a folder, got {out!r}.")
    if watch is not None and not callable(watch):
        raise SettingError(f"`search(watch=...)` must be callable, got {watch!r}.")
    if out is not None:
        check_folder(Path(out))
    made, fresh, settings = _prepared(
        space,
        evaluator,
        strategy=strategy,
        stopper=stopper,
        objectives=objectives,
        limits=limits,
        targets=targets,
        budget=Budget(trials, minutes, epochs),
        finals=finals,
        refit=refit,
        baseline=baseline,
        workers=workers,
        executor=executor,
        deterministic=deterministic,
        seed=seed,
        trial_minutes=trial_minutes,
        warm_start=warm_start,
        store=store,
        run=run,
        call=call,
    )
    costs = made.plan.costs()
    if fresh:
        check_repeatable(space)
        costs.check_can_be_met()
        made.store.create(made.name, settings)
    if made.status not in ("done", "failed"):
        with made.store.lock(made.name):
            _work(made, workers if executor is None else executor, costs, watch)
    if out is not None and made.record.best is not None:
        made.export(out)
    return made


def open_run(space: Space, evaluator: Evaluator | Train, *, run: str, **given: Any) -> Run:
    """A run that is in the store already, with the same arguments as `search`; nothing is run.

    Raises:
        StoreError: There is no such run, or it was begun with other settings.
    """
    given.pop("watch", None)
    given.pop("out", None)
    budget = Budget(*(given.pop(name, None) for name in ("trials", "minutes", "epochs")))
    made, fresh, _ = _prepared(space, evaluator, budget=budget, run=run, **given)
    if fresh:
        made.store.events(run)  # says that there is none
    return made


def _prepared(
    space: Space,
    evaluator: Evaluator | Train,
    *,
    budget: Budget,
    strategy: Strategy | Stopped | OneShot | str | None = None,
    stopper: Stopper | str | None = None,
    objectives: Sequence[Objective] | None = None,
    limits: Limits | None = None,
    targets: Sequence[Target] | None = None,
    finals: Sequence[tuple[int, int]] | None = None,
    refit: bool | None = None,
    baseline: int | Literal["same"] = 0,
    workers: int = 1,
    executor: Executor | None = None,
    deterministic: bool = False,
    seed: int = 0,
    trial_minutes: float | None = None,
    warm_start: str | None = None,
    store: str | Path | Store = "netwright.db",
    run: str | None = None,
    call: dict[str, Any] | None = None,
) -> tuple[Run, bool, dict[str, Any]]:
    """The run of these arguments, whether it is new, and its settings."""
    if type(workers) is not int or workers < 0:
        raise SettingError(f"`search(workers=...)` must be at least 0, got {workers!r}.")
    if not isinstance(store, str | Path | Store):
        raise SettingError(f"`search(store=...)` must be a path, a URL or a Store, got {store!r}.")
    if executor is not None and not isinstance(executor, Executor):
        raise SettingError(
            f"`search(executor=...)` must be an Executor such as `Processes(2)`, got {executor!r}."
        )
    for key, value in {"run": run, "warm_start": warm_start}.items():
        if not isinstance(value, str | None):
            raise SettingError(f"`search({key}=...)` must be a name, got {value!r}.")
    plan = make_plan(
        space,
        evaluator,
        strategy=strategy,
        stopper=stopper,
        objectives=objectives,
        limits=limits,
        targets=targets,
        budget=budget,
        finals=finals,
        refit=refit,
        baseline=baseline,
        deterministic=deterministic,
        seed=seed,
        trial_minutes=trial_minutes,
    )
    home = open_store(store)
    name = run or _free_name(home)
    settings = settings_of(plan, workers=executor.slots if executor else workers, call=call)
    fresh = name not in home.runs()
    if not fresh:
        check_same(name, home.events(name)[0].body, settings)
    elif warm_start is not None:
        settings |= known_from(home, warm_start, plan, settings)
    return Run(home, name, plan), fresh, settings


def _work(
    run: Run, given: Executor | int, costs: Costs, watch: Callable[[Progress], None] | None
) -> None:
    if run.status in ("done", "failed"):  # by another process, before the lock was had
        return
    store, name, plan = run.store, run.name, run.plan
    try:
        with executor_of(store, name, given) as executor:
            Loop(plan, store, name, executor, watch or _unwatched, costs=costs).run()
        conclude(store, name, plan)
    except KeyboardInterrupt:
        write(store, name, Interrupted())
        conclude_early(store, name, plan)


def _unwatched(progress: Progress) -> None:
    """Nobody is told."""


class Run:
    """A history with its space, settings and artifacts."""

    def __init__(self, store: Store, name: str, plan: Plan) -> None:
        self.store, self.name, self.plan = store, name, plan
        self._specialist: Specialist | None = None

    @property
    def record(self) -> Record:
        """Everything the log says of this run, read anew."""
        return read_record(self.store, self.name)

    @property
    def status(self) -> str:
        """`done`, `interrupted`, `failed` or `unfinished`."""
        return self.record.status

    @property
    def best(self) -> Found:
        """The best network of the latest stage, by the first objective.

        Raises:
            StoreError: No trial ended well.
        """
        record = self.record
        best = record.best
        if best is None:
            reason = record.reason or "no trial has ended well yet"
            raise StoreError(
                f"The run {self.name!r} of {len(record.history)} trials has no best network: "
                f"{reason.rstrip('.')}."
            )
        return self._found(best)

    @property
    def front(self) -> list[Found]:
        """The networks of the latest stage that no other dominates in all objectives."""
        return [self._found(trial) for trial in self.record.front]

    @property
    def trials(self) -> list[dict[str, Any]]:
        """A row for each trial, in the order of their completion; `pandas.DataFrame` takes them."""
        return [_row(trial) for trial in self.record.history]

    def scored(self) -> list[tuple[Architecture, float]]:
        """The trials of the search that ended well: architecture and score, better when larger.

        The score is that of the first objective. It is what `space.shrunk` takes.
        """
        objective, *_ = self.plan.objectives
        return [
            (trial.architecture, objective.gain(trial.metrics))
            for trial in self.record.history
            if trial.done and trial.proposal.stage.explores
        ]

    def best_for(
        self,
        limits: Limits,
        *,
        scored: int = 100,
        epochs: int = 0,
        finder: Strategy | None = None,
        seed: int = 0,
    ) -> Special:
        """A network for other limits from the shared weights of a one-shot search.

        `finder` (None: evolution) proposes networks within the limits, `scored` of which are
        scored by shared weights on the validation part. The best is taken out with its part of the
        weights and, with `epochs`, tuned. What is scored for one call is known to the next.

        Raises:
            StoreError: The run has no shared weights.
            LimitError: A limit that no network of the space can keep, with the least that can.
            SettingError: A value outside its rule.
        """
        if self._specialist is None:
            self._specialist = Specialist(self.plan, Checkpoint(self.store, self.name))
        return self._specialist.best_for(
            limits_from(limits), count=scored, epochs=epochs, finder=finder, seed=seed
        )

    def export(self, out: str | Path) -> Path:
        """Put the best network into a folder, each form checked against it."""
        return self.best.export(out)

    def report(self, out: str | Path) -> Path:
        """Write the report, one HTML page that opens offline."""
        write_report(self.record, Path(out))
        return Path(out)

    def _found(self, trial: Trial) -> Found:
        metrics = dict(trial.metrics)
        tested = self.record.tested.get(trial.number, {})
        metrics |= {f"test_{name}": value for name, value in tested.items()}
        return Found(self, trial, metrics)

    def __repr__(self) -> str:
        record = self.record
        best = record.best
        value = best.metrics.get(record.objectives[0].metric, float("nan")) if best else 0.0
        told = f", best={value:.4f}" if best else ""
        return f"Run({self.name!r}, {record.status}, trials={len(record.history)}{told})"


@dataclass(frozen=True, repr=False)
class Found:
    """A network that a run found. `metrics` has those of the test part as `test_...`."""

    run: Run
    trial: Trial
    metrics: Mapping[str, float]

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value:.5g}" for name, value in self.metrics.items())
        return f"Found(trial={self.trial.number}, {told})"

    @property
    def architecture(self) -> Architecture:
        """The answers it is built from."""
        return self.trial.architecture

    def model(self) -> Normalised:
        """The trained network in eval mode: it takes raw inputs, as the exported forms do.

        Its `network` is what comes after the normalisation.

        Raises:
            StoreError: Its weights were not kept, are damaged, or are of another network.
        """
        run = self.run
        network = load_trained(run.store, run.name, run.plan, self.trial)
        return run.plan.evaluator.deployment(run.plan.space).raw(network)

    def export(self, out: str | Path) -> Path:
        """Write model.py, model.safetensors, model.onnx, model.pt2, card.md and card.json.

        Raises:
            ExportError: A form differs from the trained network.
        """
        run = self.run
        if is_exported(run.store, run.record, self.trial):
            return place_exported(run.store, run.name, self.trial.number, Path(out))
        model = self.model().network
        export_trial(run.store, run.name, run.plan, self.trial, model, Path(out))
        return Path(out)


def _free_name(store: Store) -> str:
    taken = set(store.runs())
    number = 1
    while f"run-{number}" in taken:
        number += 1
    return f"run-{number}"


def _row(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "stage": trial.proposal.stage.to_json(),
        "status": trial.status,
        "epochs": trial.proposal.epochs,
        **trial.metrics,
        "seconds": trial.seconds,
        "reason": trial.reason,
        **{f"architecture.{name}": answer for name, answer in trial.architecture.answers.items()},
    }
