"""Steps of a `repeat` that add no layer: which repeats have them, and their one canonical form.

`repeat("depth", 2, 6, lambda i: choose.one_of(f"block{i}", conv=..., skip=nn.Identity))` can build
the same network in many ways: a skipped step may stand anywhere, or the repeat may be shorter. The
canonical form has the real steps first and no more skipped ones than the least depth needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from netwright.space.architecture import Answer
from netwright.space.choose import Ask

_TRIES = 4


@dataclass(frozen=True)
class Shift:
    """A repeat whose steps may change places. `names[i]` are step i's choices, by position."""

    name: str
    low: int
    high: int
    names: tuple[tuple[str, ...], ...]
    empty: frozenset[str]
    skip: str

    def apply(self, answers: dict[str, Answer]) -> dict[str, Answer]:
        """Equal answers in canonical form; `answers` are left as they are."""
        depth = answers[self.name]
        assert isinstance(depth, int)
        real = [i for i in range(depth) if answers[self.names[i][0]] not in self.empty]
        length = max(len(real), self.low)
        rest = [answers[self.names[i][0]] for i in range(len(real), depth)]
        if length == depth and real == list(range(len(real))) and {*rest} <= {self.skip}:
            return answers
        inside = {name for step in self.names for name in step}
        moved = {name: answer for name, answer in answers.items() if name not in inside}
        moved[self.name] = length
        for to, source in enumerate(real):
            for new, old in zip(self.names[to], self.names[source], strict=True):
                if old in answers:
                    moved[new] = answers[old]
        for i in range(len(real), length):
            moved[self.names[i][0]] = self.skip
        return moved


def find_shifts(
    root: list[Ask],
    structure: Callable[[Mapping[str, Answer]], str],
    draw: Callable[..., dict[str, Answer]],
) -> dict[str, Shift]:
    """The repeats of a declaration whose skipped steps may move, each checked by building.

    `structure(answers)` describes the built network; `draw(rng, given)` completes answers.
    A repeat qualifies when each step asks one `one_of` with `nn.Identity` among its options, the
    steps ask alike, and no step shares a choice with anything else.
    """
    uses: dict[str, int] = {}
    for ask in _walk(root):
        uses[ask.choice.name] = uses.get(ask.choice.name, 0) + 1
    found: dict[str, Shift] = {}
    for ask in _walk(root):
        shift = _shift(ask, uses) if ask.choice.kind == "repeat" else None
        if shift and _holds(shift, structure, draw):
            found[shift.name] = shift
    return found


def _shift(ask: Ask, uses: Mapping[str, int]) -> Shift | None:
    steps = ask.branches
    least = 1 if ask.choice.options[0] == 0 else 2  # one step that is always there has one place
    if len(steps) < least or any(len(step) != 1 or not step[0].empty for step in steps):
        return None
    if len({(_shape(step[0]), step[0].empty) for step in steps}) > 1:
        return None
    names = tuple(tuple(a.choice.name for a in _walk(step)) for step in steps)
    if uses[ask.choice.name] > 1 or any(uses[name] > 1 for step in names for name in step):
        return None
    low, high = ask.choice.options[0], ask.choice.options[-1]
    assert isinstance(low, int) and isinstance(high, int)
    if len(ask.choice.options) < high - low + 1:  # a depth in between was left out
        return None
    empty = steps[0][0].empty
    return Shift(ask.choice.name, low, high, names, empty, min(empty))


def _holds(
    shift: Shift,
    structure: Callable[[Mapping[str, Answer]], str],
    draw: Callable[..., dict[str, Answer]],
) -> bool:
    """Whether moving a skipped step builds the same network, on a few random members."""
    rng = np.random.default_rng(0)
    for _ in range(_TRIES):
        given: dict[str, Answer] = {shift.name: shift.high}
        given[shift.names[int(rng.integers(max(1, shift.high - 1)))][0]] = shift.skip
        answers = draw(rng, given)
        if shift.name not in answers:
            continue
        try:
            if structure(answers) != structure(shift.apply(answers)):
                return False
        except Exception:  # the member cannot be built on meta: claim nothing
            return False
    return True


def _walk(scope: list[Ask]) -> Iterator[Ask]:
    for ask in scope:
        yield ask
        for branch in ask.branches:
            yield from _walk(branch)


def _shape(ask: Ask) -> str:
    choice = ask.choice
    branches = [[_shape(inner) for inner in scope] for scope in ask.branches]
    return f"{choice.kind}{choice.options!r}{branches}"
