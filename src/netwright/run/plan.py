"""What a run is to do, made from what a user gave and checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from netwright.errors import SettingError
from netwright.evaluate.base import Evaluator
from netwright.evaluate.costs import Costs
from netwright.evaluate.function import Function, Train
from netwright.evaluate.training import Training
from netwright.network.signature import Signature
from netwright.objective import Limit, Limits, MetricName, Objective, limits_from
from netwright.oneshot import OneShot
from netwright.oneshot.names import search_named
from netwright.space import Space
from netwright.space.limits import COSTS
from netwright.stopping import Stopped, Stopper
from netwright.stopping.names import stopper_named
from netwright.strategies import Auto, Strategy
from netwright.targets.asked import Asked, asked
from netwright.targets.base import Target


@dataclass(frozen=True)
class Budget:
    """Bounds of the search stage; the first one reached ends it. None is no bound."""

    trials: int | None = None
    minutes: float | None = None
    epochs: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a run is to do. `finals` are stages of (how many networks, epochs each).

    In the last of them each network is trained with every answer to the space's late choices.
    `refit` trains what the finals chose again, on the train and validation parts together.
    """

    space: Space
    evaluator: Evaluator
    strategy: Strategy | OneShot
    objectives: tuple[Objective, ...]
    limits: tuple[Limit, ...]
    budget: Budget
    finals: tuple[tuple[int, int], ...]
    baseline: int | Literal["same"] = 0
    deterministic: bool = False
    seed: int = 0
    targets: tuple[Target, ...] = ()
    trial_seconds: float | None = None
    refit: bool = False
    stopper: Stopper | None = None

    @property
    def measured(self) -> frozenset[str]:
        """The metrics that its targets measure."""
        return frozenset(str(MetricName.on(m, t.name)) for t in self.targets for m in t.metrics)

    def costs(self) -> Costs:
        """What networks cost before they are trained, with nothing measured yet."""
        return Costs(self.space, self.limits, self.targets, self.evaluator)


def make_plan(
    space: Space,
    evaluator: Evaluator | Train,
    *,
    strategy: Strategy | Stopped | OneShot | str | None,
    stopper: Stopper | str | None = None,
    objectives: Sequence[Objective] | None,
    limits: Limits | None,
    targets: Sequence[Target] | None = None,
    budget: Budget,
    finals: Sequence[tuple[int, int]] | None,
    refit: bool | None,
    baseline: int | Literal["same"],
    deterministic: bool,
    seed: int,
    trial_minutes: float | None,
) -> Plan:
    """The plan of the arguments of `search`, with its defaults filled in.

    Raises:
        SettingError: A value is outside its rule, or two do not fit together.
    """
    if isinstance(strategy, str):
        strategy = search_named("search(strategy=...)", strategy)
    if isinstance(stopper, str):
        stopper = stopper_named("search(stopper=...)", stopper)
    if isinstance(strategy, Stopped):
        strategy, stopper = _parts(strategy, stopper)
    _check_kinds(space, strategy)
    _check_stopper(stopper, strategy, deterministic=deterministic)
    if baseline == "same" and deterministic:
        raise SettingError(
            '`search(baseline="same")` counts by the seconds that a search took, which '
            "`deterministic=True` cannot repeat; give a number."
        )
    _check_numbers(budget, trial_minutes, 0 if baseline == "same" else baseline, seed)
    made = evaluator if isinstance(evaluator, Evaluator) else Function(evaluator)
    _check_fit(space, made)
    if isinstance(strategy, OneShot):
        _check_one_shot(strategy, made)
    first = (made.metric.objective,) if objectives is None else _checked_objectives(objectives)
    known = {*COSTS, *made.metric_names}
    wanted = asked(first, limits_from(limits), targets, known)
    _check_known(wanted, made)
    _check_recipes(space, made)
    if finals is None:
        full = made.full_epochs
        finals = ((8, max(1, round(full / 3))), (2, full)) if full > made.epochs else ()
    if refit and not made.can_refit:
        raise SettingError(
            f"`search(refit=True)` needs an evaluator that can train on train and validation "
            f"together, which {type(made).__name__} cannot; leave `refit` out."
        )
    return Plan(
        space,
        made,
        strategy or Auto(),
        wanted.objectives,
        wanted.limits,
        budget,
        _checked_finals(finals),
        baseline,
        deterministic,
        seed,
        wanted.targets,
        trial_minutes * 60 if trial_minutes is not None else None,
        made.can_refit and made.test_examples is not None if refit is None else refit,
        stopper,
    )


def _check_numbers(budget: Budget, trial_minutes: float | None, baseline: int, seed: int) -> None:
    bounds = {"trials": budget.trials, "minutes": budget.minutes, "epochs": budget.epochs}
    if all(bound is None for bound in bounds.values()):
        raise SettingError("`search(...)` must have a budget: give trials, minutes or epochs.")
    for name, bound in bounds.items():
        whole = name != "minutes"
        if bound is not None and not (_is_number(bound, whole=whole) and 0 < bound < math.inf):
            kind = "a whole number" if whole else "a number"
            raise SettingError(f"`search({name}=...)` must be {kind} above 0, got {bound!r}.")
    if trial_minutes is not None and not (_is_number(trial_minutes) and trial_minutes > 0):
        raise SettingError(
            f"`search(trial_minutes=...)` must be a number above 0, got {trial_minutes!r}."
        )
    for name, value in {"baseline": baseline, "seed": seed}.items():
        if not _is_number(value, whole=True) or value < 0:
            also = ' or "same"' if name == "baseline" else ""
            raise SettingError(
                f"`search({name}=...)` must be a whole number, at least 0{also}, got {value!r}."
            )


