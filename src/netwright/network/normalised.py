"""A network after its normalisation, so that it takes raw tensors: bytes, unscaled numbers, ids.

What a run hands back, each exported form, what a target measures and what the forms are compared
with are all this one module.
"""

from __future__ import annotations

import copy
import keyword
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn

from netwright.network.signature import UNNAMED, Signature, TensorSpec

_TAKEN = frozenset({"self", "torch", "nn", "F"})  # words that written source needs


class Standardise(nn.Module):
    """Takes the mean from raw numbers or bytes and divides by the deviation, in float32."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.detach().clone().float())
        self.register_buffer("std", std.detach().clone().float())

    def forward(self, x: Tensor) -> Tensor:
        """(b, *shape) of any dtype to float32 of that shape."""
        return (x.float() - self.mean) / self.std


class AsFloat(nn.Module):
    """Takes raw numbers or bytes as float32."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, *shape) of any dtype to float32 of that shape."""
        return x.float()


class AsIds(nn.Module):
    """Takes ids of any dtype as int64."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, *shape) of any dtype to int64 of that shape."""
        return x.long()


class Each(fx.GraphModule):
    """Takes several raw tensors by their names, each with a normaliser of its own.

    `normalisers` has a module for each tensor, in the order in which they are taken; a module takes
    one tensor and gives one. `forward` has an argument for each and gives a tuple, or the one.
    """

    written_as = "Each"  # in source: torch makes a class of its own for each graph

    def __init__(self, normalisers: Mapping[str, nn.Module]) -> None:
        graph, root, given = fx.Graph(), nn.Module(), []
        names = arguments_of(list(normalisers))
        placed = [graph.placeholder(name) for name in names]
        for name, node, module in zip(names, placed, normalisers.values(), strict=True):
            root.add_module(f"of_{name}", module)
            given.append(graph.call_module(f"of_{name}", (node,)))
        graph.output(tuple(given) if len(given) > 1 else given[0])
        super().__init__(root, graph, "Each")


class Normalised(nn.Module):
    """A network that takes raw inputs: `normalise` goes before `network`.

    Where a network learned other units than the user's, `rescale` goes after it.

    Its `forward` has an argument for each raw tensor, by the tensor's name; `x` where the only one
    has none.
    """

    normalise: nn.Module
    network: nn.Module


class _OneInput(Normalised):
    def __init__(self, network: nn.Module, normalise: nn.Module) -> None:
        super().__init__()
        self.normalise = normalise
        self.network = network

    def forward(self, x: Tensor) -> Any:
        """Raw (b, *shape) to the network's outputs (b, *output)."""
        return self.network(self.normalise(x))


class _OneRescaled(_OneInput):
    """With what goes after the network."""

    def __init__(self, network: nn.Module, normalise: nn.Module, rescale: nn.Module) -> None:
        super().__init__(network, normalise)
        self.rescale = rescale

    def forward(self, x: Tensor) -> Any:
        """Raw (b, *shape) to outputs (b, *output) in the units of the user."""
        return self.rescale(self.network(self.normalise(x)))


class _NamedInputs(fx.GraphModule, Normalised):
    """A graph, since Python has no other way to name arguments that are known only now."""

    def __init__(
        self,
        network: nn.Module,
        normalise: nn.Module,
        names: Sequence[str],
        given: int,
        rescale: nn.Module | None,
    ) -> None:
        graph, root = fx.Graph(), nn.Module()
        root.normalise, root.network = normalise, network
        placed = [graph.placeholder(name) for name in names]
        normal = graph.call_module("normalise", tuple(placed))
        each: tuple[fx.Node, ...] = (normal,)
        if given > 1:
            each = tuple(
                graph.create_node("call_function", operator.getitem, (normal, place), name=name)
                for place, name in enumerate(names if given == len(names) else ["x"] * given)
            )
        last = graph.call_module("network", each)
        if rescale is not None:
            root.rescale = rescale
            last = graph.call_module("rescale", (last,))
        graph.output(last)
        super().__init__(root, graph, "Normalised")


def arguments_of(names: Sequence[str]) -> list[str]:
    """Names of tensors as names of arguments: another one where Python or torch has a use for it.

    Tensors whose names differ have different ones.
    """
    found: list[str] = []
    for place, name in enumerate(names):
        plain = name.isidentifier() and not keyword.iskeyword(name) and name not in _TAKEN
        made = name if plain else f"x{place}"
        while made in found:
            made += "_"
        found.append(made)
    return found


def each_of(given: Any) -> tuple[Tensor, ...]:
    """The tensors that a module gave: one alone, or several."""
    return tuple(given) if isinstance(given, tuple | list) else (given,)


@dataclass(frozen=True, eq=False)
class Encoder:
    """How rows as a user has them become raw tensors: in plain Python, by a value of JSON.

    `book` is what it goes by. `encode(rows, book)` is a function that needs the standard library
    and torch alone, imported in it or as `torch`, and calls no function of its own module but those
    of `needs`, of which the same holds: their sources are written into exported networks. It gives
    a tuple of raw tensors (b, *shape).
    """

    book: Mapping[str, Any]
    encode: Callable[[Any, Mapping[str, Any]], tuple[Tensor, ...]] | None = None
    needs: tuple[Callable[..., Any], ...] = ()


@dataclass(frozen=True, eq=False)
class Deployment:
    """How networks are deployed, whichever they are.

    `signature` is what they take, raw, and give. `normalise` makes a network's own inputs of that,
    `given` tensors (None: as many as are taken); without one no more than dtypes change: to
    float32, or to int64 where an input is ids. `examples` has a batch of raw examples (n, *shape)
    of the data for each input, if there are any. `encoder` says how rows become raw tensors.
    `rescale` makes what is given of a network's outputs; without one they stay as they are.
    """

    signature: Signature
    normalise: nn.Module | None = None
    examples: Sequence[Tensor] = ()
    given: int | None = None
    encoder: Encoder | None = None
    rescale: nn.Module | None = None

    def raw(self, network: nn.Module) -> Normalised:
        """The network as it is deployed, in eval mode: itself and no copy, after `normalise`."""
        after = copy.deepcopy(self.rescale)
        taken = self.signature.inputs
        given = self.given or len(taken)
        first = self._normalise()
        if len(taken) == given == 1 and taken[0].name == UNNAMED:
            if after is not None:
                return _OneRescaled(network, first, after).eval()
            return _OneInput(network, first).eval()
        names = arguments_of([spec.name for spec in taken])
        return _NamedInputs(network, first, names, given, after).eval()

    def _normalise(self) -> nn.Module:
        if self.normalise is not None:
            return copy.deepcopy(self.normalise)
        taken = self.signature.inputs
        if len(taken) == 1:
            return _cast(taken[0])
        return Each({spec.name: _cast(spec) for spec in taken})


def _cast(spec: TensorSpec) -> nn.Module:
    return AsFloat() if spec.ids is None else AsIds()
