"""The declaration of a space that was made out of a trained model: it asks, then cuts a copy.

A member is a copy of the model, of the same classes, in which layers have part of their tensors and
blocks that are left out are `nn.Identity`. Of each axis it has the channels whose weights have the
largest L1 norm (Li et al., arXiv:1608.08710), in the order of the model, so that the member with
all of them computes exactly what the model does.

A supernet has whole tensors and uses the first channels, so that those with the largest norms are
moved to the front.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from netwright.conversion.axes import Axis, Dimension, places, total
from netwright.conversion.sizes import resize
from netwright.space.choose import Choose
from netwright.supernet.slicing import Centre

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
}
"""The options for an activation, beside its own."""


@dataclass(frozen=True)
class Width:
    """A choice of the number of channels of an axis; `order` has the most important first."""

    name: str
    axis: Axis
    options: tuple[int, ...]
    order: Tensor
    layers: tuple[str, ...]

    def kept(self, number: Any) -> Tensor | None:
        """The channels that remain; in a supernet, where the number is elastic, all in order."""
        if type(number) is not int:
            return self._of_each(self.order)
        if number == self.axis.size:
            return None
        return self._of_each(self.order[: number // self.axis.groups].sort().values)

    def _of_each(self, channels: Tensor) -> Tensor:
        size, groups = self.axis.size // self.axis.groups, self.axis.groups
        return (torch.arange(groups, device="cpu")[:, None] * size + channels).flatten()


@dataclass(frozen=True)
class Block:
    """A module that may be left out; with zeros in the tensors `last` it gives back its input.

    `last` is None where no such tensors are known.
    """

    path: str
    last: tuple[str, ...] | None


@dataclass(frozen=True)
class Run:
    """A choice of how many of some blocks in a row are kept, the first ones."""

    name: str
    blocks: tuple[Block, ...]


@dataclass
class Scope:
    """What is asked in one place: the root, or where a block is kept."""

    widths: list[Width] = field(default_factory=list)
    kernels: dict[str, tuple[int, ...]] = field(default_factory=dict)
    activations: dict[str, str] = field(default_factory=dict)  # path to kind


@dataclass
class _Made:
    """The network that is being made, with the answers so far; `layers` are by all their paths."""

    network: nn.Module
    layers: dict[str, nn.Module]
    numbers: dict[Axis, Any] = field(default_factory=dict)
    kernels: dict[str, Any] = field(default_factory=dict)

    def put(self, path: str, module: nn.Module) -> None:
        """Let `module` stand wherever the layer of this path does."""
        old = self.layers[path]
        for parent in list(self.network.modules()):
            for name, child in parent._modules.items():
                if child is old:
                    parent._modules[name] = module


class Converted:
    """`converted(choose, inputs, outputs)` builds a member; see the module.

    `dims` are the dimensions of the model's tensors by name, `aliases` the first name of each.
    """

    def __init__(
        self,
        model: nn.Module,
        dims: Mapping[str, Sequence[Dimension]],
        aliases: Mapping[str, str],
        tokens: int | None,
    ) -> None:
        self.model = model
        self.skeleton = copy.deepcopy(model).to("meta")
        self.dims, self.aliases, self.tokens = dims, aliases, tokens
        self.scopes: dict[str, Scope] = {"": Scope()}
        self.runs: list[Run] = []
        self.summed: dict[str, set[int]] = {}
        self.__name__ = type(model).__name__

    def __call__(self, choose: Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
        """The network that `choose` answers for."""
        network = copy.deepcopy(self.skeleton)
        made = _Made(network, dict(network.named_modules(remove_duplicate=False)))
        self._ask(choose, self.scopes[""], made)
        for run in self.runs:
            self._ask_run(choose, run, made)
        self._fill(made)
        return network

    @property
    def widths(self) -> dict[str, Width]:
        """All width choices by name."""
        return {w.name: w for scope in self.scopes.values() for w in scope.widths}

    # -- asking -----------------------------------------------------------------------------------

    def _ask(self, choose: Choose, scope: Scope, made: _Made) -> None:
        for width in scope.widths:
            made.numbers[width.axis] = choose.value(width.name, width.options)
        for path, options in scope.kernels.items():
            made.kernels[path] = choose.value(f"{path}.kernel", options)
        for path, kind in scope.activations.items():
            ways: dict[str, Callable[[], Any]] = {
                name: each for name, each in ACTIVATIONS.items() if name != kind
            }
            ways[kind] = partial(made.layers.__getitem__, path)
            made.put(path, choose.one_of(f"activation.{kind}", **ways))

    def _ask_run(self, choose: Choose, run: Run, made: _Made) -> None:
        def kept(place: int) -> nn.Module:
            path = run.blocks[place].path
            self._ask(choose, self.scopes[path], made)
            return made.layers[path]

        if len(run.blocks) == 1:
            steps = [choose.one_of(run.name, drop=nn.Identity, keep=partial(kept, 0))]
        else:
            steps = list(choose.repeat(run.name, 0, len(run.blocks), kept))
        for place, block in enumerate(run.blocks):
            step = steps[place] if place < len(steps) else nn.Identity()
            if step is made.layers[block.path]:
                continue
            made.put(block.path, step)

    # -- cutting ----------------------------------------------------------------------------------

    def _fill(self, made: _Made) -> None:
        """Give every layer that was not left out its part of the model's tensors, and its sizes."""
        kept = self.channels(made.numbers)
        left = set(made.network.modules())
        paths: dict[nn.Module, str] = {}  # the first of each layer
        for path, layer in made.layers.items():
            if layer in left:
                paths.setdefault(layer, path)
        ready: dict[str, Tensor] = {}
        for home, tensor in [*_parameters(self.model), *_buffers(self.model)]:
            path, _, name = home.rpartition(".")
            if made.layers[path] not in left:
                continue
            first = self.aliases[home]
            if first not in ready:
                kernel = made.kernels.get(path) if name == "weight" else None
                ready[first] = cut(tensor, self.dims[first], kept, kernel)
            setattr(made.layers[path], name, ready[first])
        for layer, path in paths.items():
            self._resize(path, layer, made)

    def channels(self, numbers: Mapping[Axis, Any]) -> dict[Axis, Tensor]:
        """The channels that each axis keeps with these numbers; axes that keep all are left out."""
        found = {w.axis: w.kept(numbers[w.axis]) for w in self.widths.values() if w.axis in numbers}
        return {axis: channels for axis, channels in found.items() if channels is not None}

    def _resize(self, path: str, layer: nn.Module, made: _Made) -> None:
        def sizes(name: str) -> list[Any]:
            return [total(dim, made.numbers) for dim in self.dims[self.aliases[f"{path}.{name}"]]]

        held = {**layer._parameters, **layer._buffers}
        names = [n for n in ("weight", "running_mean") if held.get(n) is not None]
        if names and path:
            resize(layer, sizes(names[0]))
        if path in made.kernels:
            assert isinstance(layer, _ConvNd)
            kernel, rank = made.kernels[path], len(layer.kernel_size)
            layer.kernel_size = (kernel,) * rank
            if not isinstance(layer.padding, str):
                layer.padding = (kernel // 2,) * rank


def cut(
    tensor: Tensor, dims: Sequence[Dimension], kept: Mapping[Axis, Tensor], kernel: Any = None
) -> Tensor:
    """A copy of the part of a tensor that a member has; of its sizes only on the meta device."""
    taken = tensor.detach()
    for place, dim in enumerate(dims):
        chosen = places(dim, kept)
        if chosen is not None and not _on_meta():
            taken = taken.index_select(place, chosen.to(taken.device))
        elif chosen is not None:
            taken = taken.narrow(place, 0, len(chosen))
    if type(kernel) is int:
        for place in range(2, taken.ndim):
            where = Centre(kernel).cut(taken.shape[place])
            taken = taken.narrow(place, where.start, kernel)
    made = torch.empty_like(taken, device="meta") if _on_meta() else taken.clone()
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(made, requires_grad=tensor.requires_grad)
    return made


def _parameters(model: nn.Module) -> list[tuple[str, Tensor]]:
    return list(model.named_parameters(remove_duplicate=False))


def _buffers(model: nn.Module) -> list[tuple[str, Tensor]]:
    return list(model.named_buffers(remove_duplicate=False))


def _on_meta() -> bool:
    return torch.empty(0).device.type == "meta"  # what torch 2.6 calls the default device is not
