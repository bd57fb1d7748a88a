"""The modules of a supernet that are not in the networks it holds: switches and gathered inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from netwright.errors import SpaceError
from netwright.supernet.elastic import Answers, Expression
from netwright.supernet.fused.sums import Memo, Option, Sum, option_of
from netwright.supernet.partial_channels import first, gone_by, shuffled


class Switched(nn.Module):
    """Several modules in one place; which of them runs is decided for each architecture.

    `selector` gives the key of the one that runs. With `mixture`, a weight for each of them in
    order, those at the places `running` run and their outputs are summed, each times its weight.
    """

    def __init__(self, selector: Expression, ways: Mapping[Any, nn.Module]) -> None:
        super().__init__()
        self.selector = selector
        self.keys = tuple(ways)
        self.ways = nn.ModuleList(ways.values())
        self.active = len(self.keys) - 1
        self.mixture: Tensor | None = None
        self.running: tuple[int, ...] = ()
        self.memo: Memo | None = None  # where options are summed by rewritten layers
        self.parts = 1  # in which channels are divided, the first of which the options get
        self.varies = False  # whether layers in the options have sizes that change
        self._options: dict[int, Option] = {}

    def activate(self, answers: Answers) -> None:
        """Let the module of these answers run."""
        self.active = self.keys.index(self.selector.of(answers))
        self.mixture = None

    def mix(self, weights: Tensor, running: Sequence[int]) -> None:
        """Let the options of its one choice run that are `running`, by the weights of all."""
        name, options = next(iter(self.selector.choices.items()))
        places = [self.keys.index(self.selector.of({name: option})) for option in options]
        if places == list(range(len(self.keys))):
            self.mixture = weights
        else:  # as of a step, which is there for some of the depths
            into = torch.tensor(places, device=weights.device)
            empty = torch.zeros(len(self.keys), dtype=weights.dtype, device=weights.device)
            self.mixture = empty.index_add(0, into, weights)
        if self.varies:
            self.forget()
        self.running = tuple(sorted({places[option] for option in running}))

    def forget(self) -> None:
        """Take the options apart anew, since their layers are others now."""
        self._options = {}

    def modules_running(self) -> list[nn.Module]:
        """The ways that run now."""
        places = (self.active,) if self.mixture is None else self.running
        return [self.ways[place] for place in places]

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """What the active module gives, or the weighted sum of those that run."""
        if self.memo is not None and len(inputs) == 1 and not named and self.rewritten:
            found = Sum(self.memo)
            self.add_to(found, inputs[0])
            return found.total()
        if self.parts == 1:
            return self._run(*inputs, **named)
        (x,) = inputs
        out = self._run(first(x, self.parts))
        return shuffled(out, gone_by(x, self.parts, out.shape[2:]), self.parts)

    def _run(self, *inputs: Any, **named: Any) -> Any:
        if self.mixture is None:
            return self.ways[self.active](*inputs, **named)
        return sum(self.mixture[i] * self.ways[i](*inputs, **named) for i in self.running)

    @property
    def rewritten(self) -> bool:
        """Whether its options can be summed by rewritten layers now."""
        return self.mixture is not None and all(self._option(i).ready for i in self.running)

    def add_to(self, sum_: Sum, x: Tensor, scale: Tensor | None = None) -> None:
        """Add the weighted options of `x`, all times `scale` (), to a sum."""
        assert self.mixture is not None
        weights = self.mixture if scale is None else self.mixture * scale
        if self.parts > 1:
            sum_.parts = self.parts
            sum_.by.append((weights.new_ones(()) if scale is None else scale, x))
            x = sum_.memo.of(("first", self.parts), x, lambda x: first(x, self.parts))
        for i, weight in enumerate(weights.unbind()):
            if i in self.running:
                self._option(i).add_to(sum_, x, weight)

    def _option(self, place: int) -> Option:
        if place not in self._options:
            self._options[place] = option_of(self.ways[place])
        return self._options[place]


class SwitchedEdges(nn.Module):
    """Reads some of several tensors, as `Gathered` does, with an edge for every place.

    `picks` are the places of the active architecture. With `mixture`, a weight for each place, all
    that are `running` are read, and each of the picked tensors is the same share of their weighted
    sum: as many as an architecture picks add up to it.
    """

    def __init__(
        self, picks: Sequence[int], edges: Sequence[nn.Module], selector: Expression
    ) -> None:
        super().__init__()
        self.picks = tuple(picks)
        self.edges = nn.ModuleList(edges)
        self.selector = selector
        self.mixture: Tensor | None = None
        self.running: tuple[int, ...] = ()
        self.memo: Memo | None = None  # where edges are summed by rewritten layers

    def activate(self, answers: Answers) -> None:
        """Read what these answers pick."""
        self.picks = self.selector.of(answers)
        self.mixture = None

    def mix(self, weights: Tensor, running: Sequence[int]) -> None:
        """Read the places that are `running`, by the weights of all."""
        self.mixture, self.running = weights, tuple(running)

    def modules_running(self) -> list[nn.Module]:
        """The edges that are read, in the order of `picks`, or all that are mixed."""
        places = self.picks if self.mixture is None else self.running
        return [self.edges[i] for i in places]

    def forward(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The picked tensors, each through its edge."""
        if self.mixture is None:
            return [self.edges[i](tensors[i]) for i in self.picks]
        mixture, count = self.mixture, len(self.picks)
        if self.memo is not None:
            return [self._sum(self.memo, tensors, mixture / count)] * count
        whole = sum((mixture[i] * self.edges[i](tensors[i]) for i in self.running), torch.zeros(()))
        return [whole / count] * count

    def _sum(self, memo: Memo, tensors: Sequence[Tensor], weights: Tensor) -> Tensor:
        found = Sum(memo)
        each = {e.parts if isinstance(e, Switched) else 1 for e in self.modules_running()}
        for i, weight in zip(self.running, weights[list(self.running)].unbind(), strict=True):
            edge = self.edges[i]
            if isinstance(edge, Switched) and edge.rewritten and len(each) == 1:
                edge.add_to(found, tensors[i], weight)
            else:
                found.scale(weight, edge(tensors[i]))
        return found.total()


class Picked(Sequence[int]):
    """The answer to `choose.inputs` in a supernet: the places that the active architecture picks.

    May be kept as an attribute and read in `forward`. While the network is built it cannot be read.
    """

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self.picks: tuple[int, ...] | None = None

    def activate(self, answers: Answers) -> None:
        """Be what these answers pick."""
        self.picks = self.expression.of(answers)

    def _known(self) -> tuple[int, ...]:
        if self.picks is None:
            raise SpaceError(
                f"The answer to {self.expression.depends_on} is read while the supernet is built, "
                "where no architecture is known; read it in `forward`, or give `choose.inputs` an "
                "`edge` that builds what each input goes through."
            )
        return self.picks

    def __len__(self) -> int:
        return len(self._known())

    def __getitem__(self, place: Any) -> Any:
        return self._known()[place]


class Factory:
    """Several callables in one place: calling it calls each and joins what they give."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """What all of them give, joined."""
        return self._call(*inputs, **named)
