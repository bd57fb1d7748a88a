"""What a user calls: `search`, and the `Run` it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from netwright.conclude import conclude, conclude_early, export_trial
from netwright.errors import SettingError, StoreError
from netwright.evaluate.admission import LATENCY, Admission
from netwright.evaluate.base import Evaluator
from netwright.evaluate.function import Function, Train
from netwright.evaluate.latency import LatencyTarget, default_target
from netwright.execute import Executor, Inline, Processes
from netwright.export import check_folder, place
from netwright.loop import Budget, Loop, Plan
from netwright.objective import AtMost, Limit, Objective, limits_from, maximize
from netwright.progress import Progress
from netwright.record import Record, read_record
from netwright.report import write_report
from netwright.settings import check_same, settings_of
from netwright.space import Architecture, Space
from netwright.store import Store
from netwright.strategies import RegularizedEvolution, Strategy
from netwright.trial import Trial


def search(
    space: Space,
    evaluator: Evaluator | Train,
    *,
    strategy: Strategy | None = None,
    objectives: Sequence[Objective] = (maximize("accuracy"),),
    limits: Mapping[str, float | AtMost] | None = None,
    trials: int | None = None,
    minutes: float | None = None,
    epochs: int | None = None,
    finals: Sequence[tuple[int, int]] | None = None,
    refit: bool | None = None,
    baseline: int = 0,
    workers: int = 1,
    deterministic: bool = False,
    seed: int = 0,
    trial_minutes: float | None = None,
    store: str | Path = "netwright.db",
    run: str | None = None,
    out: str | Path | None = None,
    watch: Callable[[Progress], None] | None = None,
    call: dict[str, Any] | None = None,
) -> Run:
    """Search a space and return the run, whose `best` is a trained network.

    The search stage ends at the first budget reached: `trials`, wall `minutes`, or training
    `epochs` in all. Then the finals: each of `finals` trains the best so many networks of the stage
    before for so many epochs (None: 8 for a third of the full schedule, then 3 for all of it).
    The best finalist is trained once more on the train and validation parts together (`refit`),
    scored on the test part, once, and exported to `out`, if given.

    Args:
        space: what can be built.
        evaluator: trains a candidate, for example `Training(data)`; or a plain function
            `train(model, epochs) -> metrics`.
        strategy: what to try next; `RegularizedEvolution()` if None.
        objectives: the first decides which network is the best; several make a front.
        limits: bounds on params, macs, memory_mib or latency_ms that no network may break.
        refit: whether to train what was chosen on the validation part too, which gains accuracy;
            None where a test part is left to score it.
        baseline: how many random networks to train beside, to measure what the search is worth.
        workers: processes of one thread each; 0 runs in this process.
        deterministic: with several workers, make the architectures a function of the seed.
        trial_minutes: a trial of the search that takes longer is stopped; finals are not.
        store: the file the run is logged in; a run of the same name in it is
            continued, and returned as it is if it is finished.
        watch: is told of the progress several times a second.
        call: how the command line was called, for `netwright resume`.

    Raises:
        SettingError: A value outside its rule.
        LimitError: A limit that no network of the space can keep, with the least that can.
        StoreError: The run exists with other settings, or is being worked on.
    """
    if out is not None:
        check_folder(Path(out))
    made, fresh, settings = _prepared(
        space,
        evaluator,
        strategy=strategy,
        objectives=objectives,
        limits=limits,
        budget=Budget(trials, minutes, epochs),
        finals=finals,
        refit=refit,
        baseline=baseline,
        workers=workers,
        deterministic=deterministic,
        seed=seed,
        trial_minutes=trial_minutes,
        store=store,
        run=run,
        call=call,
    )
    if fresh:
        plan = made.plan
        admission = Admission(plan.space, plan.limits)
        admission.check_limits_can_be_met(plan.target, plan.evaluator.normalisation)
        made.store.create(made.name, settings)
    with made.store.lock(made.name):
        _work(made, _executor(workers, made.store.files(made.name)), watch)
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
    strategy: Strategy | None = None,
    objectives: Sequence[Objective] = (maximize("accuracy"),),
    limits: Mapping[str, float | AtMost] | None = None,
    finals: Sequence[tuple[int, int]] | None = None,
    refit: bool | None = None,
    baseline: int = 0,
    workers: int = 1,
    deterministic: bool = False,
    seed: int = 0,
    trial_minutes: float | None = None,
    store: str | Path = "netwright.db",
    run: str | None = None,
    call: dict[str, Any] | None = None,
) -> tuple[Run, bool, dict[str, Any]]:
    """The run of these arguments, whether it is new, and its settings."""
    if type(workers) is not int or workers < 0:
        raise SettingError(f"`search(workers=...)` must be at least 0, got {workers!r}.")
    _check_kinds(space, strategy, objectives)
    plan = _plan(
        space,
        evaluator if isinstance(evaluator, Evaluator) else Function(evaluator),
        strategy or RegularizedEvolution(),
        tuple(objectives),
        limits_from(limits),
        budget,
        finals,
        refit,
        baseline,
        deterministic,
        seed,
        trial_minutes,
    )
    home = Store(store)
    name = run or _free_name(home)
    settings = settings_of(plan, workers=workers, call=call)
    known = name in home.runs()
    if known:
        check_same(name, home.events(name)[0].body, settings)
    return Run(home, name, plan), not known, settings


def _work(run: Run, executor: Executor, watch: Callable[[Progress], None] | None) -> None:
    if run.record.status in ("done", "failed"):
        return
    loop = Loop(run.plan, run.store, run.name, executor, watch or (lambda progress: None))
    try:
        loop.run()
        conclude(run.store, run.name, run.plan)
    except KeyboardInterrupt:
        conclude_early(run.store, run.name, run.plan)


class Run:
    """A history with its space, settings and artifacts."""

    def __init__(self, store: Store, name: str, plan: Plan) -> None:
        self.store, self.name, self.plan = store, name, plan

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
    def trials(self) -> Table:
        """All trials as a table, in the order of their completion."""
        return Table([_row(trial) for trial in self.record.history])

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
        told = f", best={best.metrics.get('accuracy', float('nan')):.4f}" if best else ""
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

    def model(self) -> nn.Module:
        """The trained network in eval mode, for inputs that are normalised already.

        Raises:
            StoreError: Its weights were not kept.
        """
        path = self.run.store.files(self.run.name) / f"trial-{self.trial.number}.safetensors"
        if not path.is_file():
            raise StoreError(
                f"The weights of trial {self.trial.number} were not kept; those of the front and "
                "of the finals are."
            )
        model = self.run.plan.space.build(self.architecture, seed=0)
        model.load_state_dict(load_file(path))
        return model.eval()

    def export(self, out: str | Path) -> Path:
        """Write model.py, model.safetensors, model.onnx, model.pt2, card.md and card.json.

        Raises:
            ExportError: A form differs from the trained network.
        """
        run = self.run
        made = run.store.files(run.name) / f"export-{self.trial.number}"
        if not (made / "card.json").is_file():
            made = export_trial(run.store, run.name, run.plan, self.trial, self.model())
        return place(made, Path(out))


class Table(Sequence[Mapping[str, Any]]):
    """Rows that are mappings, with a plain text form; `pandas.DataFrame(table)` works too."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows = list(rows)

    @property
    def columns(self) -> list[str]:
        """The columns in the order they first appear."""
        return list(dict.fromkeys(key for row in self._rows for key in row))

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self._rows)

    def __repr__(self) -> str:
        columns = [c for c in self.columns if not c.startswith("architecture.")]
        cells = [columns] + [[_cell(row.get(c, "")) for c in columns] for row in self._rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
        lines = (
            "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in cells
        )
        return "\n".join(lines)


def _plan(
    space: Space,
    evaluator: Evaluator,
    strategy: Strategy,
    objectives: tuple[Objective, ...],
    limits: tuple[Limit, ...],
    budget: Budget,
    finals: Sequence[tuple[int, int]] | None,
    refit: bool | None,
    baseline: int,
    deterministic: bool,
    seed: int,
    trial_minutes: float | None,
) -> Plan:
    bounds = {"trials": budget.trials, "minutes": budget.minutes, "epochs": budget.epochs}
    if all(bound is None for bound in bounds.values()):
        raise SettingError("`search(...)` must have a budget: give trials, minutes or epochs.")
    for name, bound in bounds.items():
        whole = name != "minutes"
        if bound is not None and not (_is_number(bound, whole=whole) and bound > 0):
            kind = "a whole number" if whole else "a number"
            raise SettingError(f"`search({name}=...)` must be {kind} above 0, got {bound!r}.")
    if trial_minutes is not None and not (_is_number(trial_minutes) and trial_minutes > 0):
        raise SettingError(
            f"`search(trial_minutes=...)` must be a number above 0, got {trial_minutes!r}."
        )
    if not objectives:
        raise SettingError('`search(objectives=...)` must have one, such as maximize("accuracy").')
    for name, value in {"baseline": baseline, "seed": seed}.items():
        if not _is_number(value, whole=True) or value < 0:
            raise SettingError(
                f"`search({name}=...)` must be a whole number, at least 0, got {value!r}."
            )
    known = evaluator.metric_names
    for objective in objectives:
        if known and objective.metric not in known:
            raise SettingError(
                f"`search(objectives=...)` must be on one of {', '.join(known)}, "
                f"got {objective.metric!r}."
            )
    if finals is None:
        full = evaluator.full_epochs
        finals = ((8, max(1, round(full / 3))), (3, full)) if full > evaluator.epochs else ()
    finals = _checked_finals(finals)
    if refit and not evaluator.can_refit:
        raise SettingError(
            f"`search(refit=True)` needs an evaluator that can train on train and validation "
            f"together, which {type(evaluator).__name__} cannot; leave `refit` out."
        )
    if refit is None:
        refit = evaluator.can_refit and evaluator.test_examples is not None
    return Plan(
        space,
        evaluator,
        strategy,
        objectives,
        limits,
        budget,
        finals,
        baseline,
        deterministic,
        seed,
        _target(limits),
        trial_minutes * 60 if trial_minutes is not None else None,
        bool(refit),
    )


def _check_kinds(space: object, strategy: object, objectives: Sequence[object]) -> None:
    """Refuse what is of another kind than it has to be, with the remedy."""
    if not isinstance(space, Space):
        raise SettingError(
            f"`search(space, ...)` must be a Space, got {space!r}; write `netwright.Space(network, "
            "inputs, classes)`."
        )
    if strategy is not None and not isinstance(strategy, Strategy):
        raise SettingError(
            f"`search(strategy=...)` must be a Strategy such as `RandomSearch()`, got {strategy!r}."
        )
    for objective in [objectives] if isinstance(objectives, str | Objective) else objectives:
        if not isinstance(objective, Objective) or isinstance(objectives, Objective):
            raise SettingError(
                '`search(objectives=...)` must be a list such as [maximize("accuracy")], '
                f"got {objectives!r}."
            )


def _checked_finals(finals: Sequence[object]) -> tuple[tuple[int, int], ...]:
    made = []
    for final in finals:
        pair = tuple(final) if isinstance(final, Sequence) else ()
        if len(pair) != 2 or not all(_is_number(n, whole=True) and n >= 1 for n in pair):
            raise SettingError(
                "`search(finals=...)` must be pairs (networks, epochs) of whole numbers above 0, "
                f"such as [(8, 10), (3, 30)], got {finals!r}."
            )
        made.append((int(pair[0]), int(pair[1])))
    return tuple(made)


def _is_number(value: object, *, whole: bool = False) -> bool:
    return isinstance(value, int if whole else int | float) and not isinstance(value, bool)


def _target(limits: Sequence[Limit]) -> LatencyTarget:
    """Where latency is measured: where a limit says, else where it can be."""
    named = [limit.on for limit in limits if limit.metric == LATENCY and limit.on is not None]
    return named[0] if named else default_target()  # type: ignore[return-value]


def _executor(workers: int, files: Path) -> Executor:
    return Processes(workers, logs=files / "logs") if workers else Inline()


def _free_name(store: Store) -> str:
    taken = set(store.runs())
    number = 1
    while f"run-{number}" in taken:
        number += 1
    return f"run-{number}"


def _row(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "stage": trial.proposal.stage,
        "status": trial.status,
        "epochs": trial.proposal.epochs,
        **trial.metrics,
        "seconds": trial.seconds,
        "reason": trial.reason,
        **{f"architecture.{name}": answer for name, answer in trial.architecture.answers.items()},
    }


def _cell(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