def _check_known(wanted: Asked, evaluator: Evaluator) -> None:
    """Refuse an objective that no trial will have, where that is known."""
    known = (*evaluator.metric_names, *wanted.metrics)
    for objective in wanted.objectives:
        if evaluator.metric_names and objective.metric not in known:
            raise SettingError(
                f"`search(objectives=...)` must be on one of {', '.join(known)}, "
                f"got {objective.metric!r}."
            )


def _check_recipes(space: Space, evaluator: Evaluator) -> None:
    """Try what the recipe answers for every option, one at a time."""
    base = space.smallest()
    for architecture in (base, *space.neighbours(base)):
        evaluator.check_recipe(space.recipe(architecture))


def _check_fit(space: Space, evaluator: Evaluator) -> None:
    """Refuse a space for other data than the evaluator trains on."""
    data = evaluator.data
    if data is not None and _shapes(space.signature) != _shapes(data.signature):
        raise SettingError(
            f"`search(space, ...)` must be a space for the data: for the data {data.name!r} a "
            f"network takes and gives {_shapes(data.signature)}, those of the space "
            f"{space.name!r} {_shapes(space.signature)}. "
            "Write `netwright.Space(network, data)`."
        )


def _shapes(signature: Signature) -> str:
    """The shapes of an example that a network takes, and of what it gives."""
    takes, gives = (
        ", ".join(f"{spec.name} {spec.shape}" for spec in specs)
        for specs in (signature.inputs, signature.outputs)
    )
    return f"{takes} -> {gives}"


def _check_one_shot(search: OneShot, evaluator: Evaluator) -> None:
    """Refuse an evaluator whose data a one-shot search cannot learn from."""
    name = type(search).__name__
    if not isinstance(evaluator, Training):
        raise SettingError(
            f"`search(strategy={name}())` trains shared weights and needs the data: give "
            f"`netwright.Training(data)`, got {type(evaluator).__name__}."
        )
    if not len(evaluator.data.validation):
        raise SettingError(
            f"`search(strategy={name}())` chooses by the validation part, and the data "
            f"{evaluator.data.name!r} have none."
        )


def _parts(stopped: Stopped, stopper: Stopper | None) -> tuple[Strategy, Stopper]:
    """The strategy and the stopper of what has both."""
    if stopper is not None:
        raise SettingError(
            f"`search(strategy=..., stopper=...)`: the strategy has the stopper "
            f"{stopped.stopper!r} already, got {stopper!r}; leave one out."
        )
    if not isinstance(stopped.strategy, Strategy):
        raise SettingError(f"`Stopped(strategy, ...)` must have a Strategy, got {stopped!r}.")
    return stopped.strategy, stopped.stopper


def _check_stopper(stopper: object, strategy: object, *, deterministic: bool) -> None:
    """Refuse a stopper that cannot go with the rest."""
    if stopper is None:
        return
    if not isinstance(stopper, Stopper):
        raise SettingError(
            f"`search(stopper=...)` must be a Stopper such as `Hyperband()`, got {stopper!r}."
        )
    if isinstance(strategy, OneShot):
        raise SettingError(
            f"`search(stopper=...)` is for strategies, got strategy={type(strategy).__name__}(), "
            "which trains the networks that it names in full; leave `stopper` out."
        )
    if stopper.ends_trials and deterministic:
        raise SettingError(
            f"`search(stopper={type(stopper).__name__}())` ends trials by when their news come, "
            "which `deterministic=True` cannot repeat; leave one out."
        )


def _check_kinds(space: object, strategy: object) -> None:
    """Refuse what is of another kind than it has to be, with the remedy."""
    if not isinstance(space, Space):
        raise SettingError(
            f"`search(space, ...)` must be a Space, got {space!r}; write `netwright.Space(network, "
            "data)`."
        )
    if strategy is not None and not isinstance(strategy, Strategy | OneShot):
        raise SettingError(
            "`search(strategy=...)` must be a Strategy such as `RandomSearch()`, or a one-shot "
            f"search such as `GDAS()`, got {strategy!r}."
        )


def _checked_objectives(objectives: object) -> tuple[Objective, ...]:
    """Refuse what is no list of objectives, or an empty one."""
    wanted: tuple[object, ...] = ()
    if isinstance(objectives, Sequence) and not isinstance(objectives, str):
        wanted = tuple(objectives)
    if not wanted or not all(isinstance(objective, Objective) for objective in wanted):
        raise SettingError(
            '`search(objectives=...)` must be a list such as [minimize("latency_ms")], or None '
            f"for what the task is searched for, got {objectives!r}."
        )
    return tuple(each for each in wanted if isinstance(each, Objective))


def _checked_finals(finals: object) -> tuple[tuple[int, int], ...]:
    made = []
    for final in finals if isinstance(finals, Sequence) else [finals]:
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
