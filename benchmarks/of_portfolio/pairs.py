"""What is trained for the portfolio: designs, mutants of them and random members of each space."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from zlib import crc32

import numpy as np

import netwright as nw
from netwright import spaces
from netwright.evaluate.base import Candidate, Context
from netwright.space import Answer, Architecture, Choice, Space
from netwright.space.designs import sized
from of_portfolio.data_sets import Problem

PAIRS = 64  # of an architecture and a recipe, of each space
SPACES: Mapping[str, tuple[Callable[[], Space], float | None]] = {
    "convnet": (lambda: spaces.convnet((3, 16, 16), 10), 1.5e6),
    "tabular": (lambda: spaces.tabular(16, 10), None),
    "conv1d": (lambda: spaces.conv1d((1, 128), 10), 2.5e6),
}
"""Of each space the one that members are drawn from, and the most multiplications of an example."""

PLACED = ("cutout",)
"""Choices whose options depend on the size of pictures."""

_SHARES = (1.0, 0.5, 0.25)  # of the usual size of a design,
_LARGEST = 4  # times what random members have of multiplications, at most
_STEPS = (1, 2, 3)  # answers by which a mutant of a design differs


def pairs_of(name: str) -> list[dict[str, Any]]:
    """What is trained of a space, designs first among others: the first n of them are a mixture."""
    make, most = SPACES[name]
    space, rng = make(), np.random.default_rng(crc32(name.encode()))
    limited = space if most is None else space.limited({"macs": most})
    found: dict[Architecture, str] = {}
    for share in _SHARES:
        for design in space.designs:
            member = sized(space.members, design, share * design.usual)
            if most is None or space.survey(member).macs <= _LARGEST * most:
                found.setdefault(member, design.name)
    kinds: dict[str, list[Architecture]] = {"design": list(found), "random": [], "neighbour": []}
    while len(found) < PAIRS:
        kind, member = "random", limited.sample(rng)
        if len(kinds["random"]) > len(kinds["neighbour"]):
            kind, member = "neighbour", _mutant(limited, rng)
        if member not in found:
            found[member] = kind
            kinds[kind].append(member)
    rest = [m for both in zip(kinds["random"], kinds["neighbour"], strict=False) for m in both]
    rest += kinds["random"][len(kinds["neighbour"]) :]
    ordered = [m for both in zip(kinds["design"], rest, strict=False) for m in both]
    ordered += [m for m in rest if m not in ordered]
    of_kind = {member: kind for kind, members in kinds.items() for member in members}
    return [
        {"pair": i, "kind": of_kind[m], "from": found[m], "answers": dict(m.answers)}
        for i, m in enumerate(ordered)
    ]


def _mutant(space: Space, rng: np.random.Generator) -> Architecture:
    """A design of some size, with some other answers."""
    while True:
        design = space.designs[int(rng.integers(len(space.designs)))]
        member = sized(space.members, design, design.usual * float(rng.choice(_SHARES)))
        for _ in range(int(rng.choice(_STEPS))):
            member = space.mutate(member, rng) if space.allows(member) else member
        if space.allows(member):
            return member


@cache
def choices_of(name: str) -> Mapping[str, Choice]:
    """The choices of the space that members are drawn from."""
    return SPACES[name][0]().choices


def entry_of(name: str, answers: Mapping[str, Answer]) -> dict[str, Any]:
    """What the committed table has of a pair: widths apart, and the places of some options.

    Late choices are left out: what suits a search where nothing was tried is said by its space.
    """
    choices = choices_of(name)
    answers = {n: answer for n, answer in answers.items() if not choices[n].late}
    widths = [n for n in answers if choices[n].kind == "width"]
    apart = {*widths, *PLACED}
    return {
        "answers": {n: answer for n, answer in answers.items() if n not in apart},
        "scaled": {n: answers[n] for n in widths},
        "places": {n: choices[n].options.index(answers[n]) for n in PLACED if n in answers},
    }


def placed(name: str, choice: str, option: Answer, added: float) -> list[Any]:
    """What the committed table has of an option: what it adds, in ten-thousandths at most."""
    options = choices_of(name)[choice].options
    known = options.index(option) if choice in PLACED else option
    return [choice, known, round(float(added), 4)]


def mapped(answers: Mapping[str, Answer], known: Space, space: Space) -> Architecture:
    """The member of a space that is nearest to one of another: by place, else by number."""

    def answer(choice: Choice) -> Answer:
        given = answers.get(choice.name)
        if given is None or choice.name not in known.choices:
            return choice.options[0]
        before = known.choices[choice.name].options
        if len(before) == len(choice.options):
            return choice.options[before.index(given)]
        if given in choice.options:
            return given
        numbers = [o for o in choice.options if isinstance(o, int | float)]
        return min(numbers, key=lambda o: abs(o - given)) if numbers else choice.options[0]

    return space.answered(answer)


def trained(problem: Problem, data: Any, space: Space, member: Architecture) -> dict[str, Any]:
    """Metrics on the validation part after the fixed epochs."""
    epochs = problem.epochs
    training = nw.Training(
        data, epochs=epochs, full_epochs=epochs, folds=problem.folds, device="cpu"
    )
    seed = crc32(f"{problem.name} {member.id}".encode())
    survey, began, cpu = space.survey(member), time.perf_counter(), time.process_time()
    result = training.evaluate(Candidate(space, member, seed), nw.Budget(epochs), Context(seed))
    return {
        "status": result.status,
        "metrics": {name: round(value, 6) for name, value in result.metrics.items()},
        "first": training.metric.name,
        "direction": training.metric.direction,
        "params": survey.params,
        "macs": survey.macs,
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
    }
