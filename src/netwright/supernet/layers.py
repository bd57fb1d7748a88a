"""The modules of a shared network: which of them run, and with which part of their tensors.

What turns a switch or sizes a layer is an expression of the answers (see `elastic.py`); a module
that is turned has two or more ways to run. Of some layers only the plain network tells the size:
they are measured on it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from netwright.errors import SpaceError
from netwright.space.architecture import Answer
from netwright.space.choose import Choice
from netwright.space.modules import Gathered, Pass
from netwright.supernet.elastic import Expression, concrete, expressions, is_elastic
from netwright.supernet.fused.sums import Memo
from netwright.supernet.sliced_layers import (
    Kept,
    KernelTransform,
    adopt,
    cut,
    differ,
    hold,
    hook,
    inherit,
    kernel_transform,
)
from netwright.supernet.slicing import is_known
from netwright.supernet.switches import Picked, Switched, SwitchedEdges

_SILENT = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.Identity, Pass, Gathered)  # not compared


class Layers:
    """The modules of `network`, which has all options of a space; `picked` are read in its code."""

    def __init__(self, network: nn.Module, picked: Sequence[Picked]) -> None:
        self._network, self._picked = network, picked
        self.switches = [m for m in network.modules() if isinstance(m, Switched | SwitchedEdges)]
        self._elastic = {
            module: {key: value for key, value in vars(module).items() if is_elastic(value)}
            for module in network.modules()
        }
        self._sized = {m for m, elastic in self._elastic.items() if elastic and is_known(m)}
        self._measured: set[nn.Module] = set()
        self._running: list[nn.Module] = []
        for module in self._sized:
            hook(module)

    # -- what there is ----------------------------------------------------------------------------

    def turned(self) -> list[tuple[Switched | SwitchedEdges, Expression]]:
        """The modules that are turned by an answer, and what turns each."""
        return [(item, item.selector) for item in self.switches]

    def places(self, name: str) -> list[Switched]:
        """The places of the options of a `one_of`."""
        return [i for i, e in self.turned() if isinstance(i, Switched) and e.text == name]

    def mixable(self, choices: Mapping[str, Choice]) -> dict[str, int]:
        """Of choices those on which nothing depends but which modules run, and their weights."""
        turned = self.turned()
        sizes = {e.text: len(i.edges) for i, e in turned if isinstance(i, SwitchedEdges)}
        numbers = [e for elastic in self._elastic.values() for e in expressions(elastic)]
        mixed = [e for _, e in turned if len(e.choices) > 1]
        picked = [item.expression for item in self._picked]
        fixed = {name for e in (*numbers, *mixed, *picked) for name in e.choices}
        found = {name for _, e in turned for name in e.choices} - fixed
        return {n: sizes.get(n, len(c.options)) for n, c in choices.items() if n in found}

    def edges(self, name: str) -> list[str | None]:
        """Of a choice of inputs, the choice whose options are the edge of each place."""
        first = next(i for i, e in self.turned() if isinstance(i, SwitchedEdges) and e.text == name)
        return [edge.selector.text if isinstance(edge, Switched) else None for edge in first.edges]

    def without_weights(self, choice: Choice) -> list[bool]:
        """Of a `one_of`, whether each option has nothing to learn."""
        first = self.places(choice.name)[0]
        ways = dict(zip(first.keys, first.ways, strict=True))
        return [not any(p.ndim > 1 for p in ways[o].parameters()) for o in choice.options]

    def passes(self, choice: Choice) -> list[bool]:
        """Of a `one_of`, whether each option gives back what it is given."""
        ways = [dict(zip(p.keys, p.ways, strict=True)) for p in self.places(choice.name)]
        return [any(isinstance(w[o], nn.Identity) for w in ways) for o in choice.options]

    def without_gains(self, name: str) -> None:
        """Let normalisations in the options of a choice stay without a learned gain and shift."""
        for item, expression in self.turned():
            if expression.text == name:
                for module in item.modules():
                    if isinstance(module, _NormBase):
                        module.requires_grad_(False)

    def transforms(self) -> list[KernelTransform]:
        """What makes smaller kernels, of each convolution whose kernel is elastic."""
        made = [kernel_transform(m, e.get("kernel_size")) for m, e in self._elastic.items()]
        return [transform for transform in made if transform]

    # -- what runs --------------------------------------------------------------------------------

    def run_with(
        self,
        answers: Mapping[str, Answer],
        weights: Mapping[str, Tensor],
        running: Mapping[str, Sequence[int]],
        memo: Mapping[str, Memo],
    ) -> None:
        """Turn the switches, and give the layers that run then their sizes.

        The options of choices with `weights` are mixed, those that are `running`; on devices of a
        type in `memo` by rewritten layers.
        """
        for item in (*self.switches, *self._picked):
            with suppress(KeyError):  # it depends on a choice that is not active
                item.activate(answers)
        for item, expression in self.turned() if weights else ():
            name = next(iter(expression.choices))
            if len(expression.choices) == 1 and name in weights:
                item.mix(weights[name], running.get(name, range(len(weights[name]))))
                item.memo = memo.get(weights[name].device.type)
        self._running = list(_active(self._network, set()))
        for module in self._running:
            for key, value in self._elastic[module].items():
                vars(module)[key] = concrete(value, answers)
            if module in self._sized:
                cut(module)

    def hold(self) -> Kept:
        """Put the used parts in the place of the tensors of what runs."""
        return hold(m for m in self._running if m in self._sized or m in self._measured)

    def narrow(self, layers: Sequence[nn.Module]) -> None:
        """Let layers have sizes that are told by their attributes."""
        self._sized.update(layers)

    def odd(self) -> nn.Module | None:
        """One that runs, of which only the plain network tells the size; None if there is none."""
        if self._measured.isdisjoint(self._running):
            return None
        return next(m for m in self._running if m in self._measured)

    def note_varying(self) -> None:
        """Tell the switches which of them have layers whose sizes change."""
        for item in self.switches:
            item.varies = any(m in self._sized or m in self._measured for m in item.modules())

    # -- beside a plain network -------------------------------------------------------------------

    def measure(self, plain: nn.Module) -> None:
        """Give the layers that run and are measured the sizes of a plain network's."""
        for shared, own in self.pairs(plain):
            if shared in self._measured:
                adopt(shared, own)

    def compare(self, plain: nn.Module) -> None:
        """Find the layers that are to be measured: those of other sizes than a plain network's.

        Raises:
            SpaceError: The plain network has other modules, or larger tensors.
        """
        for shared, own in self.pairs(plain):
            if differ(shared, own):
                hook(shared)
                adopt(shared, own)
                self._measured.add(shared)
                self._sized.discard(shared)

    def copy_to(self, plain: nn.Module) -> None:
        """Copy the part of the weights that is used into a plain network."""
        with torch.no_grad():
            for shared, own in self.pairs(plain):
                inherit(shared, own)

    def pairs(self, plain: nn.Module) -> list[tuple[nn.Module, nn.Module]]:
        """The modules of the active architecture beside those of its plain network.

        Raises:
            SpaceError: One has a module of another class than the other.
        """
        ours, theirs = list(_active(self._network, set())), list(_active(plain, set()))
        for shared, own in itertools.zip_longest(ours, theirs):
            if _kind(shared) != _kind(own):
                here, there = (type(m).__name__ if m else "nothing" for m in (shared, own))
                raise SpaceError(f"the plain network has {there} where the supernet has {here}")
        return list(zip(ours, theirs, strict=True))


def _kind(module: nn.Module | None) -> tuple[str, str]:
    """A class by its name, since a class inside of a declaration is made anew at each run."""
    return type(module).__module__, type(module).__qualname__


def _active(module: nn.Module, seen: set[int]) -> Iterator[nn.Module]:
    """The modules that the active architecture runs, in the order they were registered."""
    if id(module) in seen:
        return
    seen.add(id(module))
    children: Sequence[nn.Module] = list(module.children())
    if isinstance(module, Switched | SwitchedEdges):
        children = module.modules_running()
    elif not isinstance(module, _SILENT):
        yield module
    for child in children:
        yield from _active(child, seen)
