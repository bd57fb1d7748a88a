"""One network that holds the weights of every network of a space.

A supernet is the declaration, run once in the sharing mode (see `sharing.py`). Activating an
architecture turns the switches, writes the architecture's numbers into the attributes of the layers
and says which part of each tensor they use (see `slicing.py`); the layers stay those of `torch.nn`.
What an architecture computes is what its plain network computes with the same weights: the modules
of both are compared one by one for some members when the supernet is made, and their outputs too.

Batch normalisation is shared like any layer, its running statistics too. They are those of all
architectures that were trained, so that a score in eval mode needs them to be estimated anew for
the architecture at hand.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin

from netwright.errors import NetwrightError, SpaceError
from netwright.network.randomness import seeded
from netwright.network.strided_convolution import take_first
from netwright.space.architecture import Answer, Architecture
from netwright.space.space import Space
from netwright.supernet.check import Checker
from netwright.supernet.checkpointing import blocks, checkpointed, kept
from netwright.supernet.fused.sums import Memo
from netwright.supernet.layers import Layers
from netwright.supernet.partial_channels import Narrowed, narrowed
from netwright.supernet.sharing import Sharing
from netwright.supernet.sliced_layers import Kept, release
from netwright.supernet.switches import Switched

REWRITTEN = frozenset({"cpu"})


class Supernet(nn.Module):
    """All networks of a space in one.

    `network` is the shared network. An architecture is always active: the one with the last option
    of every choice, until `activate` is called. With `transform_kernels` a smaller kernel is made
    from the larger one by learned matrices (see `KernelTransform`), without by its centre alone.
    With `seed` its fresh weights are the same at each call and torch's global generator is left as
    it was.

    Options that are mixed are summed by rewritten layers of equal numbers (`fused/mixture.py`) on
    devices of a type in `rewrites`, at first those where they were found to be faster.

    Raises:
        SpaceError: The declaration has something that cannot be shared; names the choice.
    """

    def __init__(
        self, space: Space, *, transform_kernels: bool = False, seed: int | None = None
    ) -> None:
        super().__init__()
        with seeded(seed):
            self._make(space, transform_kernels)

    def _make(self, space: Space, transform_kernels: bool) -> None:
        self.space = space
        self.rewrites: frozenset[str] = REWRITTEN
        sharing = Sharing()
        try:
            with sharing.running():
                self.network = space.declared(sharing)
        except NetwrightError:
            raise
        except Exception as error:
            raise SpaceError(
                f"`{space.name}` cannot be shared: its declaration failed when all options were "
                f"built at once: {type(error).__name__}: {str(error).rstrip('.')}."
            ) from error
        lazy = next((m for m in self.modules() if isinstance(m, LazyModuleMixin)), None)
        if lazy is not None:
            raise SpaceError(
                f"`{space.name}` cannot be shared: it has a {type(lazy).__name__}, whose sizes are "
                "not known when it is built; give it its sizes, or search it by trials."
            )
        self._layers = Layers(self.network, sharing.picked)
        take_first(self.network)
        self.transforms = nn.ModuleList(self._layers.transforms() if transform_kernels else ())
        self._kept: Kept = []
        self._memo = Memo()
        self._narrowed: list[Narrowed] = []
        self._mixture: (
            tuple[Mapping[str, Tensor], Mapping[str, Answer], Mapping[str, Sequence[int]]] | None
        ) = None
        self.network.register_forward_pre_hook(self._hold)
        self.network.register_forward_hook(self._release, always_call=True)
        self._activated = space.largest()
        Checker(space, self, self._compare, self._activate, self.extract).check()
        self._layers.note_varying()
        self.activate(space.largest())

    @property
    def architecture(self) -> Architecture:
        """The active one."""
        return self._activated

    def activate(self, architecture: Architecture) -> None:
        """Make `forward` compute this architecture.

        Raises:
            SpaceError: It is no member of the space.
        """
        self._activate(self.space.architecture(architecture.answers))

    @property
    def mixable(self) -> dict[str, int]:
        """The choices that `mix` can weigh, and how many weights each has.

        They are those on which nothing depends but which modules run: options, depths, and the
        inputs that are read through edges; not numbers such as widths.
        """
        return dict(self._mixable)

    @cached_property
    def _mixable(self) -> dict[str, int]:
        return self._layers.mixable(self.space.choices)

    def edges(self, name: str) -> list[str | None]:
        """Of a choice of inputs, the choice whose options are the edge of each place.

        None for an edge that is no option.
        """
        return self._layers.edges(name)

    def without_weights(self, name: str) -> list[bool]:
        """Of a choice of `one_of`, whether each option has nothing to learn, as a skip has."""
        return self._layers.without_weights(self.space.choices[name])

    def passes(self, name: str) -> list[bool]:
        """Of a choice of `one_of`, whether each option gives back what it is given."""
        return self._layers.passes(self.space.choices[name])

    def without_gains(self, name: str) -> None:
        """Let normalisations in the options of a choice stay without a learned gain and shift.

        So an option cannot change its own weight, as in all searches by gradient since DARTS.
        """
        self._layers.without_gains(name)

    def mix(
        self,
        weights: Mapping[str, Tensor],
        answers: Mapping[str, Answer] | None = None,
        *,
        running: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """Let several options of some choices run, their outputs summed by these weights.

        `weights` has a vector for each of some of `mixable`: a weight for each option in their
        order, or, of a choice of inputs, for each input. `running` says which of them run at all,
        all where it has no entry. The other choices are answered by `answers`, or as in the active
        architecture. It holds until the next `activate`.

        Raises:
            SpaceError: A name that is not mixable, a vector of another length, or a layer whose
                size only a plain network tells.
        """
        known = self._mixable
        for name, vector in weights.items():
            if name not in known:
                raise SpaceError(
                    "`Supernet.mix(weights)` must name choices whose options are modules and on "
                    f"which no number depends, got {name!r}."
                )
            if vector.shape != (known[name],):
                raise SpaceError(
                    f"`Supernet.mix(weights)` must have {known[name]} weights for "
                    f"{name!r}, got a tensor of shape {tuple(vector.shape)}."
                )
        choices = self.space.choices.values()
        full = {c.name: c.options[0 if c.late else -1] for c in choices}
        full |= {**self._activated.answers, **(answers or {})}
        chosen = dict(running or {})
        self._run_with(full, weights, chosen)
        odd = self._layers.odd()
        if odd is not None:
            self._activate(self._activated)
            raise SpaceError(
                f"`{self.space.name}` cannot be mixed: only a plain network tells the size of its "
                f"{type(odd).__name__}; search it by trials, or by sampling shared weights."
            )
        self._mixture = (dict(weights), full, chosen)

    def forward(self, *inputs: Tensor) -> Any:
        """What the active architecture computes of a batch: each input (b, *shape)."""
        return self.network(*inputs)

    def checkpoint(self, on: bool = True) -> bool:
        """Let each block run again for its gradient, so that its insides are not kept.

        Returns whether there are blocks, which are the parts of a list such as the cells.
        """
        found = blocks(self.network)
        for block in found:
            if on:
                checkpointed(block, self._memo)
            else:
                kept(block)
        return bool(found)

    def partial(self, parts: int) -> float:
        """Let the options of `mixable` choices run on the first of `parts` parts of the channels.

        Those are options that keep the number of channels, and whose layers are convolutions and
        batch normalisations; others run as before. The channels that they do not get go by. What is
        extracted has all channels. Returns the share of the places where it is so.
        """
        for each in self._narrowed:
            each.off()
        known = self.mixable
        turned = self._layers.turned()
        places = [i for i, e in turned if isinstance(i, Switched) and e.text in known]
        self._narrowed = []
        if parts > 1:
            seen = _passed(self, places)
            made = [narrowed(p, *seen[p], parts) for p in places if p in seen]
            self._narrowed = [each for each in made if each is not None]
        for each in self._narrowed:
            self._layers.narrow(each.layers)
        self.activate(self._activated)
        return len(self._narrowed) / max(1, len(places))

    @property
    def is_partial(self) -> bool:
        """Whether some options run on a part of their channels."""
        return bool(self._narrowed)

    def extract(self, architecture: Architecture) -> nn.Module:
        """The plain network of an architecture, with a copy of its part of the weights.

        The network is on the supernet's device and in its mode (train or eval).
        """
        member = self.space.architecture(architecture.answers)
        active, mixture = self._activated, self._mixture
        plain = self.space.build(member, seed=0)
        try:
            for each in self._narrowed:
                each.off()
            self._activate(member)
            self._layers.copy_to(plain)
        finally:
            for each in self._narrowed:
                each.on()
            self._activate(active)
            if mixture is not None:
                weights, full, running = mixture
                self.mix(weights, full, running=running)
        device = next(itertools.chain(self.parameters(), self.buffers()), torch.empty(0)).device
        return plain.to(device).train(self.training)

    def _hold(self, module: nn.Module, inputs: Any) -> None:
        self._kept = self._layers.hold()

    def _release(self, module: nn.Module, inputs: Any, outputs: Any) -> None:
        release(self._kept)
        self._kept = []
        self._memo.clear()

    # -- inside -----------------------------------------------------------------------------------

    def _activate(self, architecture: Architecture) -> None:
        answers = architecture.answers
        self._run_with(answers, {}, {})
        if self._layers.odd() is not None:
            self._layers.measure(self._plain(architecture))
        self._activated, self._mixture = architecture, None

    def _compare(self, architecture: Architecture) -> None:
        self._activate(architecture)
        self._layers.compare(self._plain(architecture))

    def _run_with(
        self,
        answers: Mapping[str, Answer],
        weights: Mapping[str, Tensor],
        running: Mapping[str, Sequence[int]],
    ) -> None:
        memo = dict.fromkeys(self.rewrites, self._memo)
        self._layers.run_with(answers, weights, running, memo)

    def _plain(self, architecture: Architecture) -> nn.Module:
        with torch.device("meta"):
            return self.space.build(architecture)


def _passed(net: Supernet, at: Sequence[nn.Module]) -> dict[nn.Module, tuple[Tensor, Tensor]]:
    """What is given to modules of a supernet and what they give, with all options of an example."""
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}
    hooks = [
        module.register_forward_hook(lambda m, inputs, out: seen.update({m: (inputs[0], out)}))
        for module in at
    ]
    training, rewrites = net.training, net.rewrites
    device = next(net.parameters(), torch.empty(0)).device
    net.rewrites = frozenset()  # so that each module is called
    try:
        net.mix({name: torch.full((size,), 1 / size) for name, size in net.mixable.items()})
        with torch.no_grad():
            net.eval()(*(x.to(device) for x in net.space.example(np.random.default_rng(0))))
    finally:
        net.train(training)
        net.rewrites = rewrites
        for each in hooks:
            each.remove()
    return seen
