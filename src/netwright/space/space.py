"""A space: all networks a declaration can build, and what can be done with them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from netwright.errors import SpaceError
from netwright.network.cost import Survey
from netwright.network.randomness import seeded
from netwright.network.signature import Signature
from netwright.space.among import Chosen
from netwright.space.architecture import Answer, Architecture
from netwright.space.cells import Cells
from netwright.space.choose import Ask, Building, Choice, Choose
from netwright.space.declaration import Declaration, Declared, Recipe
from netwright.space.designs import Design, checked, fitted
from netwright.space.encode import Column, Encoders, Encoding, graphs, needs_cells
from netwright.space.limits import OverLimits, Predict, Surveys, bounds_of
from netwright.space.losers import Dropped
from netwright.space.members import Members, NormalForm, Numbered, first
from netwright.space.moves import Excess, Moves
from netwright.space.repeats import find_shifts
from netwright.space.takes import Signed, signature_from


class Space:
    """All networks that `network` can build, with the recipe choices beside them.

    `network(choose, inputs, outputs)` is an ordinary function (or class) that returns an
    `nn.Module`. Where it takes one tensor and gives one, `inputs` is the shape of an example, such
    as (c, h, w) or (f,), and `outputs` how many numbers it gives; where there are several, each is
    a mapping from names to `TensorSpec`. They follow from the arguments of the same names, or from
    data: `Space(network, data)`, or from a `Signature` in the place of both. `recipe(choose)`
    returns settings of the evaluator that are to be searched beside the network, for example
    `{"learning_rate": choose.value("learning_rate", [0.01, 0.1])}`. `name` is what reports call the
    space; the declaration's own name if None. `tokens` is for inputs that are ids from 0 to below.

    `normal_form(answers)` is for rules between choices: it gives the answers that stand for all
    that build an equal network, or None where they build none. `members` says how many members
    there are then, since only enumeration could count them. A search first tries `designs`, which
    are well-known members, then `portfolio`, what did well on other data, as near as there is here.

    The declaration is listed once on the meta device, then a few members are built there, so
    that a mistake is found here and not in the hundredth trial.

    Raises:
        SpaceError: The declaration contradicts itself or cannot be built.
    """

    kept: tuple[tuple[str, str], ...] = ()
    """Of a space that `convert` made: what of the model is not searched, and why."""

    dropped: tuple[Dropped, ...] = ()
    """Of a space that `shrunk` made: the options that lost."""

    networks: int = 1
    """Of how many networks an ensemble is; see `ensembled`."""

    origin: str | None = None
    """Of a ready space, or of ensembles of one: its name and settings, as the command line has."""

    prior: Mapping[str, Mapping[Answer, float]]
    """What options usually add to a score, by choice; empty where nothing is known of that."""

    memo: dict[str, Any]
    """What others found out about this space and keep with it, by their names."""

    def __init__(
        self,
        network: Declaration,
        inputs: Sequence[int] | int | Signature | Signed,
        outputs: int | None = None,
        *,
        recipe: Recipe | None = None,
        name: str | None = None,
        tokens: int | None = None,
        normal_form: NormalForm | None = None,
        members: int | None = None,
        member: Numbered | None = None,
        cells: Cells | None = None,
        designs: Sequence[Design] = (),
        portfolio: Sequence[Design] = (),
        prior: Mapping[str, Mapping[Answer, float]] | None = None,
    ) -> None:
        named = name or str(getattr(network, "__name__", type(network).__name__))
        self._declared = Declared(network, recipe, named, signature_from(inputs, outputs, tokens))
        self.name, self.network, self.declared_recipe = named, network, recipe
        self.cells, self.signature = cells, self._declared.signature
        self.inputs, self.outputs = self._declared.inputs, self._declared.outputs
        root, listed = self._declared.listed()
        self.choices: Mapping[str, Choice] = listed
        self.members = Members(named, root, listed, normal_form, members, member)
        self._moves = Moves(self.members)
        self._encoders = Encoders(self.members, cells)
        self._surveys = Surveys(self.build, self.signature)
        self._limited: dict[tuple[tuple[str, float], ...], Space] = {}
        self.memo, self.prior = {}, prior or {}
        self._declared.check(self.members)
        self.members.shifts = find_shifts(root, self._declared.structure, self.members.draw)
        self.designs = checked(self.members, designs)
        self.portfolio = fitted(self.members, portfolio)

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change when any choice of the declaration changes."""
        return self._declared.digest(self.members.root)

    @property
    def asks(self) -> list[Ask]:
        """The questions of the declaration, with what is asked within each option."""
        return self.members.root

    def build(self, architecture: Architecture, *, seed: int | None = None) -> nn.Module:
        """The plain network of an architecture, with fresh weights.

        With `seed` the weights are the same at each call and torch's global generator is left as it
        was; without, they come from the global generator, as in any PyTorch code.
        """
        with seeded(seed):
            return self._declared.build(Building(architecture.answers))

    def declared(self, choose: Choose) -> nn.Module:
        """What the declaration gives when it is run with `choose`."""
        return self._declared.run(choose)

    def recipe(self, architecture: Architecture) -> dict[str, Any]:
        """The evaluator's settings that this architecture answers, empty without a recipe."""
        asked = self.declared_recipe
        return {} if asked is None else dict(asked(Building(architecture.answers)))

    def architecture(self, answers: Mapping[str, Answer]) -> Architecture:
        """The architecture of these answers, in its one canonical form.

        Answers to choices that are not active are dropped, and steps of a `repeat` that add no
        layer are moved to its end or left out, so that equal networks are equal architectures.

        Raises:
            SpaceError: An active choice has no answer, or an answer is no option.
        """
        return self.members.known(answers)

    def contains(self, architecture: Architecture) -> bool:
        """Whether the architecture is a member of this space, in its canonical form."""
        with suppress(SpaceError):
            return self.architecture(architecture.answers) == architecture
        return False

    def within(self, excess: Excess) -> Space:
        """This space, with `sample`, `mutate` and `cross` drawing again while `excess` is above 0.

        `excess` gives n values for n architectures, in logarithms. Where hundreds of draws are
        over, a sample is the nearest of them, mutated step by step until it is within; so that also
        a bound that one network in thousands keeps is kept. What is returned may still be over, if
        no way within was found.
        """
        return self._moved_by(Moves(self.members, excess))

    def among(self, architectures: Sequence[Architecture]) -> Space:
        """This space, with every draw and move ending at one of these members.

        It is for a table that has not all members: mutants and neighbours are those of the whole
        space that are among the given, or the nearest of some of them. Moves must begin there, too.

        Raises:
            SpaceError: None is given, or one that is no member.
        """
        if not architectures:
            raise SpaceError("`Space.among(architectures)` must be given at least one.")
        self.members.check("among", *architectures)
        return self._moved_by(Chosen(self.members, architectures, self.encode))

    def limited(
        self, limits: Mapping[str, float], *, predict: Mapping[str, Predict] | None = None
    ) -> Space:
        """This space, with `sample`, `mutate`, `cross` and `pool` keeping hard limits.

        `limits` are upper bounds on params, macs (of one example) and memory_mib, and on what
        `predict` has a function for, which gives n values for n architectures: for example a
        predictor of latency. That each can be met is found out first.

        Raises:
            SettingError: A bound is no positive number, or nothing says what a metric is.
            LimitError: A limit cannot be met; says the least that can. A draw raises it too, where
                no network was found that keeps all of them.
        """
        known = predict or {}
        excess = OverLimits(self._surveys, bounds_of(limits, known), known)
        excess.check(self)
        return self._moved_by(Moves(self.members, excess, strict=True))

    def sample(
        self,
        rng: np.random.Generator,
        limits: Mapping[str, float] | None = None,
        *,
        uniform: bool = False,
    ) -> Architecture:
        """A member drawn by answering each active choice uniformly, from the top down.

        With `limits` it keeps them; see `limited`, also for what is raised. With `uniform` each
        member is as likely as any other, so that an option is the likelier the more members it
        leads to: of networks of one to six layers nearly all have six. Late choices have their
        first option without it; see `Choose.value`.
        """
        self.members.check_drawn("sample", rng)
        return self._moving(limits).sample(rng, uniform=uniform)

    def mutate(
        self,
        architecture: Architecture,
        rng: np.random.Generator,
        limits: Mapping[str, float] | None = None,
    ) -> Architecture:
        """A different member: one active choice answered anew, what it brings in drawn freely.

        Where no single answer leads to another member, more are answered anew.

        Raises:
            SpaceError: The space has one member only.
            LimitError: As `limited`.
        """
        self.members.check_drawn("mutate", rng, architecture)
        return self._moving(limits).mutate(architecture, rng)

    def cross(
        self,
        a: Architecture,
        b: Architecture,
        rng: np.random.Generator,
        limits: Mapping[str, float] | None = None,
    ) -> Architecture:
        """A member that takes the answer to each choice from `a` or `b`, drawn if neither has.

        Raises:
            LimitError: As `limited`.
        """
        self.members.check_drawn("cross", rng, a, b)
        return self._moving(limits).cross(a, b, rng)

    def _moved_by(self, moves: Moves) -> Space:
        """This space with other moves; what others found out about it is not known of that."""
        moved = copy.copy(self)
        moved._moves, moved.memo, moved.origin = moves, {}, None
        return moved

    def _moving(self, limits: Mapping[str, float] | None) -> Moves:
        if not limits:
            return self._moves
        key = tuple(sorted(bounds_of(limits, {}).items()))
        if key not in self._limited:
            self._limited[key] = self.limited(limits)
        return self._limited[key]._moves

    def pool(
        self, rng: np.random.Generator, count: int, parents: Sequence[Architecture] = ()
    ) -> list[Architecture]:
        """At most `count` different members, to be compared: random ones, and mutants of `parents`.

        With parents half of them are mutants, one to three steps away. Only those within are given.
        """
        return self._moves.pool(rng, count, parents)

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """All different members one answer away; choices that this brings in take option one."""
        self.members.check("neighbours", architecture)
        return self._moves.neighbours(architecture)

    def variants(self, architecture: Architecture) -> list[Architecture]:
        """The architecture with every combination of its late answers; itself comes first."""
        return self.members.variants(architecture)

    def smallest(self) -> Architecture:
        """The member that answers each choice with its first option."""
        return self.turn(0)

    def largest(self) -> Architecture:
        """The member that answers each choice with its last option (late ones with their first)."""
        return self.turn(-1)

    def turn(self, place: int) -> Architecture:
        """The member that answers each choice with the option at this place, counted round.

        Where a rule between choices forbids it, a random one that depends on the place alone.
        """
        return self.members.turn(place)

    def answered(self, pick: Callable[[Choice], Answer]) -> Architecture:
        """The member whose active choices are answered by `pick`, asked from the top down.

        Raises:
            SpaceError: A rule between choices forbids it.
        """
        return self.architecture(self.members.answer(pick))

    def completed(self, answers: Mapping[str, Answer]) -> Architecture:
        """The member with these answers, and the first option of every choice they leave open.

        Raises:
            SpaceError: A rule between choices forbids it.
        """
        return self.architecture(self.members.answer(partial(first, answers)))

    def survey(self, architecture: Architecture) -> Survey:
        """Params, MACs, memory and fingerprint of a member, without computation.

        Raises:
            EvaluationError: The network cannot take the space's inputs.
        """
        return self._surveys.of(architecture)

    def example(self, rng: np.random.Generator, count: int = 2) -> tuple[Tensor, ...]:
        """A random batch: for each input a tensor (count, *shape), by its dtype."""
        return self.signature.example(rng, count)

    def enumerate(self) -> Iterator[Architecture]:
        """Every member once. Only for spaces whose `count` is small."""
        return self.members.enumerate()

    def few(self, most: int) -> list[Architecture] | None:
        """All members, late choices with their first option, or None if there are more than `most`.

        It is quick: None too where rules between choices leave few of very many answers.
        """
        return self._moves.few(most)

    def allows(self, architecture: Architecture) -> bool:
        """Whether a member is within the bounds of draws; see `within`, `limited` and `among`."""
        return self._moves.allows(architecture)

    @property
    def is_bounded(self) -> bool:
        """Whether draws keep to less than all members; see `within` and `limited`."""
        return self._moves.is_bounded

    def count(self) -> int:
        """The number of members, exactly; conditions and equal networks are accounted for.

        Raises:
            SpaceError: Rules between choices leave only some of too many answers to go through.
        """
        return self.members.count()

    def size(self) -> int | None:
        """What `count` gives, or None where it cannot be told."""
        with suppress(SpaceError):
            return self.count()
        return None

    def columns(
        self, encoding: Encoding = "onehot", *, longest: int | None = None
    ) -> tuple[Column, ...]:
        """What the d columns of `encode` say: (choice, option), or a cell's edge, node or path."""
        return self._encoders.of(encoding, longest).columns

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
        return self._encoders.rows(architectures, encoding, longest)

    def decode(self, rows: np.ndarray, encoding: Encoding = "onehot") -> list[Architecture]:
        """The members that `encode` gave these n x d rows for.

        Raises:
            SettingError: A row of another width, of no answers, or an encoding without inverse.
            SpaceError: A row of no member.
        """
        return self._encoders.members(rows, encoding)

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
