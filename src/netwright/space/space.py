"""A space: all networks a declaration can build, and what can be done with them."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import product
from operator import index
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from netwright.errors import SettingError, SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.check import check_member, listing_of
from netwright.space.choose import Ask, Building, Choice, Choose, Listing
from netwright.space.count import Counter
from netwright.space.shift import Shift, find_shifts, structure

Declaration = Callable[[Choose, tuple[int, ...], int], nn.Module]
Recipe = Callable[[Choose], Mapping[str, Any]]
Excess = Callable[[Sequence[Architecture]], np.ndarray]
"""How far n architectures are over what is allowed: n values, 0 for those within."""

_BATCHES = (1, 3, 12, 48, 192)  # drawn one after the other until one is within
_REPAIRS = 40  # steps towards what is allowed, from the nearest that was drawn
_STEP = 16  # mutants looked at in each
_CHECKED = 16  # members built when a space is declared, to find mistakes early,
_DRAWN = 4  # and as many more at random
_TRIES = 1000  # for a mutant that builds another network


class Space:
    """All networks that `network` can build, with the recipe choices beside them.

    `network(choose, inputs, classes)` is an ordinary function (or class) that returns an
    `nn.Module`; `inputs` is the shape of one example, (c, h, w) or (f,). `recipe(choose)`
    returns settings of the evaluator that are to be searched beside the network, for example
    `{"learning_rate": choose.value("learning_rate", [0.01, 0.1])}`. `name` is what reports call the
    space; the declaration's own name if None.

    The declaration is listed once on the meta device, then a few members are built there, so
    that a mistake is found here and not in the hundredth trial.

    Raises:
        SpaceError: The declaration contradicts itself or cannot be built.
    """

    def __init__(
        self,
        network: Declaration,
        inputs: Sequence[int] | int,
        classes: int,
        *,
        recipe: Recipe | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(network):
            raise SettingError(f"`Space(network, ...)` must be a callable, got {network!r}.")
        try:
            self.inputs = tuple(index(i) for i in ([inputs] if isinstance(inputs, int) else inputs))
            self.classes = index(classes)
        except TypeError:
            self.inputs, self.classes = (), 0
        if not self.inputs or min(self.inputs) < 1 or self.classes < 2:
            raise SettingError(
                "`Space(network, inputs, classes)` must have positive sizes and at least 2 "
                f"classes, as whole numbers, got inputs={inputs!r}, classes={classes!r}."
            )
        self._network, self._recipe, self._name = network, recipe, name
        self._root, listed = self._list()
        self.choices: Mapping[str, Choice] = listed
        self._excess: Excess | None = None
        self._shifts: dict[str, Shift] = {}
        self._check_members()
        self._shifts = find_shifts(self._root, self._built_structure, self._draw)

    @property
    def name(self) -> str:
        """What reports and errors call the space."""
        return self._name or str(getattr(self._network, "__name__", type(self._network).__name__))

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change when any choice of the declaration changes."""

        def plain(scope: list[Ask]) -> list[Any]:
            return [
                [
                    *(a.choice.name, a.choice.kind, a.choice.options, a.choice.late),
                    [plain(s) for s in a.branches],
                ]
                for a in scope
            ]

        text = json.dumps([self.inputs, self.classes, plain(self._root)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    # -- building ---------------------------------------------------------------------------------

    def build(self, architecture: Architecture, *, seed: int | None = None) -> nn.Module:
        """The plain network of an architecture, with fresh weights.

        With `seed` the weights are the same at each call and torch's global generator is left as it
        was; without, they come from the global generator, as in any PyTorch code.
        """
        with torch.random.fork_rng(devices=[], enabled=seed is not None):
            if seed is not None:
                torch.default_generator.manual_seed(seed)
            return self._build(architecture.answers)

    def recipe(self, architecture: Architecture) -> dict[str, Any]:
        """The evaluator's settings that this architecture answers, empty without a recipe."""
        return dict(self._recipe(Building(architecture.answers))) if self._recipe else {}

    def _build(self, answers: Mapping[str, Answer]) -> nn.Module:
        return self._run(Building(answers))

    def _run(self, choose: Building) -> nn.Module:
        made = self._network(choose, self.inputs, self.classes)
        if not isinstance(made, nn.Module):
            raise SpaceError(
                f"`{self.name}(choose, inputs, classes)` must return an nn.Module, "
                f"got {type(made).__name__}."
            )
        if any(isinstance(p, UninitializedParameter) for p in made.parameters()):
            training = made.training
            with torch.no_grad():  # lazy layers learn their sizes from a first pass
                made.eval()(torch.zeros(2, *self.inputs))
            made.train(training)
        return made

    # -- architectures ----------------------------------------------------------------------------

    def architecture(self, answers: Mapping[str, Answer]) -> Architecture:
        """The architecture of these answers, in its one canonical form.

        Answers to choices that are not active are dropped, and steps of a `repeat` that add no
        layer are moved to its end or left out, so that equal networks are equal architectures.

        Raises:
            SpaceError: An active choice has no answer, or an answer is no option.
        """
        for name in answers:
            if name not in self.choices:
                raise SpaceError(
                    f"The space {self.name!r} has no choice {name!r}; its choices are "
                    f"{', '.join(list(self.choices)[:12])}."
                )

        def given(choice: Choice) -> Answer:
            if choice.name not in answers:
                raise SpaceError(f"The architecture lacks an answer to {choice.name!r}.")
            answer = answers[choice.name]
            if answer not in choice.options:
                raise SpaceError(
                    f"The choice {choice.name!r} has no option {answer!r}; "
                    f"its options are {choice.options!r}."
                )
            return choice.options[choice.options.index(answer)]

        return self._canonical(self._answer(given))

    def contains(self, architecture: Architecture) -> bool:
        """Whether the architecture is a member of this space, in its canonical form."""
        try:
            return self.architecture(architecture.answers) == architecture
        except SpaceError:
            return False

    def within(self, excess: Excess) -> Space:
        """This space, with `sample`, `mutate` and `cross` drawing again while `excess` is above 0.

        Where hundreds of draws are over, a sample is the nearest of them, mutated step by step
        until it is within; so that also a bound that one network in thousands keeps is kept. What
        is returned may still be over, if no way within was found.
        """
        bounded = copy.copy(self)
        bounded._excess = excess
        return bounded

    def sample(self, rng: np.random.Generator) -> Architecture:
        """A member drawn by answering each active choice uniformly, from the top down.

        Late choices have their first option; see `Choose.value`.
        """
        found, over = self._least(lambda: self._canonical(self._draw(rng)), _BATCHES)
        for _ in range(_REPAIRS if over > 0 and self.count() > 1 else 0):
            if over <= 0:
                break
            nearer, left = self._least(partial(self._mutant, found, rng), (_STEP,))
            if left < over:
                found, over = nearer, left
        return found

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A different member: one active choice answered anew, what it brings in drawn freely.

        Raises:
            SpaceError: The space has one member only.
        """
        return self._least(partial(self._mutant, architecture, rng), _BATCHES[:4])[0]

    def _mutant(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        asked = [self.choices[name] for name in architecture.answers]
        open_choices = [c.name for c in asked if len(c.options) > 1 and not c.late]
        for _ in range(_TRIES if open_choices else 0):
            name = open_choices[rng.integers(len(open_choices))]
            options = self.choices[name].options
            place = options.index(architecture[name])
            other = (place + 1 + int(rng.integers(len(options) - 1))) % len(options)
            child = self._canonical(self._draw(rng, {**architecture.answers, name: options[other]}))
            if child != architecture:
                return child
        raise SpaceError("`Space.mutate` must have another member to go to, got a space of one.")

    def cross(self, a: Architecture, b: Architecture, rng: np.random.Generator) -> Architecture:
        """A member that takes the answer to each choice from `a` or `b`, drawn if neither has."""

        def pick(choice: Choice) -> Answer:
            parents = [p.answers[choice.name] for p in (a, b) if choice.name in p.answers]
            pool: Sequence[Answer] = parents or choice.options[: 1 if choice.late else None]
            return pool[int(rng.integers(len(pool)))]

        return self._least(lambda: self._canonical(self._answer(pick)), _BATCHES[:4])[0]

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """All different members one answer away; choices that this brings in take option one."""
        found: dict[str, Architecture] = {}
        for name in architecture.answers:
            for option in self.choices[name].options:
                changed = {**architecture.answers, name: option}
                other = self._canonical(self._answer(partial(_first, changed)))
                found.setdefault(other.id, other)
        found.pop(architecture.id, None)
        return list(found.values())

    def variants(self, architecture: Architecture) -> list[Architecture]:
        """The architecture with every combination of its late answers; itself comes first."""
        late = [c for name in architecture.answers if (c := self.choices[name]).late]
        ways = [
            dict(zip((c.name for c in late), p, strict=True))
            for p in product(*(c.options for c in late))
        ]
        made = [self._canonical({**architecture.answers, **way}) for way in ways]
        return [architecture, *(a for a in made if a != architecture)]

    def smallest(self) -> Architecture:
        """The member that answers each choice with its first option."""
        return self._canonical(self._answer(lambda choice: choice.options[0]))

    def enumerate(self) -> Iterator[Architecture]:
        """Every member once. Only for spaces whose `count` is small."""

        def extend(todo: list[Ask], answers: dict[str, Answer]) -> Iterator[dict[str, Answer]]:
            if not todo:
                yield answers
                return
            ask, rest = todo[0], todo[1:]
            name = ask.choice.name
            options = (answers[name],) if name in answers else ask.choice.options
            for option in options:
                inner = [a for scope in ask.active(option) for a in scope]
                yield from extend(inner + rest, {**answers, name: option})

        for answers in extend(self._root, {}):
            member = self._canonical(answers)
            if len(answers) == len(member.answers) and all(
                answers[name] == answer for name, answer in member.answers.items()
            ):
                yield member

    def count(self) -> int:
        """The number of members, exactly; conditions and equal networks are accounted for."""
        return Counter(self._root, self._shifts).total()

    @cached_property
    def columns(self) -> tuple[tuple[str, Answer], ...]:
        """The columns of `encode`: (choice, option) in the order of the declaration."""
        return tuple((c.name, option) for c in self.choices.values() for option in c.options)

    def encode(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """One-hot rows, n x d float32; the columns of a choice that is not active are all zero."""
        column = {key: i for i, key in enumerate(self.columns)}
        rows = np.zeros((len(architectures), len(column)), dtype=np.float32)
        for row, architecture in zip(rows, architectures, strict=True):
            for key in architecture.answers.items():
                row[column[key]] = 1.0
        return rows

    # -- inside -----------------------------------------------------------------------------------

    def _answer(self, pick: Callable[[Choice], Answer]) -> dict[str, Answer]:
        """Answers to exactly the active choices, each picked when it is first asked."""
        answers: dict[str, Answer] = {}
        todo = self._root[::-1]
        while todo:
            ask = todo.pop()
            name = ask.choice.name
            if name not in answers:
                answers[name] = pick(ask.choice)
            for scope in reversed(ask.active(answers[name])):
                todo.extend(reversed(scope))
        return answers

    def _least(
        self, draw: Callable[[], Architecture], batches: Sequence[int]
    ) -> tuple[Architecture, float]:
        """The first draw that is within, else the one that is least over; and by how much."""
        if self._excess is None:
            return draw(), 0.0
        found, least = None, np.inf
        for size in batches:
            drawn = [draw() for _ in range(size)]
            over = self._excess(drawn)
            best = int(np.argmax(over <= 0) if (over <= 0).any() else np.argmin(over))
            if found is None or over[best] < least:
                found, least = drawn[best], float(over[best])
            if least <= 0:
                break
        assert found is not None
        return found, least

    def _draw(
        self, rng: np.random.Generator, given: Mapping[str, Answer] | None = None
    ) -> dict[str, Answer]:
        known = given or {}

        def pick(choice: Choice) -> Answer:
            if choice.name in known:
                return known[choice.name]
            if choice.late:
                return choice.options[0]
            return choice.options[int(rng.integers(len(choice.options)))]

        return self._answer(pick)

    def _canonical(self, answers: dict[str, Answer]) -> Architecture:
        for shift in self._shifts.values():
            if shift.name in answers:
                answers = shift.apply(answers)
        return Architecture(answers)

    def _list(self) -> tuple[list[Ask], dict[str, Choice]]:
        listing = Listing()
        with listing_of(f"{self.name}(choose, inputs={self.inputs}, classes={self.classes})"):
            self._network(listing, self.inputs, self.classes)
        late = [c.name for c in listing.choices.values() if c.late]
        if late:
            raise SpaceError(
                f"The choice {late[0]!r} of `{self.name}` is late, which only choices of a recipe "
                "may be, since a network is measured before it is trained in full; leave `late` "
                "out."
            )
        if self._recipe:
            with listing_of("recipe(choose)"):
                self._recipe(listing)
        return listing.root, listing.choices

    def _check_members(self) -> None:
        """Build members that together take every option of every choice, and some at random."""
        most = max((len(c.options) for c in self.choices.values()), default=1)
        rounds = min(most, _CHECKED)
        turns = [self._answer(partial(_turn, i * most // rounds)) for i in range(rounds)]
        rng = np.random.default_rng(0)
        drawn = [self._draw(rng) for _ in range(_DRAWN if most > 1 else 0)]
        for answers in [*turns, *drawn]:
            check_member(answers, self._run, self._recipe, self.name, self.inputs, self.classes)

    def _built_structure(self, answers: Mapping[str, Answer]) -> str:
        with torch.device("meta"):
            return structure(self._build(answers))


def _first(given: Mapping[str, Answer], choice: Choice) -> Answer:
    return given.get(choice.name, choice.options[0])


def _turn(round_: int, choice: Choice) -> Answer:
    return choice.options[round_ % len(choice.options)]
