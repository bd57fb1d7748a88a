"""A space: all networks a declaration can build, and what can be done with them."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import product
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from netwright.errors import SettingError, SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.cells import Cells
from netwright.space.check import check_member, listing_of
from netwright.space.choose import Ask, Building, Choice, Choose, Listing, once
from netwright.space.convert.module import from_module
from netwright.space.convert.wanted import Wanted
from netwright.space.count import Counter, below
from netwright.space.draw import draw, sketch
from netwright.space.drawing.draw_difference import draw_difference
from netwright.space.drawing.draw_space import draw_space
from netwright.space.drawing.picture import check_path
from netwright.space.encode import Column, Encoder, Encoding, encoder, graphs, needs_cells
from netwright.space.share.supernet import Supernet
from netwright.space.shift import Shift, find_shifts, structure

Declaration = Callable[[Choose, tuple[int, ...], int], nn.Module]
Recipe = Callable[[Choose], Mapping[str, Any]]
NormalForm = Callable[[dict[str, Answer]], Mapping[str, Answer] | None]
Excess = Callable[[Sequence[Architecture]], np.ndarray]
"""How far n architectures are over what is allowed: n values, 0 for those within."""

_BATCHES = (1, 3, 12, 48, 192)  # drawn one after the other until one is within
_REPAIRS = 40  # steps towards what is allowed, from the nearest that was drawn
_STEP = 16  # mutants looked at in each
_CHECKED = 16  # members built when a space is declared, to find mistakes early,
_DRAWN = 4  # and as many more at random
_POOLS = 4  # draws for a pool, until a quarter of it is within
_ALONE = 50  # tries with one new answer before there are two, and so on
_TRIES = 1000  # for a mutant that builds another network
_EQUAL_TRIES = 100_000  # for answers that are in canonical form by chance


class Space:
    """All networks that `network` can build, with the recipe choices beside them.

    `network(choose, inputs, classes)` is an ordinary function (or class) that returns an
    `nn.Module`; `inputs` is the shape of one example, (c, h, w) or (f,). `recipe(choose)`
    returns settings of the evaluator that are to be searched beside the network, for example
    `{"learning_rate": choose.value("learning_rate", [0.01, 0.1])}`. `name` is what reports call the
    space; the declaration's own name if None. `tokens` is for inputs that are ids, from 0 to below
    it.

    `normal_form(answers)` is for rules between choices: it gives the answers that stand for all
    that build an equal network, or None where they build none. `members` says how many members
    there are then, since they cannot be counted but by enumeration.

    The declaration is listed once on the meta device, then a few members are built there, so
    that a mistake is found here and not in the hundredth trial.

    Raises:
        SpaceError: The declaration contradicts itself or cannot be built.
    """

    kept: tuple[tuple[str, str], ...] = ()
    """Of a space that `from_module` made: what of the model is not searched, and why."""

    def __init__(
        self,
        network: Declaration,
        inputs: Sequence[int] | int,
        classes: int,
        *,
        recipe: Recipe | None = None,
        name: str | None = None,
        tokens: int | None = None,
        normal_form: NormalForm | None = None,
        members: int | None = None,
        member: Callable[[int], Mapping[str, Answer]] | None = None,
        cells: Cells | None = None,
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
        self.tokens, self._normal_form, self._count = tokens, normal_form, members
        self._member, self.cells = member, cells
        self._encoders: dict[tuple[str, int | None], Encoder] = {}
        self._root, listed = self._list()
        self.choices: Mapping[str, Choice] = listed
        self._flat = not any(scope for ask in self._root for scope in ask.branches)
        self._excess: Excess | None = None
        self._shifts: dict[str, Shift] = {}
        self._check_members()
        self._shifts = find_shifts(self._root, self._built_structure, self._draw)

    @classmethod
    def from_module(
        cls,
        model: nn.Module,
        example_input: Tensor,
        include: Sequence[str | type[nn.Module]] | None = None,
        exclude: Sequence[str | type[nn.Module]] | None = None,
        *,
        widths: Sequence[float] = (0.25, 0.5, 0.75),
        depths: bool = True,
        kernels: bool = True,
        activations: bool = True,
        recipe: Recipe | None = None,
        name: str | None = None,
        tokens: int | None = None,
    ) -> Space:
        """The space of all smaller networks within a trained model, which inherit its weights.

        `example_input` is a batch (b, *inputs), of ids if `tokens` says how many there are; the
        model gives logits (b, classes). It is traced, and what can vary becomes a choice, with the
        model's own answer as the last option, so that `largest()` builds the model itself:

        - *widths* of Conv1d, Conv2d and Linear, `widths` being the fractions offered. Channels that
          are added, multiplied or passed on have one choice, named after the first of their layers.
          The channels with the largest L1 norm of weights are kept.
        - *depths*: a residual block `x + f(x)` may be dropped; of equal ones in a row the first
          ones are kept.
        - *kernels* of odd size with half of it as padding: from 3 up, the centre of the weights.
        - *activations*: one choice for all of a kind.

        `include` and `exclude` are patterns of qualified names (`"layer4.*"`) or classes of
        modules; they hold for all that is inside. What is kept as it is, is listed in `kept` with
        the reason. Members are copies of the model, of its classes and with its code.

        Raises:
            SettingError: A setting is of another kind or range.
            SpaceError: The model cannot be traced, or gives other than logits.
        """
        wanted = Wanted(include, exclude, tuple(widths), depths, kernels, activations)
        return from_module(
            cls, model, example_input, wanted, recipe=recipe, name=name, tokens=tokens
        )

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

    def supernet(self, *, transform_kernels: bool = False, seed: int | None = None) -> Supernet:
        """One network that holds the weights of every member; see `Supernet`.

        With `transform_kernels` smaller kernels are made from larger ones by learned matrices. With
        `seed` its fresh weights are the same at each call and torch's global generator is left as
        it was.

        Raises:
            SpaceError: The declaration has something that cannot be shared; names the choice.
        """
        with torch.random.fork_rng(devices=[], enabled=seed is not None):
            if seed is not None:
                torch.default_generator.manual_seed(seed)
            return Supernet(self, transform_kernels=transform_kernels)

    def declared(self, choose: Choose) -> nn.Module:
        """What the declaration gives when it is run with `choose`."""
        made = self._network(choose, self.inputs, self.classes)
        if not isinstance(made, nn.Module):
            raise SpaceError(
                f"`{self.name}(choose, inputs, classes)` must return an nn.Module, "
                f"got {type(made).__name__}."
            )
        return made

    def recipe(self, architecture: Architecture) -> dict[str, Any]:
        """The evaluator's settings that this architecture answers, empty without a recipe."""
        return dict(self._recipe(Building(architecture.answers))) if self._recipe else {}

    def _build(self, answers: Mapping[str, Answer]) -> nn.Module:
        return self._run(Building(answers))

    def _run(self, choose: Building) -> nn.Module:
        made = self.declared(choose)
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

        member = self._normal(self._answer(given))
        if member is None:
            raise SpaceError(
                f"The space {self.name!r} has no network of these answers: its rules between "
                f"choices forbid {dict(answers)!r}."
            )
        return member

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

    def sample(self, rng: np.random.Generator, *, uniform: bool = False) -> Architecture:
        """A member drawn by answering each active choice uniformly, from the top down.

        With `uniform` each member is as likely as any other, so that an option is the likelier the
        more members it leads to: of networks of one to six layers nearly all have six. Late choices
        have their first option without it; see `Choose.value`.
        """
        one = self._equally if uniform else self._freely
        found, over = self._least(partial(one, rng), _BATCHES)
        for _ in range(_REPAIRS if over > 0 and self.count() > 1 else 0):
            if over <= 0:
                break
            nearer, left = self._least(partial(self._mutant, found, rng), (_STEP,))
            if left < over:
                found, over = nearer, left
        return found

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A different member: one active choice answered anew, what it brings in drawn freely.

        Where no single answer leads to another member, more are answered anew.

        Raises:
            SpaceError: The space has one member only.
        """
        return self._least(partial(self._mutant, architecture, rng), _BATCHES[:4])[0]

    def _mutant(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        asked = [self.choices[name] for name in architecture.answers]
        open_choices = [c.name for c in asked if len(c.options) > 1 and not c.late]
        for attempt in range(_TRIES if open_choices else 0):
            answers = dict(architecture.answers)
            for which, turn in rng.random((1 + attempt // _ALONE, 2)).tolist():
                name = open_choices[int(which * len(open_choices))]
                options = self.choices[name].options
                other = options.index(answers[name]) + 1 + int(turn * (len(options) - 1))
                answers[name] = options[other % len(options)]
            child = self._canonical(self._draw(rng, answers))
            if child is not None and child != architecture.answers:
                return Architecture(child)
        raise SpaceError("`Space.mutate` must have another member to go to, got a space of one.")

    def cross(self, a: Architecture, b: Architecture, rng: np.random.Generator) -> Architecture:
        """A member that takes the answer to each choice from `a` or `b`, drawn if neither has."""

        def pick(choice: Choice) -> Answer:
            parents = [p.answers[choice.name] for p in (a, b) if choice.name in p.answers]
            pool: Sequence[Answer] = parents or choice.options[: 1 if choice.late else None]
            return pool[int(rng.integers(len(pool)))]

        return self._least(lambda: self._allowed(partial(self._answer, pick)), _BATCHES[:4])[0]

    def pool(
        self, rng: np.random.Generator, count: int, parents: Sequence[Architecture] = ()
    ) -> list[Architecture]:
        """At most `count` different members, to be compared: random ones, and mutants of `parents`.

        With parents half of them are mutants, one to three steps away. Of what was drawn only the
        members within are given, which may be few.
        """
        found: dict[Architecture, None] = {}
        for _ in range(_POOLS):
            mutants = []
            for _ in range(count // 2 if parents and self.count() > 1 else 0):
                made = parents[int(rng.integers(len(parents)))]
                for _ in range(1 + int(rng.integers(3))):
                    made = self._mutant(made, rng)
                mutants.append(made)
            drawn = [self._freely(rng) for _ in range(count - len(mutants))]
            made_all = [*mutants, *drawn]
            over = self._excess(made_all) if self._excess else np.zeros(len(made_all))
            found.update(dict.fromkeys(a for a, o in zip(made_all, over, strict=True) if o <= 0))
            if len(found) >= count // 4:
                break
        return list(found)[:count]

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """All different members one answer away; choices that this brings in take option one."""
        found: dict[str, Architecture] = {}
        for name in architecture.answers:
            for option in self.choices[name].options:
                changed = {**architecture.answers, name: option}
                other = self._normal(self._answer(partial(_first, changed)))
                if other is not None:
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
        made = [self._normal({**architecture.answers, **way}) for way in ways]
        return [architecture, *(a for a in made if a is not None and a != architecture)]

    def smallest(self) -> Architecture:
        """The member that answers each choice with its first option."""
        return self.turn(0)

    def largest(self) -> Architecture:
        """The member that answers each choice with its last option (late ones with their first)."""
        return self.turn(-1)

    def turn(self, place: int) -> Architecture:
        """The member that answers each choice with the option at this place, counted round.

        Where a rule between choices forbids it, a random one that hangs on the place alone.
        """
        rng = np.random.default_rng(place % 1000)
        found = self._normal(self._answer(partial(_turn, place)))
        return self._allowed(partial(self._draw, rng)) if found is None else found

    def completed(self, answers: Mapping[str, Answer]) -> Architecture:
        """The member with these answers, and the first option of every choice they leave open.

        Raises:
            SpaceError: A rule between choices forbids it.
        """
        return self.architecture(self._answer(partial(_first, answers)))

    def example(self, rng: np.random.Generator, count: int = 2) -> Tensor:
        """A batch (count, *inputs) of random inputs: standard normal, or ids of tokens."""
        if self.tokens is not None:
            return torch.from_numpy(rng.integers(self.tokens, size=(count, *self.inputs)))
        drawn = rng.standard_normal((count, *self.inputs), dtype=np.float32)
        return torch.from_numpy(drawn)

    def enumerate(self) -> Iterator[Architecture]:
        """Every member once. Only for spaces whose `count` is small."""
        if self._member is not None:
            for place in range(self.count()):
                yield self.architecture(self._member(place))
            return

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
            member = self._normal(answers)
            if (
                member is not None
                and len(answers) == len(member.answers)
                and all(answers[name] == answer for name, answer in member.answers.items())
            ):
                yield member

    def count(self) -> int:
        """The number of members, exactly; conditions and equal networks are accounted for."""
        if self._normal_form is None:
            return self._counter.total()
        if self._count is None:
            self._count = sum(1 for _ in self.enumerate())
        return self._count

    @cached_property
    def _counter(self) -> Counter:
        return Counter(self._root, self._shifts)

    def columns(
        self, encoding: Encoding = "onehot", *, longest: int | None = None
    ) -> tuple[Column, ...]:
        """What the d columns of `encode` say: (choice, option), or a cell's edge, node or path."""
        return self._encoder(encoding, longest).columns

    def encode(
        self,
        architectures: Sequence[Architecture],
        encoding: Encoding = "onehot",
        *,
        longest: int | None = None,
    ) -> np.ndarray:
        """Rows of 0 and 1, n x d float32; see `encode.py` for the encodings.

        `longest` leaves out paths of more operations.

        Raises:
            SettingError: No such encoding, one of cells where there are none, or with above
                100,000 columns.
        """
        return self._encoder(encoding, longest).rows(architectures)

    def decode(self, rows: np.ndarray, encoding: Encoding = "onehot") -> list[Architecture]:
        """The members that `encode` gave these n x d rows for.

        Raises:
            SettingError: A row of another width, of no answers, or an encoding without inverse.
            SpaceError: A row of no member.
        """
        made = self._encoder(encoding, None)
        given = np.asarray(rows)
        if given.ndim != 2 or given.shape[1] != len(made.columns):
            raise SettingError(
                f"`Space.decode(rows, {encoding!r})` must be n x {len(made.columns)}, "
                f"got shape {given.shape}."
            )
        return [self.architecture(made.answers(row)) for row in given]

    def graphs(
        self, architectures: Sequence[Architecture]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The cells as graphs for a predictor: operations (n, v) and edges (n, v, v).

        Operations are 0 where there is no node, 1 for inputs, 2 for the output, then the places of
        `Cells.vocabulary`, from 3; several cells of one network stand side by side.

        Raises:
            SettingError: The space has no cells.
        """
        return graphs(architectures, needs_cells("graphs(...)", self.cells))

    def distance(self, a: Architecture, b: Architecture) -> int:
        """How many choices they answer differently, or only one of them."""
        names = {*a.answers, *b.answers}
        missing = object()
        return sum(a.answers.get(n, missing) != b.answers.get(n, missing) for n in names)

    def _encoder(self, encoding: str, longest: int | None) -> Encoder:
        key = (encoding, longest)
        if key not in self._encoders:
            self._encoders[key] = encoder(encoding, self.choices, self.cells, longest)
        return self._encoders[key]

    def draw(
        self,
        architecture: Architecture | None = None,
        *,
        other: Architecture | None = None,
        path: str | Path,
    ) -> None:
        """Draw the space, one of its networks, or what differs between two, to .svg or .png.

        Without an architecture that is the tree of the choices: kinds, options, and what they hang
        on. With one it is its network, from the top down: equal rows once with their number, rows
        of one shape in a box, parts with several branches as graphs. With `other` it is the answers
        that differ, over both networks with the rows that differ set off.

        Raises:
            SettingError: `path` ends in something else or cannot be written, or `other` is given
                without `architecture`.
            SpaceError: An architecture is no member.
            MissingExtra: A .png without matplotlib.
        """
        check_path(path)
        if architecture is None:
            if other is not None:
                raise SettingError(
                    "`Space.draw(other=...)` must have an architecture to compare with, got none; "
                    "write `draw(a, other=b, path=...)`."
                )
            size = self.count()
            draw_space(self._root, self.name, size, self.inputs, self.classes).write(path)
            return
        members = [self.architecture(a.answers) for a in (architecture, other) if a is not None]
        drawn = [(a, sketch(self.build(a, seed=0), self.inputs)) for a in members]
        if other is None:
            draw(drawn[0][1], path)
        else:
            draw_difference(drawn[0], drawn[1], list(self.choices)).write(path)

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
        if self._flat and len(known) == len(self.choices):
            return dict(known)

        def pick(choice: Choice) -> Answer:
            if choice.name in known:
                return known[choice.name]
            if choice.late:
                return choice.options[0]
            return choice.options[int(next(turns) * len(choice.options))]

        turns = iter(rng.random(len(self.choices)).tolist())  # one call, as each costs microseconds
        return self._answer(pick)

    def _normal(self, answers: dict[str, Answer]) -> Architecture | None:
        """The one architecture that stands for these answers; None if a rule forbids them."""
        found = self._canonical(answers)
        return None if found is None else Architecture(found)

    def _canonical(self, answers: dict[str, Answer]) -> Mapping[str, Answer] | None:
        for shift in self._shifts.values():
            if shift.name in answers:
                answers = shift.apply(answers)
        return answers if self._normal_form is None else self._normal_form(answers)

    def _freely(self, rng: np.random.Generator) -> Architecture:
        return self._allowed(partial(self._draw, rng))

    def _equally(self, rng: np.random.Generator) -> Architecture:
        """Any member, each as likely as the others."""
        if self._member is not None:
            return self.architecture(self._member(below(self.count(), rng)))
        for _ in range(_EQUAL_TRIES):
            drawn = self._counter.draw(rng)
            found = self._normal(drawn)
            if found is not None and dict(found.answers) == drawn:
                return found
        raise SpaceError(
            f"The space {self.name!r} has rules between choices that forbade all of "
            f"{_EQUAL_TRIES} draws; give `Space(member=...)`, or sample without `uniform`."
        )

    def _allowed(self, draw: Callable[[], dict[str, Answer]]) -> Architecture:
        """The first draw that no rule forbids."""
        for _ in range(_TRIES):
            member = self._normal(draw())
            if member is not None:
                return member
        raise SpaceError(
            f"The space {self.name!r} has rules between choices that forbade all of {_TRIES} draws."
        )

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
        return once(listing.root), listing.choices

    def _check_members(self) -> None:
        """Build members that together take every option of every choice, and some at random."""
        most = max((len(c.options) for c in self.choices.values()), default=1)
        rounds = min(most, _CHECKED)
        rng = np.random.default_rng(0)
        if self._normal_form is None:
            checked = [self._answer(partial(_turn, i * most // rounds)) for i in range(rounds)]
            checked += [self._draw(rng) for _ in range(_DRAWN if most > 1 else 0)]
        else:
            random = partial(self._draw, rng)
            checked = [dict(self._allowed(random).answers) for _ in range(rounds + _DRAWN)]
        dtype = torch.float32 if self.tokens is None else torch.long
        for answers in checked:
            check_member(
                answers, self._run, self._recipe, self.name, self.inputs, self.classes, dtype
            )

    def _built_structure(self, answers: Mapping[str, Answer]) -> str:
        with torch.device("meta"):
            return structure(self._build(answers))


def _first(given: Mapping[str, Answer], choice: Choice) -> Answer:
    return given.get(choice.name, choice.options[0])


def _turn(round_: int, choice: Choice) -> Answer:
    return choice.options[0 if choice.late else round_ % len(choice.options)]
