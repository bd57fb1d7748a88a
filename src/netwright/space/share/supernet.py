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
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin

from netwright.errors import NetwrightError, SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.share.elastic import ELASTIC, Answers, expression_of
from netwright.space.share.part import (
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
from netwright.space.share.shared import Gathered, Pass, Picked, Switched
from netwright.space.share.sharing import Sharing
from netwright.space.share.slicing import is_known

if TYPE_CHECKING:
    from netwright.space.space import Space

_ROUNDS = 16  # members whose modules are compared when a supernet is made
_COMPUTED = 3  # members whose outputs are
_NEAR = 1e-4
_SILENT = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.Identity, Pass)  # not compared


class Supernet(nn.Module):
    """All networks of a space in one; `Space.supernet` makes it.

    `network` is the shared network. An architecture is always active: the one with the last option
    of every choice, until `activate` is called. With `transform_kernels` a smaller kernel is made
    from the larger one by learned matrices (see `KernelTransform`), without by its centre alone.

    Raises:
        SpaceError: The declaration has something that cannot be shared; names the choice.
    """

    def __init__(self, space: Space, *, transform_kernels: bool = False) -> None:
        super().__init__()
        self.space = space
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
        self._switches = [m for m in self.modules() if isinstance(m, Switched | Gathered)]
        self._picked: list[Picked] = sharing.picked
        self._elastic = {
            module: {key: value for key, value in vars(module).items() if _is_elastic(value)}
            for module in self.network.modules()
        }
        self._sized = {m for m, elastic in self._elastic.items() if elastic and is_known(m)}
        self._running: list[nn.Module] = []
        self._measured: set[nn.Module] = set()  # those whose sizes only the plain network tells
        for module in self._sized:
            hook(module)
        self.transforms = nn.ModuleList()
        if transform_kernels:
            made = [kernel_transform(m, e.get("kernel_size")) for m, e in self._elastic.items()]
            self.transforms.extend(transform for transform in made if transform)
        self._kept: Kept = []
        self.network.register_forward_pre_hook(self._hold)
        self.network.register_forward_hook(self._release, always_call=True)
        self._activated = space.largest()
        self._check()
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

    def mix(self, weights: Mapping[str, Tensor]) -> None:
        """Let all options of some `one_of` choices run, their outputs summed by these weights.

        `weights` has for each choice a vector of one weight for each option, in their order. It
        holds until the next `activate`.

        Raises:
            SpaceError: A name that is no `one_of` choice with options that are modules, or a vector
                of another length.
        """
        for name, vector in weights.items():
            found = [switch for switch in self._mixable() if switch.selector.text == name]
            if not found:
                raise SpaceError(
                    f"`Supernet.mix(weights)` must name choices whose options are modules, "
                    f"got {name!r}."
                )
            for switch in found:
                if vector.shape != (len(switch.keys),):
                    raise SpaceError(
                        f"`Supernet.mix(weights)` must have {len(switch.keys)} weights for "
                        f"{name!r}, got a tensor of shape {tuple(vector.shape)}."
                    )
                switch.mixture = vector

    def forward(self, x: Tensor) -> Tensor:
        """What the active architecture computes of a batch (b, *inputs): logits (b, classes)."""
        out: Tensor = self.network(x)
        return out

    def extract(self, architecture: Architecture) -> nn.Module:
        """The plain network of an architecture, with a copy of its part of the weights.

        The network is on the supernet's device and in its mode (train or eval).
        """
        member = self.space.architecture(architecture.answers)
        active, mixtures = self._activated, {s: s.mixture for s in self._mixable()}
        plain = self.space.build(member, seed=0)
        try:
            self._activate(member)
            with torch.no_grad():
                for shared, own in self._pairs(plain):
                    inherit(shared, own)
        finally:
            self._activate(active)
            for switch, mixture in mixtures.items():
                switch.mixture = mixture
        device = next(itertools.chain(self.parameters(), self.buffers()), torch.empty(0)).device
        return plain.to(device).train(self.training)

    def _hold(self, module: nn.Module, inputs: Any) -> None:
        self._kept = hold(m for m in self._running if m in self._sized or m in self._measured)

    def _release(self, module: nn.Module, inputs: Any, outputs: Any) -> None:
        release(self._kept)
        self._kept = []

    def _mixable(self) -> list[Switched]:
        return [switch for switch in self._switches if isinstance(switch, Switched)]

    # -- inside -----------------------------------------------------------------------------------

    def _activate(self, architecture: Architecture) -> None:
        answers = architecture.answers
        for item in (*self._switches, *self._picked):
            with suppress(KeyError):  # it hangs on a choice that is not active
                item.activate(answers)
        self._running = list(_active(self.network, set()))
        for module in self._running:
            for key, value in self._elastic[module].items():
                vars(module)[key] = _concrete(value, answers)
            if module in self._sized:
                cut(module)
        if not self._measured.isdisjoint(self._running):
            for shared, own in self._pairs(self._plain(answers)):
                if shared in self._measured:
                    adopt(shared, own)
        self._activated = architecture

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
        """Compare members with their plain networks; what hangs on a choice is learned or refused.

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
        x = self.space.example(np.random.default_rng(0))
        with torch.no_grad():
            try:
                ours, theirs = self.eval()(x), plain(x)
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
    if isinstance(module, Switched):
        children = [module.ways[module.active]]
    elif isinstance(module, Gathered):
        children = module.active()
    elif not isinstance(module, _SILENT):
        yield module
    for child in children:
        yield from _active(child, seen)


def _is_elastic(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_elastic, value))
    if isinstance(value, dict):
        return any(map(_is_elastic, value.values()))
    return isinstance(value, ELASTIC)


def _concrete(value: Any, answers: Answers) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_concrete(each, answers) for each in value)
    if isinstance(value, dict):
        return {key: _concrete(each, answers) for key, each in value.items()}
    return expression_of(value).of(answers) if isinstance(value, ELASTIC) else value
