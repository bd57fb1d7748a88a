"""The settings of an estimator as the plan of a run, and the run that comes of it."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from netwright.errors import SettingError
from netwright.estimators.learning import Learned, without_rows
from netwright.evaluate.training import Training
from netwright.network.threads import one_thread
from netwright.objective import Limits, Objective
from netwright.record.progress import Progress
from netwright.run.plan import Plan
from netwright.run.result import Run
from netwright.run.search import carried_out
from netwright.space import Space, ensembled
from netwright.spaces.names import default_space, ready_space
from netwright.store import Store
from netwright.store.memory import HeldStore
from netwright.strategies import RandomSearch, Strategy

TRIALS = 10
"""Networks that are tried where neither trials nor minutes are given."""

_SHORT = ((3, 40), (30, 200))  # epochs and steps of a trial and in full, where no minutes are given
_FINALISTS = 4  # trials of the search for each network that is trained in full
_FEW = 10  # trials, up to which no strategy learns enough to be better than random search
_OWN = {"data": "X", "epochs": "trial_epochs", "full_epochs": "full_epochs", "device": "device"}
_IN_PROCESS = threading.RLock()  # trainings in one process share torch's global generator

Network = Callable[..., Any] | Space | str
"""A function of choices, a space for the rows, or the name of a ready space with its settings."""


@dataclass(frozen=True)
class Settings:
    """The settings of an estimator: see `NetClassifier`."""

    called: str
    trials: int | None
    minutes: float | None
    limits: Limits | None
    space: Network | None
    ensemble: int | None
    strategy: Strategy | str | None
    trial_epochs: int | None
    full_epochs: int | None
    refit: bool
    training: Mapping[str, Any] | None
    device: str
    workers: int
    store: str | Path | Store | None
    verbose: bool


def searched(
    settings: Settings,
    data: Learned,
    objective: Objective,
    *,
    seed: int,
    divided: bool,
    began: float,
) -> Run:
    """Carry out a search; the run holds no rows of the data, and its store if none was given.

    `began` is when the call did, by `time.monotonic`: its minutes count from then.

    Raises:
        SettingError: A setting is outside its rule.
        LimitError: No network can keep the limits.
        KeyboardInterrupt: The search was interrupted.
    """
    try:
        return _searched(settings, data, objective, seed, divided, began)
    except SettingError as error:  # which speaks of the function that is called below
        told = str(error).replace("`search(", f"`{settings.called}(")
        raise SettingError(told) from error


def _searched(
    settings: Settings,
    data: Learned,
    objective: Objective,
    seed: int,
    divided: bool,
    began: float,
) -> Run:
    if settings.store is not None:
        return _carried_out(settings, data, objective, seed, divided, began, settings.store)
    if not settings.workers:
        return _carried_out(settings, data, objective, seed, divided, began, HeldStore())
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:  # where workers find it
        store = Path(folder) / "run.db"
        run = _carried_out(settings, data, objective, seed, divided, began, store)
        held = HeldStore.copied(run.store, run.name)
    return Run(held, run.name, replace(run.plan, store=held.url))


def _carried_out(
    settings: Settings,
    data: Learned,
    objective: Objective,
    seed: int,
    divided: bool,
    began: float,
    store: str | Path | Store,
) -> Run:
    plan = _plan(settings, data, objective, seed, divided, store)
    watch = _Told(objective) if settings.verbose else None
    alone = _IN_PROCESS if settings.workers == 0 else nullcontext()
    with alone, one_thread():
        run = carried_out(plan, watch, spent=time.monotonic() - began)
    if run.status == "interrupted":
        raise KeyboardInterrupt
    lean = replace(plan.evaluator, data=without_rows(data))  # type: ignore[type-var]
    return Run(run.store, run.name, replace(plan, evaluator=lean, store=run.store.url))


def _plan(
    settings: Settings,
    data: Learned,
    objective: Objective,
    seed: int,
    divided: bool,
    store: str | Path | Store,
) -> Plan:
    trials, minutes = settings.trials, settings.minutes
    training = Training(data, **_training(settings))
    space, many = _space(settings, data), _networks(settings, training)
    if many > 1:
        space = ensembled(space, many)
        if training.folds > 1 and "folds" not in (settings.training or {}):
            training = replace(training, folds=many, repeats=1)
    of_folds = many > 1 and training.folds > 1
    if minutes is None:  # nothing else keeps the trainings of a few rows short
        epochs, full = _short(settings, training)
        training = replace(training, epochs=epochs, full_epochs=full)
    if trials is None and minutes is None:
        trials = TRIALS
    finals: list[tuple[int, int]] | None = None
    if trials == 1:  # nothing is compared, so it is trained in full at once
        training, finals = replace(training, epochs=training.full_epochs), []
    elif minutes is None and isinstance(trials, int):
        finals = [(max(1, round(trials / _FINALISTS)), training.full_epochs)]
    strategy = settings.strategy
    if strategy is None and isinstance(trials, int) and trials <= _FEW:
        strategy = RandomSearch()
    return Plan(
        space,
        training,
        strategy=strategy,  # type: ignore[arg-type]
        objectives=(objective,),
        limits=settings.limits,  # type: ignore[arg-type]
        targets=(),
        trials=trials,
        minutes=minutes,
        finals=finals,  # type: ignore[arg-type]
        refit=settings.refit and divided and not of_folds,
        workers=settings.workers,
        deterministic=minutes is None and settings.workers != 0,
        seed=seed,
        rehearse=False,
        export=False,
        store=store,
    )


def _networks(settings: Settings, training: Training) -> int:
    """How many networks give the answer together.

    Those of the folds are trained in any case, and are better together than any of them: so where
    nobody said otherwise, and no limit is on the network, all of them are kept.
    """
    given = settings.ensemble
    if given is not None:
        if type(given) is not int or given < 1:
            raise SettingError(
                f"`{settings.called}(ensemble=...)` must be a whole number, at least 1, or None, "
                f"got {given!r}."
            )
        return given
    is_ours = settings.space is None or isinstance(settings.space, str)
    return training.folds if is_ours and not settings.limits and training.repeats == 1 else 1


def _short(settings: Settings, training: Training) -> tuple[int, int]:
    """Epochs of a trial and of a training in full, of fewer steps than `Training` has by itself."""
    steps = max(1, len(training.data.train) // training.batch)
    epochs, full = (max(at_least, -(-needed // steps)) for at_least, needed in _SHORT)
    given = settings.trial_epochs, settings.full_epochs
    return given[0] or epochs, given[1] or full


def _training(settings: Settings) -> dict[str, Any]:
    """What the training is told."""
    given: dict[str, Any] = {"device": settings.device}
    if settings.trial_epochs is not None:
        given["epochs"] = settings.trial_epochs
    if settings.full_epochs is not None:
        given["full_epochs"] = settings.full_epochs
    more = dict(settings.training or {})
    known = {field.name for field in fields(Training)} - _OWN.keys()
    for name in more:
        if name not in known:
            own = f"; {name!r} is `{_OWN[name]}`" if name in _OWN else ""
            raise SettingError(
                f"`{settings.called}(training=...)` may have {', '.join(sorted(known))}, got "
                f"{name!r}{own}."
            )
    return given | more


def _space(settings: Settings, data: Learned) -> Space:
    """The space that is asked for, by default that of the shape of the data."""
    asked, signature = settings.space, data.signature
    if isinstance(asked, Space):
        return asked
    if callable(asked):
        return Space(asked, data)
    sizes = signature.input.sizes, signature.outputs[0].sizes[0]
    named = default_space(signature, data) if asked is None else asked
    if not isinstance(named, str):
        raise SettingError(
            f"`{settings.called}(space=...)` must be a function of choices, a Space, the name of a "
            f"ready space or None, got {asked!r}."
        )
    return ready_space(f"{settings.called}(space=...)", named, *sizes)


class _Told:
    """Prints a line when a trial has ended."""

    def __init__(self, objective: Objective) -> None:
        self._metric, self._seen = str(objective.metric), 0

    def __call__(self, progress: Progress) -> None:
        for trial in list(progress.history)[self._seen :]:
            self._seen += 1
            value = trial.metrics.get(self._metric)
            reached = "" if value is None else f" {self._metric}={value:.5g}"
            print(
                f"{progress.seconds:7.1f} s  {trial.proposal.stage.to_json()} "
                f"{trial.number}: {trial.status}{reached}",
                flush=True,
            )
