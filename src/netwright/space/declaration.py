"""A declaration, and what it is run for: its choices, a network, a check of some members."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from netwright.errors import SettingError, SpaceError
from netwright.network.signature import Signature
from netwright.network.structure import structure
from netwright.space.architecture import Answer
from netwright.space.check import Checker, listing_of
from netwright.space.choose import Ask, Building, Choice, Choose, Listing, once
from netwright.space.members import Members, first, turn
from netwright.space.takes import in_json, plain

Declaration = Callable[[Choose, Any, Any], nn.Module]
Recipe = Callable[[Choose], Mapping[str, Any]]

_CHECKED = 16  # members built when a space is declared, to find mistakes early,
_DRAWN = 4  # and as many more at random


@dataclass(frozen=True)
class Declared:
    """A function that builds networks and one that gives their recipes, with what they are told.

    `name` is what errors call the function. What is asked and which answers are allowed is not
    known here but told by `listed`, and by whoever gives answers.
    """

    network: Declaration
    recipe: Recipe | None
    name: str
    signature: Signature

    def __post_init__(self) -> None:
        if not callable(self.network):
            raise SettingError(f"`Space(network, ...)` must be a callable, got {self.network!r}.")
        if isinstance(self.network, nn.Module):
            raise SettingError(
                "`Space(network, ...)` must be a function (choose, inputs, outputs) that returns a "
                f"network, got a model of the class {self.name}; write `netwright.convert(model, "
                "example)`."
            )

    @property
    def inputs(self) -> Any:
        """What the function is told of the tensors that its networks take."""
        return plain(self.signature.inputs, count=False)

    @property
    def outputs(self) -> Any:
        """What it is told of the tensors that they give."""
        return plain(self.signature.outputs, count=True)

    def listed(self) -> tuple[list[Ask], dict[str, Choice]]:
        """The questions of the function and of the recipe, as a tree and by name.

        Raises:
            SpaceError: It fails on the meta device, or asks a late choice for the network.
        """
        listing = Listing()
        with listing_of(f"{self.name}(choose, inputs={self.inputs}, outputs={self.outputs})"):
            self.network(listing, self.inputs, self.outputs)
        late = [c.name for c in listing.choices.values() if c.late]
        if late:
            raise SpaceError(
                f"The choice {late[0]!r} of `{self.name}` is late, which only choices of a recipe "
                "may be, since a network is measured before it is trained in full; leave `late` "
                "out."
            )
        if self.recipe:
            with listing_of("recipe(choose)"):
                self.recipe(listing)
        return once(listing.root), listing.choices

    def digest(self, root: list[Ask]) -> str:
        """Sixteen hexadecimal digits of what the function is told and of what it asks, `root`."""

        def listed(scope: list[Ask]) -> list[Any]:
            return [
                [
                    *(a.choice.name, a.choice.kind, a.choice.options, a.choice.late),
                    [listed(s) for s in a.branches],
                ]
                for a in scope
            ]

        text = json.dumps([in_json(self.inputs), in_json(self.outputs), listed(root)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def run(self, choose: Choose) -> nn.Module:
        """What the function gives when it is run with `choose`.

        Raises:
            SpaceError: It is no module.
        """
        try:
            made = self.network(choose, self.inputs, self.outputs)
        except SystemExit as error:
            raise SpaceError(
                f"`{self.name}(choose, inputs, outputs)` must return an nn.Module, it called "
                f"sys.exit({error.code!r})."
            ) from error
        if not isinstance(made, nn.Module):
            raise SpaceError(
                f"`{self.name}(choose, inputs, outputs)` must return an nn.Module, "
                f"got {type(made).__name__}."
            )
        return made

    def build(self, choose: Building) -> nn.Module:
        """The network of some answers, its lazy layers with their sizes."""
        made = self.run(choose)
        if any(isinstance(p, UninitializedParameter) for p in made.parameters()):
            training = made.training
            with torch.no_grad():  # lazy layers learn their sizes from a first pass
                made.eval()(*self.signature.zeros(2))
            made.train(training)
        return made

    def structure(self, answers: Mapping[str, Answer]) -> str:
        """What is equal for answers that build an equal network."""
        with torch.device("meta"):
            return structure(self.build(Building(answers)))

    def check(self, members: Members) -> None:
        """Build members that together take every option of every choice, and some at random.

        Raises:
            SpaceError: As `Checker.check`.
        """
        most = max((len(c.options) for c in members.choices.values()), default=1)
        rounds = min(most, _CHECKED)
        rng = np.random.default_rng(0)
        if members.normal_form is None:
            checked = [members.answer(partial(turn, i * most // rounds)) for i in range(rounds)]
            checked += [members.draw(rng) for _ in range(_DRAWN if most > 1 else 0)]
        else:
            checked = [dict(members.freely(rng).answers) for _ in range(rounds + _DRAWN)]
        Checker(
            self.build,
            lambda answers: members.answer(partial(first, answers)),
            self.recipe,
            self.name,
            self.signature,
        ).check(checked)
