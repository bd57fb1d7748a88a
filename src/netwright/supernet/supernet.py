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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.lazy import LazyModuleMixin

from netwright.errors import NetwrightError, SpaceError
from netwright.network.randomness import seeded
from netwright.network.strided_convolution import take_first
from netwright.space.architecture import Answer, Architecture
from netwright.space.modules import Gathered, Pass
from netwright.space.space import Space
from netwright.supernet.checkpointing import blocks, checkpointed, kept
from netwright.supernet.elastic import Expression, concrete, expressions, is_elastic
from netwright.supernet.fused.sums import Memo
from netwright.supernet.partial_channels import Narrowed, narrowed
from netwright.supernet.sharing import Sharing
from netwright.supernet.sliced_layers import (
    Kept,
    adopt,
    cut,
    differ,
    hold,
    hook,
    inherit,
    kernel_transform,
    release,
)
from netwright.supernet.slicing import is_known
from netwright.supernet.switches import Picked, Switched, SwitchedEdges

_ROUNDS = 16  # members whose modules are compared when a supernet is made
_COMPUTED = 3  # members whose outputs are
_NEAR = 1e-4
REWRITTEN = frozenset({"cpu"})
_SILENT = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.Identity, Pass, Gathered)  # not compared


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
        self._switches = [m for m in self.modules() if isinstance(m, Switched | SwitchedEdges)]
        self._picked: list[Picked] = sharing.picked
        self._elastic = {
            module: {key: value for key, value in vars(module).items() if is_elastic(value)}
            for module in self.network.modules()
        }
        self._sized = {m for m, elastic in self._elastic.items() if elastic and is_known(m)}
        self._running: list[nn.Module] = []
        self._measured: set[nn.Module] = set()  # those whose sizes only the plain network tells
        for module in self._sized:
            hook(module)
        take_first(self.network)
        self.transforms = nn.ModuleList()
        if transform_kernels:
            made = [kernel_transform(m, e.get("kernel_size")) for m, e in self._elastic.items()]
            self.transforms.extend(transform for transform in made if transform)
        self._kept: Kept = []
        self._memo = Memo()
        self._narrowed: list[Narrowed] = []
        self._mixture: (
            tuple[Mapping[str, Tensor], Mapping[str, Answer], Mapping[str, Sequence[int]]] | None
        ) = None
        self.network.register_forward_pre_hook(self._hold)
        self.network.register_forward_hook(self._release, always_call=True)
        self._activated = space.largest()
        self._check()
        for item in self._switches:
            item.varies = any(m in self._sized or m in self._measured for m in item.modules())
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

        They are those on which nothing hangs but which modules run: options, depths, and the inputs
        that are read through edges; not numbers such as widths.
        """
        return dict(self._mixable)

    @cached_property
    def _mixable(self) -> dict[str, int]:
        sizes = {e.text: len(i.edges) for i, e in self._turned() if isinstance(i, SwitchedEdges)}
        numbers = [e for elastic in self._elastic.values() for e in expressions(elastic)]
        mixed = [e for _, e in self._turned() if len(e.choices) > 1]
        picked = [item.expression for item in self._picked]
        fixed = {name for e in (*numbers, *mixed, *picked) for name in e.choices}
        found = {name for _, e in self._turned() for name in e.choices} - fixed
        choices = self.space.choices
        return {n: sizes.get(n, len(c.options)) for n, c in choices.items() if n in found}

    def edges(self, name: str) -> list[str | None]:
        """Of a choice of inputs, the choice whose options are the edge of each place.

        None for an edge that is no option.
        """
        first = next(
            item for item, e in self._turned() if isinstance(item, SwitchedEdges) and e.text == name
        )
        return [edge.selector.text if isinstance(edge, Switched) else None for edge in first.edges]

    def without_weights(self, name: str) -> list[bool]:
        """Of a choice of `one_of`, whether each option has nothing to learn, as a skip has."""
        first = next(item for item, e in self._turned() if e.text == name)
        assert isinstance(first, Switched)
        found = dict(zip(first.keys, first.ways, strict=True))
        return [
            not any(p.ndim > 1 for p in found[o].parameters())
            for o in self.space.choices[name].options
        ]

    def passes(self, name: str) -> list[bool]:
        """Of a choice of `one_of`, whether each option gives back what it is given."""
        found = [i for i, e in self._turned() if isinstance(i, Switched) and e.text == name]
        options = self.space.choices[name].options
        ways = [dict(zip(item.keys, item.ways, strict=True)) for item in found]
        return [any(isinstance(w[o], nn.Identity) for w in ways) for o in options]

    def without_gains(self, name: str) -> None:
        """Let normalisations in the options of a choice stay without a learned gain and shift.

        So an option cannot change its own weight, as in all searches by gradient since DARTS.
        """
        for item, expression in self._turned():
            if expression.text == name:
                for module in item.modules():
                    if isinstance(module, _NormBase):
                        module.requires_grad_(False)

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
                    f"which no number hangs, got {name!r}."
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
        odd = next((m for m in self._running if m in self._measured), None)
        if odd is not None:
            self._activate(self._activated)
            raise SpaceError(
                f"`{self.space.name}` cannot be mixed: only a plain network tells the size of its "
                f"{type(odd).__name__}; search it by trials, or by sampling shared weights."
            )
        self._mixture = (dict(weights), full, chosen)

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the active architecture computes of a batch: each input (b, *shape)."""
        out: Tensor = self.network(*inputs)
        return out

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
        places = [i for i, e in self._turned() if isinstance(i, Switched) and e.text in known]
        self._narrowed = []
        if parts > 1:
            seen = _passed(self, places)
            made = [narrowed(p, *seen[p], parts) for p in places if p in seen]
            self._narrowed = [each for each in made if each is not None]
        for each in self._narrowed:
            self._sized.update(each.layers)
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
            with torch.no_grad():
                for shared, own in self._pairs(plain):
                    inherit(shared, own)
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
        self._kept = hold(m for m in self._running if m in self._sized or m in self._measured)

    def _release(self, module: nn.Module, inputs: Any, outputs: Any) -> None:
        release(self._kept)
        self._kept = []
        self._memo.clear()

    def _turned(self) -> list[tuple[Switched | SwitchedEdges, Expression]]:
        """The modules that are turned by an answer, and what turns each."""
        return [(item, item.selector) for item in self._switches]

    # -- inside -----------------------------------------------------------------------------------

    def _activate(self, architecture: Architecture) -> None:
        answers = architecture.answers
        self._run_with(answers, {}, {})
        if not self._measured.isdisjoint(self._running):
            for shared, own in self._pairs(self._plain(answers)):
                if shared in self._measured:
                    adopt(shared, own)
        self._activated, self._mixture = architecture, None

    def _run_with(
        self,
        answers: Mapping[str, Answer],
        weights: Mapping[str, Tensor],
        running: Mapping[str, Sequence[int]],
    ) -> None:
        """Turn the switches, and give the layers that run then their sizes."""
        for item in (*self._switches, *self._picked):
            with suppress(KeyError):  # it depends on a choice that is not active
                item.activate(answers)
        for item, expression in self._turned() if weights else ():
            name = next(iter(expression.choices))
            if len(expression.choices) == 1 and name in weights:
                item.mix(weights[name], running.get(name, range(len(weights[name]))))
                rewritten = weights[name].device.type in self.rewrites
                item.memo = self._memo if rewritten else None
        self._running = list(_active(self.network, set()))
        for module in self._running:
            for key, value in self._elastic[module].items():
                vars(module)[key] = concrete(value, answers)
            if module in self._sized:
                cut(module)

    def _plain(self, answers: Mapping[str, Answer]) -> nn.Module:
        with torch.device("meta"):
            return self.space.build(Architecture(answers))

    def _pairs(self, plain: nn.Module) -> list[tuple[nn.Module, nn.Module]]:
        """The modules of the active architecture beside those of its plain network."""
        ours, theirs = list(_active(self.network, set())), list(_active(plain, set()))
        for shared, own in itertools.zip_longest(ours, theirs):
            if _kind(shared) != _kind(own):
                here, there = (type(m).__name__ if m else "nothing" for m in (shared, own))
                raise SpaceError(f"the plain network has {there} where the supernet has {here}")
        return list(zip(ours, theirs, strict=True))

    def _check(self) -> None:
        """Compare members with their plain networks; learn or refuse what depends on a choice.

        Raises:
            SpaceError: A member's plain network has other modules or computes something else.
        """
        space = self.space
        most = max((len(c.options) for c in space.choices.values()), default=1)
        rounds = min(most, _ROUNDS)
        rng = np.random.default_rng(0)
        members = [space.turn(i * most // rounds) for i in range(rounds)]
        members += [space.sample(rng) for _ in range(4 if most > 1 else 0)]
        for member in members:
            self._check_one(member, self._compare_modules)
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

    def _compare_modules(self, member: Architecture) -> None:
        self._activate(member)
        for shared, own in self._pairs(self._plain(member.answers)):
            if differ(shared, own):
                hook(shared)
                adopt(shared, own)
                self._measured.add(shared)
                self._sized.discard(shared)

    def _compare_outputs(self, member: Architecture) -> None:
        self._activate(member)
        plain = self.extract(member).eval()
        training = self.training
        tensors = self.space.example(np.random.default_rng(0))
        with torch.no_grad():
            try:
                ours, theirs = self.eval()(*tensors), plain(*tensors)
            except RuntimeError as error:
                raise SpaceError(f"the shared network fails: {str(error).rstrip('.')}") from error
            finally:
                self.train(training)
        if ours.shape != theirs.shape or not torch.allclose(ours, theirs, _NEAR, _NEAR):
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
