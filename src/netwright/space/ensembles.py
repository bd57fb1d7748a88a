"""Ensembles of networks of one architecture: a space of them out of a space of networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from netwright.errors import SettingError
from netwright.network.ensemble import Ensemble
from netwright.space.choose import Choose
from netwright.space.space import Space


@dataclass(frozen=True)
class Ensembled:
    """A declaration that builds several networks, all with the same answers."""

    declared: Callable[..., nn.Module]
    count: int
    inputs: int

    def __call__(self, choose: Choose, *rest: Any) -> nn.Module:
        """The ensemble."""
        made = [self.declared(choose, *rest) for _ in range(self.count)]
        return Ensemble.of(made, self.inputs)


def ensembled(space: Space, count: int) -> Space:
    """The space of ensembles of `count` networks, all of one architecture of this space.

    An ensemble gives the mean of what its networks give. It is one network: limits hold of it as a
    whole, and it is exported as one. `Training` trains each network by itself: with as many folds
    each on its own, so that together they have learned from all rows, else on the same rows.

    Raises:
        SettingError: `count` is no whole number of at least 2.
    """
    if type(count) is not int or count < 2:
        raise SettingError(
            f"`ensembled(space, count)` must have a whole number of networks, at least 2, got "
            f"{count!r}."
        )
    made = Space(
        Ensembled(space.network, count, len(space.signature.inputs)),
        space.signature,
        recipe=space.declared_recipe,
        name=f"{space.name} x {count}",
        normal_form=space.members.normal_form,
    )
    made.kept, made.networks, made.origin = space.kept, count, space.origin
    made.designs, made.portfolio, made.prior = space.designs, space.portfolio, space.prior
    return made
