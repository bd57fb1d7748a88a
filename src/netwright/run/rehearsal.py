"""The export, tried before the first training: what it takes, and what it cannot do.

Weights do not matter for that, so networks that were not trained will do: a few that together use
every option of the space.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from netwright.drawing.files import sketch
from netwright.errors import SpaceError
from netwright.evaluate.costs import Costs
from netwright.export import Card, export
from netwright.files.temporary import temporary
from netwright.network.threads import one_thread
from netwright.record.events import Rehearsed
from netwright.run.exporting import on_targets
from netwright.run.plan import Plan
from netwright.run.workers import slowness
from netwright.space import Architecture, Space
from netwright.space.members import first, turn

_DRAWN = 40  # networks of which some are chosen, beside those that take each option in turn
_TURNS = 16
_SIZES = ("width", "repeat", "value")  # kinds of choices of which the ends alone are tried
_SECONDS = 3.0  # after which no more networks are tried,
_SHARE = 0.02  # or so much of the minutes
_FEW_MINUTES = 3.0  # below which a rehearsal is short
_PROCESS = 3.1  # seconds that the fresh process takes on an idle machine, where it is left out
_ALIKE = 6  # networks that are tried to find one that works where the first did not
_NO_FORM = "There is no form"


@dataclass(frozen=True)
class _Tried:
    """What came of one network: what is to be said of its forms, and whether PyTorch has one."""

    notes: tuple[str, ...]
    usable: bool


def rehearse(plan: Plan, costs: Costs) -> Rehearsed:
    """Export networks of the space that were not trained, into a folder that is thrown away.

    Where the minutes are bounded one is exported as at the end, with the check in a fresh process,
    and timed; of a space of netwright's own that is all if they are few, and the check is in this
    process. What was found out of a space is kept with it.

    Raises:
        SpaceError: Neither model.py nor model.pt2 can be made of a network; names the option that
            makes it so, where another network does not fail, and the reason.
    """
    minutes = plan.bounds.minutes
    signature = plan.evaluator.deployment(plan.space).signature
    key = f"rehearsal {plan.limits} {signature} {minutes is None}"
    known: Rehearsed | None = plan.space.memo.get(key)
    if known is not None:
        return replace(known, seconds=0.0)
    began = time.perf_counter()
    is_quick = minutes is not None and minutes < _FEW_MINUTES and plan.space.origin is not None
    most = _SECONDS if minutes is None else max(_SECONDS, _SHARE * 60 * minutes)
    notes: dict[str, None] = {}
    works: Architecture | None = None
    ending, count = None, 0
    with one_thread():
        networks = _cover(plan, costs)
        for count, architecture in enumerate(networks, 1):
            before = time.perf_counter()
            whole = minutes is not None and count == 1
            tried = _try(plan, architecture, whole=whole, fresh=whole and not is_quick)
            if whole:
                ending = time.perf_counter() - before
                ending += _PROCESS * slowness() if is_quick else 0.0
            if not tried.usable:
                others = networks[count : count + _ALIKE] if works is None else [works]
                raise SpaceError(_refusal(plan, architecture, tried, others))
            works = works or architecture
            notes |= dict.fromkeys(tried.notes)
            if is_quick or time.perf_counter() - began > most:
                break
    rehearsed = Rehearsed(count, time.perf_counter() - began, ending, tuple(notes))
    plan.space.memo[key] = rehearsed
    return rehearsed


def _try(
    plan: Plan, architecture: Architecture, *, whole: bool = False, fresh: bool = False
) -> _Tried:
    """Export a network with fresh weights; `whole` is all that is done at the end of a run.

    Its forms are checked in a `fresh` process, or in this one.
    """
    network = plan.space.build(architecture, seed=plan.seed).eval()
    deployment = plan.evaluator.deployment(plan.space)
    costs: dict[str, float] = {}
    if whole:
        sketch(network, plan.space.signature)
        costs = on_targets(plan, network)
    with temporary() as folder:
        made = export(
            deployment.raw(network),
            folder / "export",
            signature=deployment.signature,
            card=Card("A rehearsal", costs=costs),
            examples=deployment.examples,
            task=plan.evaluator.deployed_task,
            encoder=deployment.encoder,
            fresh=fresh,
        )
        usable = any((made.directory / form).is_file() for form in ("model.py", "model.pt2"))
    return _Tried(tuple(note for note in made.notes if not note.startswith(_NO_FORM)), usable)


def _refusal(
    plan: Plan, failed: Architecture, tried: _Tried, others: Sequence[Architecture]
) -> str:
    """Why the run does not begin: the option to leave out where it can be told, and the reason."""
    works = next((other for other in others if _try(plan, other).usable), None)
    blamed = None if works is None else _blamed(plan, works, failed)
    which = f"A network of `{plan.space.name}`"
    remedy = "Mend it"
    if blamed is not None:
        name, answer = blamed
        which += f" with {name!r} = {answer!r}"
        remedy += ", leave the option out with `netwright.space.restricted`"
    reasons = " ".join(f"{note.rstrip('.')}." for note in tried.notes)
    alone = "search(rehearse=False)" if plan.call is None else "--no-rehearse"
    return (
        f"{which} could not be handed back in a form that PyTorch loads. {reasons} {remedy}, or be "
        f"content with the weights alone: `{alone}`."
    )


def _blamed(plan: Plan, works: Architecture, failed: Architecture) -> tuple[str, object] | None:
    """The answer of `failed` that makes it fail where `works` does not."""
    space, here = plan.space, dict(works.answers)
    for name, answer in failed.answers.items():
        if here.get(name) == answer:
            continue
        try:
            there = space.architecture(space.members.answer(partial(first, {**here, name: answer})))
        except SpaceError:  # its rules forbid these together
            continue
        if not _try(plan, there).usable:
            return name, answer
        here = dict(there.answers)
    return None


def _cover(plan: Plan, costs: Costs) -> list[Architecture]:
    """A few networks within the limits that together use every option that was drawn.

    The first has a middling number of answers. Of sizes, counts and numbers only the first and the
    last option need to be used.
    """
    space = plan.space
    rng = np.random.default_rng([plan.seed, _DRAWN])
    drawn = [*_in_turn(space), *(costs.within.sample(rng) for _ in range(_DRAWN))]
    smallest = space.smallest()
    drawn = list(dict.fromkeys([smallest, *drawn]))
    if plan.limits:
        drawn = [a for a in drawn if costs.admit(a).reason is None] or [smallest]
    sizes = [len(a.answers) for a in drawn]
    chosen = [drawn[int(np.argsort(sizes, kind="stable")[len(drawn) // 2])]]
    uses = {a: _uses(space, a) for a in drawn}
    wanted = set().union(*uses.values()) - uses[chosen[0]]
    while wanted:
        best = max(drawn, key=lambda a: len(uses[a] & wanted))
        chosen.append(best)
        wanted -= uses[best]
    return chosen


def _in_turn(space: Space) -> list[Architecture]:
    """Networks that take the options of each choice in turn."""
    if space.members.normal_form is not None:
        return []
    most = max((len(choice.options) for choice in space.choices.values()), default=1)
    rounds = min(most, _TURNS)
    places = [i * most // rounds for i in range(rounds)]
    return [space.architecture(space.members.answer(partial(turn, place))) for place in places]


def _uses(space: Space, architecture: Architecture) -> set[tuple[str, object]]:
    """The options of a network that a form may fail at."""
    used: set[tuple[str, object]] = set()
    for name, answer in architecture.answers.items():
        choice = space.choices[name]
        if choice.kind not in _SIZES or answer in (choice.options[0], choice.options[-1]):
            used.add((name, answer))
    return used
