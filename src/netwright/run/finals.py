"""The finals: who is trained for longer, who is trained last, and what is measured again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from netwright.evaluate.job import Job
from netwright.evaluate.stopped import BEST_EPOCH
from netwright.execute import Executor, Key
from netwright.objective import Limit, Objective
from netwright.run.choice import Scored, earliest
from netwright.run.kept_weights import Weights
from netwright.run.plan import Plan
from netwright.run.timetable import HOPED, long_enough
from netwright.run.workers import news
from netwright.space.designs import in_long
from netwright.trial import (
    REFIT,
    SEARCH,
    Budget,
    History,
    Proposal,
    Stage,
    Trial,
    best_of,
    by_budget,
    front_of,
    last_final,
    ranked,
)

_APART = 3  # answers in which networks of the first final differ
_NONE = object()
_MEASURE = 3  # times a finalist is measured when the first figure is over its limit


def finalists(plan: Plan, history: History, number: int, *, late: bool = True) -> list[Proposal]:
    """Who of the stage before is trained for longer in this final; in the last, each variant.

    Without `late` the last final is too short to try late answers.
    """
    count, epochs = plan.finals[number - 1]
    budget = Budget(epochs)
    before = history.allowed(plan.limits, last_final(number - 1))
    choose = promoted if number == 1 else _best
    chosen: list[Trial] = []
    for trials in by_budget(before):
        chosen += choose(trials, plan.objectives, count - len(chosen))
    if number == 1:
        chosen = _with_design(chosen, before, plan.objectives)
    last = late and number == len(plan.finals)
    return [
        Proposal(made, budget, t.number, Stage.final(number), t.proposal.design)
        for t in chosen
        for made in (plan.space.variants(t.architecture) if last else [t.architecture])
    ]


def refits(plan: Plan, found: Sequence[Trial], own: Budget | None = None) -> list[Proposal]:
    """The network that was chosen, or with several objectives the front, to be trained again."""
    best = best_of(found, plan.objectives[0])
    chosen = front_of(found, plan.objectives) if len(plan.objectives) > 1 else [best]
    own = own or Budget(plan.evaluator.epochs)
    return [
        Proposal(t.architecture, _again(t, own), t.number, REFIT, t.proposal.design)
        for t in chosen
        if t
    ]


def only_refits(
    plan: Plan,
    history: History,
    kept: Sequence[Trial],
    budget: Budget,
    score: Callable[[Trial], Scored],
) -> list[Proposal]:
    """The network to be trained for long where only short trials tell which, or the front.

    That is the best of the well-known ones, if there is one: of others short trials tell little.
    Where they do not tell these apart either it is the first, as practitioners try them. `kept` are
    the best trials, which were measured again; no other is taken without need.
    """
    found = list(kept)
    if len(plan.objectives) == 1:
        tried = history.candidates(plan.limits, SEARCH)
        designs = ([t for t in of if t.proposal.design is not None] for of in (kept, tried))
        known = next((some for some in designs if some), [])
        found = [earliest([score(trial) for trial in known])] if known else found
    return [replace(each, budget=budget) for each in refits(plan, found, budget)]


def as_in_long(plan: Plan, history: History, refit: Proposal) -> Proposal:
    """A last training, of a design with its late answers of a long one if none was trained so.

    Only where minutes left no time to try them. Its schedule may end on time, after 80 % of its
    epochs.
    """
    design = next((each for each in plan.space.designs if each.name == refit.design), None)
    budget, full = refit.budget, plan.evaluator.full_epochs
    is_open = plan.minutes is not None and plan.has_usual_finals
    if design is None or budget is None or not (budget.is_whole and is_open):
        return refit
    if HOPED * budget.amount < long_enough(full):
        return refit
    tried = [trial.architecture.answers.items() for trial in history if trial.done]
    if any(design.long.items() <= answers for answers in tried):
        return refit
    long = in_long(plan.space.members, design, refit.architecture)
    return replace(refit, architecture=long)


def _again(trial: Trial, own: Budget) -> Budget:
    """The budget of a trial, `own` if it names none, or the part of it after which it was best."""
    budget, best = trial.proposal.budget or own, trial.metrics.get(BEST_EPOCH)
    return budget if best is None else Budget(int(best), budget.horizon)


def has_trained(history: History, weights: Weights, proposal: Proposal) -> bool:
    """Whether its stage has such a trial already: one of a run that goes on after its end."""
    return any(
        t.done
        and t.proposal.stage == proposal.stage
        and t.proposal.budget == proposal.budget
        and t.architecture == proposal.architecture
        and weights.has(t.number)
        for t in history
    )


def eligible(plan: Plan, history: History, weights: Weights) -> list[Trial]:
    """The trials of the latest final, or of the search, that may be returned."""
    for number in range(len(plan.finals), -1, -1):
        found = history.candidates(plan.limits, last_final(number))
        if found:
            return [t for t in found if weights.has(t.number)]
    return []


def promoted(trials: Sequence[Trial], objectives: Sequence[Objective], count: int) -> list[Trial]:
    """Which of the trials of a short budget to train for longer.

    Short trials favour small networks, which learn fast. So with one objective half of the places
    go to the best, and half to the best of those that cost more: from the best on, each next one
    is the best among the networks of more MACs than all before it. What that leaves free, and with
    several objectives every place, is filled in the order of `ranked`.

    A search ends with many networks that hardly differ, of which short trials cannot tell the best.
    So none is chosen that differs from one before it in fewer than three answers, while there are
    others.
    """
    order = ranked(trials, objectives)
    chosen: list[Trial] = []

    def choose(trial: Trial) -> bool:
        far = all(_differing(trial, other) >= _APART for other in chosen)
        if len(chosen) < count and far:
            chosen.append(trial)
            return True
        return False

    single = len(objectives) == 1
    for trial in order:
        if single and len(chosen) == count - count // 2:
            break
        choose(trial)
    most = max((t.metrics.get("macs", 0.0) for t in chosen[:1]), default=0.0)
    for trial in order if single else []:
        if trial.metrics.get("macs", 0.0) > most and choose(trial):
            most = trial.metrics["macs"]
    for trial in order:
        choose(trial)
    chosen += [t for t in order if t not in chosen][: count - len(chosen)]
    return ranked(chosen, objectives)


def _with_design(
    chosen: list[Trial], trials: Sequence[Trial], objectives: Sequence[Objective]
) -> list[Trial]:
    """The best of the well-known networks in the last place, if none was chosen.

    What is new must be better than that when both are trained for as long.
    """
    designs = [t for t in trials if t.proposal.design is not None]
    known = {t.architecture for t in designs}
    if len(chosen) < 2 or not designs or any(t.architecture in known for t in chosen):
        return chosen
    return [*chosen[:-1], ranked(by_budget(designs)[0], objectives)[0]]


def _best(trials: Sequence[Trial], objectives: Sequence[Objective], count: int) -> list[Trial]:
    return ranked(trials, objectives)[:count]


def _differing(a: Trial, b: Trial) -> int:
    """How many choices two trials answer differently, or only one of them answers."""
    one, other = a.architecture.answers, b.architecture.answers
    return sum(one.get(n, _NONE) != other.get(n, _NONE) for n in one.keys() | other.keys())


def measured_again(
    trials: Sequence[Trial],
    limits: Sequence[Limit],
    measurable: Collection[str],
    executor: Executor,
    claim: Callable[[int], int],
    waiting: Callable[[], None],
) -> dict[int, dict[str, float]]:
    """The `measurable` metrics of trials that have one, while the machine does nothing else.

    What is over a limit is measured up to three times, and the least counts. `claim(trial)` gives
    the number of the next attempt at a job of it; `waiting` is called several times a second.
    """
    found: dict[int, dict[str, float]] = {}
    for trial in trials:
        least: dict[str, float] = {}
        had = not trial.metrics.keys().isdisjoint(measurable)
        for _ in range(_MEASURE if had else 0):
            values = _measured(trial, claim(trial.number), executor, waiting)
            least |= {key: min(value, least.get(key, value)) for key, value in values.items()}
            if not values or not any(limit.excess(least) for limit in limits):
                break
        if least:
            found[trial.number] = least
    return found


def _measured(
    trial: Trial, attempt: int, executor: Executor, waiting: Callable[[], None]
) -> dict[str, float]:
    """Measured once; empty if it cannot be."""
    job = Job(trial.architecture, Budget(1), 0, {}, measure=True)
    key = Key(trial.number, attempt)
    executor.submit(key, job, alone=True)
    while True:
        for message in news(executor, 0.25):
            if message.key != key:
                continue
            if message.kind == "ended":
                metrics: dict[str, float] = dict(message.body.metrics)  # no others were given
                return metrics
            if message.kind == "lost":
                return {}
        waiting()
