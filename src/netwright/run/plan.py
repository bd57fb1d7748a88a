"""What a run is to do: each option of `search` with its rule, its help and its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from netwright.errors import SettingError
from netwright.evaluate.base import Evaluator
from netwright.evaluate.costs import Costs
from netwright.evaluate.folded import check_networks
from netwright.evaluate.function import Function
from netwright.evaluate.training import Training
from netwright.execute import Executor
from netwright.objective import COSTS, Limit, MetricName, Objective, limits_from
from netwright.oneshot import OneShot
from netwright.oneshot.names import search_named
from netwright.proxies import Proxy
from netwright.proxies.names import proxies_from
from netwright.run import checks
from netwright.run.options import flag_of, option, options_of
from netwright.settings.rules import instance, positive, switch, whole, whole_or
from netwright.space import Space
from netwright.stopping import Stopped, Stopper
from netwright.stopping.names import stopper_named
from netwright.store import Store
from netwright.strategies import Auto, Strategy
from netwright.targets.asked import asked
from netwright.targets.base import Target

SAME = '"same"'


class Bounds(NamedTuple):
    """Bounds of the search stage; the first one reached ends it. None is no bound."""

    trials: int | None = None
    minutes: float | None = None
    epochs: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a run is to do, from what a user gave: checked, and with defaults filled in.

    An option is declared here and nowhere else. `call` is how the command line was called, None
    for a run begun from Python; errors then name `search(seed=...)`, not `--seed`.

    Raises:
        SettingError: A value is outside its rule, or two do not fit together.
    """

    space: Space
    evaluator: Evaluator
    strategy: Strategy | OneShot = option(
        None,
        "what to try next: a strategy, or its name with settings, such as "
        '"regularized-evolution(population=40)"; `Auto()` if None. A one-shot search such as '
        "`GDAS()` trains the whole space first, for at most half of the minutes, and then names "
        "the networks that are trained as trials.",
        cli_help="{STRATEGIES}; or a one-shot search: {ONE_SHOTS}. With settings: "
        "'darts(epochs=5)'.",
        cli_default="auto",
        fixed=True,
    )
    stopper: Stopper | None = option(
        None,
        "which trials go on, over any strategy, such as `Hyperband()`, or its name with settings; "
        "None trains all of them as long.",
        cli_help="Which trials go on, over any strategy: {STOPPERS}.",
        fixed=True,
    )
    objectives: tuple[Objective, ...] = option(
        None,
        "the first decides which network is the best; several make a front; None for the task's "
        "own.",
        flag="--objective",
        cli_help="A metric, -latency_ms for a small one; may be repeated.",
        cli_default=[],
        fixed=True,
    )
    limits: tuple[Limit, ...] = option(
        None,
        "bounds that no network may break, on params, macs, memory_mib or what a target measures: "
        '`{"params": 200_000, "latency_ms@onnxruntime": 1.0}`, or a list such as '
        '`[at_most("latency_ms", 1.0, on=MyTarget()), at_least("synflow", 20)]`.',
        flag="--limit",
        cli_help="metric=value, metric@target=value, metric@target(key=value)=value or "
        "proxy>=value; may be repeated.",
        cli_default=[],
        fixed=True,
    )
    targets: tuple[Target, ...] = option(
        None,
        "where networks are measured before they are trained, beside those that objectives and "
        "limits name; if there are none, ONNX Runtime, or PyTorch where that is missing; nowhere "
        "else with (). A metric without a target, such as latency_ms, is that of the only one that "
        "measures it.",
        flag=None,
        fixed=True,
    )
    proxies: tuple[Proxy, ...] = option(
        None,
        "scores that are computed of each network before it is trained, and are metrics of its "
        "trial: `[Synflow()]`, or names with settings. An objective may be on one, "
        '`maximize("synflow")`, and a limit, `at_least("synflow", 20)`.',
        flag="--proxy",
        cli_help="A score to compute of each network before it is trained: {PROXIES}; may be "
        "repeated.",
        cli_default=[],
        fixed=True,
    )
    trials: int | None = option(None, "networks to try.", rule=whole(1, none=True), group="budget")
    minutes: float | None = option(
        None,
        "minutes for all of it: search, finals, refit, test and export.",
        cli_help="Minutes for all of it, to the exported network (10 if no budget is given).",
        rule=positive(none=True),
        group="budget",
    )
    epochs: int | None = option(
        None, "training epochs of all trials.", rule=whole(1, none=True), group="budget"
    )
    finals: tuple[tuple[int, int], ...] = option(
        None,
        "each trains the best so many networks of the stage before for so many epochs; None for 8 "
        "with a third of the full schedule, then 2 with all of it, or for 4 with all of it where a "
        "trial has a third; () for no finals.",
        cli_help="Networks x epochs, as 8x10,3x30, or none (default by --full-epochs).",
        fixed=True,
    )
    refit: bool = option(
        None,
        "train the best on the validation part too, which gives it more rows; None for where a "
        "test part is left to score it, or folds said what all rows are worth.",
        rule=switch(none=True),
        fixed=True,
    )
    baseline: int | Literal["same"] = option(
        0,
        'random networks to train beside, to measure what the search is worth; "same" for as many '
        "as could be trained in the time that the search took.",
        cli_help="Random networks to train beside, or same (as much time).",
        rule=whole_or("same"),
    )
    workers: int = option(
        1,
        "processes of one thread each; 0 runs in this process.",
        cli_help="Worker processes (default: cores).",
        cli_default=None,
        rule=whole(),
    )
    executor: Executor | None = option(
        None,
        "where trials run, in the place of `workers` processes on this machine.",
        flag=None,
        rule=instance("an Executor such as `Processes(2)`", Executor, none=True),
        logged=False,
    )
    deterministic: bool = option(
        False,
        "with several workers, make the architectures a function of the seed.",
        rule=switch(),
    )
    seed: int = option(0, "seed of everything random.", rule=whole(), fixed=True)
    trial_minutes: float | None = option(
        None,
        "minutes after which a trial of the search is stopped; finals are not.",
        rule=positive(none=True),
    )
    designs: bool = option(
        True,
        "try the well-known networks of the space first, each as large as the limits and the time "
        "allow; they take half of the trials at most.",
        rule=switch(),
        logged=False,
    )
    portfolio: bool = option(
        True,
        "try what did well on other data after the designs, if the space has such networks; with "
        "the designs they take half of the trials, or of the time, at most.",
        rule=switch(),
        logged=False,
    )
    rehearse: bool = option(
        True,
        "try the export before the first training, on networks that were not trained, and refuse "
        "a space of which neither model.py nor model.pt2 can be made. Without it such a run ends "
        "with the weights alone.",
        rule=switch(),
    )
    export: bool = option(
        True,
        "make the exported forms of the best network at the end of the run; without it they are "
        "made when `run.best.export` asks for them, or `out`.",
        rule=switch(),
        flag=None,
        logged=False,
    )
    warm_start: str | None = option(
        None,
        "a run in the same store, with the same objectives, of this space or one that it was made "
        "from. With the same data and training the strategy knows its trials where their "
        "architectures are members here, and the best of them, as many as the first final takes, "
        "are trained again first, so that they can be finalists. Of a run on other data five of "
        "the best are tried first, and the strategy learns what they are worth here.",
        rule=instance("a name", str, none=True),
        logged=False,
    )
    store: str | Path | Store = option(
        "netwright.db",
        "where the run is logged and its weights are kept: the path of a file, a URL such as "
        "`sqlite:///runs.db` or `memory://name`, or a Store. A run of the same name in it is "
        "continued; if it is finished it is returned as it is, or goes on where trials, minutes or "
        "epochs are more than it had.",
        cli_help="Where runs are: a file or a URL.",
        rule=instance("a path, a URL or a Store", str, Path, Store),
        logged=False,
    )
    run: str | None = option(
        None, "name of the run.", rule=instance("a name", str, none=True), logged=False
    )
    out: str | Path | None = option(
        None,
        "folder for the best network.",
        rule=instance("a folder", str, Path, none=True),
        logged=False,
    )
    call: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    has_usual_finals: bool = field(default=False, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, known in options_of(self).items():
            if known.rule is not None:
                known.rule.check(self.word(name), getattr(self, name))
        if all(bound is None for bound in self.bounds):
            raise SettingError("`search(...)` must have a budget: give trials, minutes or epochs.")
        if self.baseline == "same" and self.deterministic:
            raise SettingError(
                f"`{self.word('baseline', SAME)}` counts by the seconds that a search took, which "
                f"`{self.word('deterministic', 'True')}` cannot repeat; give a number."
            )
        self._fill_in()
        self._check_fit()

    def named(self, run: str) -> Plan:
        """The same with a name for its run; what nobody said stays open."""
        finals: Any = None if self.has_usual_finals else self.finals
        return replace(self, run=run, finals=finals)

    def word(self, name: str, value: str = "...") -> str:
        """What an option is called where it was given."""
        known = options_of(self)[name]
        return f"search({name}={value})" if self.call is None else flag_of(name, known)

    @property
    def bounds(self) -> Bounds:
        """What ends the search stage."""
        return Bounds(self.trials, self.minutes, self.epochs)

    @property
    def measured(self) -> frozenset[str]:
        """The metrics that its targets measure."""
        return frozenset(str(MetricName.on(m, t.name)) for t in self.targets for m in t.metrics)

    @property
    def scored(self) -> frozenset[str]:
        """The metrics that its proxies compute."""
        return frozenset(proxy.cli_name for proxy in self.proxies)

    def costs(self) -> Costs:
        """What networks cost before they are trained, with nothing measured yet."""
        paced = self.bounds.minutes is not None
        return Costs(self.space, self.limits, self.targets, self.evaluator, paced=paced)

    @property
    def trial_seconds(self) -> float | None:
        """Seconds after which a trial of the search is stopped."""
        return None if self.trial_minutes is None else self.trial_minutes * 60

    def _fill_in(self) -> None:
        """Put in the place of what was given what it stands for."""
        given: Any = self  # of other kinds than the fields have in the end
        evaluator = given.evaluator
        checks.check_instance("search(space, evaluator)", evaluator)
        checks.check_instance(self.word("strategy"), given.strategy)
        checks.check_instance(self.word("stopper"), given.stopper)
        if not isinstance(evaluator, Evaluator):
            evaluator = Function(evaluator)
        checks.check_names(evaluator)
        strategy = Auto() if given.strategy is None else given.strategy
        if isinstance(strategy, str):
            strategy = search_named(self.word("strategy"), strategy)
        stopper = given.stopper
        if isinstance(stopper, str):
            stopper = stopper_named(self.word("stopper"), stopper)
        if isinstance(strategy, Stopped):
            strategy, stopper = checks.parts_of(self.word, strategy, stopper)
        checks.check_kinds(self.word, given.space, strategy)
        objectives, finals = given.objectives, given.finals
        if objectives is None:
            objectives = (evaluator.metric.objective,)
        objectives = checks.checked_objectives(self.word, objectives)
        proxies = proxies_from(self.word("proxies"), given.proxies)
        scores = {proxy.cli_name for proxy in proxies}
        known = {*COSTS, *evaluator.metric_names, *scores}
        wanted = asked(objectives, limits_from(given.limits), given.targets, known)
        checks.check_distinct(self.word, wanted.objectives)
        self._set("has_usual_finals", finals is None)
        if finals is None:
            full = evaluator.full_epochs
            third = max(1, round(full / 3))
            several = ((8, third), (2, full)) if third > evaluator.epochs else ((4, full),)
            finals = several if full > evaluator.epochs else ()
        self._set("evaluator", evaluator)
        self._set("strategy", strategy)
        self._set("stopper", stopper)
        self._set("objectives", wanted.objectives)
        self._set("limits", wanted.limits)
        self._set("targets", wanted.targets)
        self._set("proxies", proxies)
        self._set("finals", checks.checked_finals(self.word, finals))
        if given.refit is None:
            scored = evaluator.test_examples is not None or evaluator.trainings > 1
            can = evaluator.for_refit() is not None
            self._set("refit", scored and can and not self._is_of_folds)

    @property
    def leaves_epochs_open(self) -> bool:
        """Whether nobody said for how long trials and finals train, and nothing else decides it."""
        evaluator = self.evaluator
        if not isinstance(evaluator, Training) or not self.has_usual_finals or self.stopper:
            return False
        usual = replace(evaluator, epochs=None, full_epochs=None)  # type: ignore[arg-type]
        same = (usual.epochs, usual.full_epochs) == (evaluator.epochs, evaluator.full_epochs)
        return same and not isinstance(self.strategy, OneShot)

    @property
    def last_ends_on_time(self) -> bool:
        """Whether the schedule of the last training can end with its time, however long it is."""
        last = (self.evaluator.for_refit() if self.refit else None) or self.evaluator
        return last.ends_on_time and self.space.networks == 1 and self.has_usual_finals

    @property
    def _is_of_folds(self) -> bool:
        """Whether networks are ensembles, which have learned from all rows on their folds."""
        evaluator = self.evaluator
        return self.space.networks > 1 and isinstance(evaluator, Training) and evaluator.folds > 1

    def _check_fit(self) -> None:
        checks.check_data(self.space, self.evaluator)
        if isinstance(self.evaluator, Training):
            check_networks(self.space.networks, self.evaluator.folds)
        checks.check_stopper(self.word, self.stopper, self.strategy, self.deterministic)
        if isinstance(self.strategy, OneShot):
            checks.check_one_shot(self.word, self.strategy, self.evaluator)
            checks.check_learned(self.word, self.objectives, self.scored)
        known = self.measured | self.scored
        checks.check_metrics(self.word, self.objectives, self.evaluator, known)
        checks.check_proxies_fit(self.word, self.proxies, self.limits, self.evaluator)
        for settings in (self.strategy, self.stopper, self.evaluator):
            checks.check_sizes(settings)
        checks.check_recipes(self.space, self.evaluator)
        checks.check_refit(self.word, self.refit, self.evaluator)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
