"""What is refused when a supernet is made: a member that its plain network does not equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import SpaceError
from netwright.network.normalised import each_of
from netwright.space.architecture import Answer, Architecture
from netwright.space.space import Space

_ROUNDS = 16  # members whose modules are compared when a supernet is made
_COMPUTED = 3  # members whose outputs are
_NEAR = 1e-4


@dataclass(frozen=True)
class Checker:
    """Compares members of a shared network with their plain networks.

    `compare(member)` activates it and refuses other modules than the plain network has;
    `extract(member)` gives the plain network with the weights of the shared one, and leaves the
    member active that was so.
    """

    space: Space
    shared: nn.Module
    compare: Callable[[Architecture], None]
    activate: Callable[[Architecture], None]
    extract: Callable[[Architecture], nn.Module]

    def check(self) -> None:
        """Compare the modules of some members that have every option, and the outputs of a few.

        Raises:
            SpaceError: A member's plain network has other modules or computes something else; names
                the choice that makes it so.
        """
        space = self.space
        most = max((len(c.options) for c in space.choices.values()), default=1)
        rounds = min(most, _ROUNDS)
        rng = np.random.default_rng(0)
        members = [space.turn(i * most // rounds) for i in range(rounds)]
        members += [space.sample(rng) for _ in range(4 if most > 1 else 0)]
        for member in members:
            self._check_one(member, self.compare)
        for member in members[-_COMPUTED:]:
            self._check_one(member, self._compare_outputs)

    def _check_one(self, member: Architecture, check: Callable[[Architecture], None]) -> None:
        try:
            check(member)
        except SpaceError as error:
            raise SpaceError(
                f"`{self.space.name}` cannot be shared, because of {self._culprit(member, check)}: "
                f"{error}. Python code that branches on an answer, counts by it (`range`) or keeps "
                "it in a closure is not seen: write it with `choose.one_of` or `choose.repeat`, "
                "fix the choice, or search it by trials."
            ) from error

    def _compare_outputs(self, member: Architecture) -> None:
        self.activate(member)
        plain = self.extract(member).eval()
        training = self.shared.training
        tensors = self.space.example(np.random.default_rng(0))
        with torch.no_grad():
            try:
                ours, theirs = each_of(self.shared.eval()(*tensors)), each_of(plain(*tensors))
            except RuntimeError as error:
                raise SpaceError(f"the shared network fails: {str(error).rstrip('.')}") from error
            finally:
                self.shared.train(training)
        if not all(map(_alike, ours, theirs)):
            raise SpaceError("the outputs of the shared and of the plain network differ")

    def _culprit(self, member: Architecture, check: Callable[[Architecture], None]) -> str:
        """The choice whose answer alone makes a check fail, by going towards `member` from one."""
        space = self.space
        answers: dict[str, Answer] = {}
        for name in space.choices:
            if name not in member.answers:
                continue
            tried = {**answers, name: member.answers[name]}
            try:
                check(space.completed(tried))
            except SpaceError:
                return f"the choice {name!r} (= {member.answers[name]!r})"
            answers = tried
        return "several choices together"


def _alike(ours: Tensor, theirs: Tensor) -> bool:
    return ours.shape == theirs.shape and torch.allclose(ours, theirs, _NEAR, _NEAR)
