"""Network morphisms: a larger member computes what a smaller one does, then learns on.

Net2Net (Chen et al., arXiv:1511.05641). A layer is widened by copying channels, with batch
statistics, and dividing the weights that read them among the copies; the network is deepened by
blocks `x + f(x)` whose `f` ends in zeros (as Wei et al., arXiv:1603.01670, do for any layer); a
kernel grows by a rim of zeros. Two departures: channels are copied in turn instead of at random, so
that twice the width has each of them twice; and each weight is divided in unequal random shares,
which makes the copies learn different things without the noise that the paper adds.

It is for spaces of `convert`, where it is known which channels belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netwright.conversion.axes import Axis, Dimension
from netwright.conversion.declaration import Block, Converted, Run, Width
from netwright.errors import SpaceError
from netwright.space.architecture import Answer, Architecture
from netwright.space.derived import Optioned
from netwright.space.space import Space

_NEAR = 1e-5
_EVEN = {"norm", "mean"}  # what reads all channels, but the same of twice as many


def inherit(
    space: Space, parent: Architecture, network: nn.Module, child: Architecture
) -> nn.Module:
    """The network of `child`, at least as large as `parent`, that computes what `network` does.

    `network` is the trained network of `parent`. The new one is on its device and in its mode, and
    its outputs were compared on two random examples: they are equal within 1e-5.

    Raises:
        SpaceError: The space is not from a module; `child` is smaller or has another activation;
            or outputs would change, as a LayerNorm does for other than a multiple of its width.
    """
    morph = _Morph(_converted(space), space.architecture(parent.answers).answers, child.answers)
    morph.check()
    made = space.build(space.architecture(child.answers), seed=0)
    own = morph.by_first_name(network)
    with torch.no_grad():
        for name, tensor in [*made.named_parameters(), *made.named_buffers()]:
            first = morph.converted.aliases[name]
            if morph.is_new(first):
                if any(first in (block.last or ()) for block in morph.new):
                    tensor.zero_()
                continue
            tensor.copy_(morph.grown(first, _found(own, first, network)))
    device = next((t.device for t in own.values()), torch.device("cpu"))
    made = made.to(device).train(network.training)
    _compare(space, network, made, device)
    return made


def widen(
    space: Space, parent: Architecture, network: nn.Module, rng: np.random.Generator
) -> tuple[Architecture, nn.Module]:
    """A member with one width a step larger, drawn at random, and its network by `inherit`.

    Where all channels are normalised together, the step goes to the next multiple.

    Raises:
        SpaceError: No width can grow, or as `inherit` does.
    """
    ways: list[dict[str, Answer]] = []
    for width in _converted(space).widths.values():
        now = parent.answers.get(width.name)
        larger = [n for n in width.options if isinstance(now, int) and n > now]
        if isinstance(now, int) and width.axis.mixed:
            larger = [n for n in larger if n % now == 0 and width.axis.mixed <= _EVEN]
        ways += [{width.name: n} for n in larger[:1]]
    return _drawn(space, parent, network, ways, rng, "widen")


def deepen(
    space: Space, parent: Architecture, network: nn.Module, rng: np.random.Generator
) -> tuple[Architecture, nn.Module]:
    """A member with one more residual block, drawn at random, and its network by `inherit`.

    The block has the model's own widths and weights but for its last layer, which is zero.

    Raises:
        SpaceError: No block can be added, or as `inherit` does.
    """
    ways: list[dict[str, Answer]] = []
    for run in _converted(space).runs:
        kept = _count(run, parent.answers)
        if kept < len(run.blocks) and run.blocks[kept].last:
            ways.append({run.name: kept + 1 if len(run.blocks) > 1 else "keep"})
    return _drawn(space, parent, network, ways, rng, "deepen")


def _drawn(
    space: Space,
    parent: Architecture,
    network: nn.Module,
    ways: list[dict[str, Answer]],
    rng: np.random.Generator,
    call: str,
) -> tuple[Architecture, nn.Module]:
    if not ways:
        raise SpaceError(
            f"`{call}(space, parent, ...)` must be given a member that can grow, got one that "
            f"cannot: {parent!r}."
        )
    own = {choice.name: choice.options[-1] for choice in space.choices.values()}
    way = ways[int(rng.integers(len(ways)))]
    child = space.architecture({**own, **parent.answers, **way})
    return child, inherit(space, parent, network, child)


@dataclass(frozen=True)
class _Morph:
    """The way from the answers of one member to those of a larger one."""

    converted: Converted
    parent: Mapping[str, Answer]
    child: Mapping[str, Answer]

    @property
    def new(self) -> list[Block]:
        """The blocks that only the child has."""
        return [
            block
            for run in self.converted.runs
            for block in run.blocks[_count(run, self.parent) : _count(run, self.child)]
        ]

    def is_new(self, name: str) -> bool:
        """Whether a tensor is in blocks alone that only the child has; `name` is its first."""
        names = [each for each, first in self.converted.aliases.items() if first == name]
        within = [any(each.startswith(f"{b.path}.") for b in self.new) for each in names]
        return all(within)

    def by_first_name(self, network: nn.Module) -> dict[str, Tensor]:
        """The tensors of a member by the first names that they have in the model."""
        every = [
            *network.named_parameters(remove_duplicate=False),
            *network.named_buffers(remove_duplicate=False),
        ]
        return {self.converted.aliases.get(name, name): tensor for name, tensor in every}

    def check(self) -> None:
        """Refuse a child that cannot compute what its parent does."""
        for run in self.converted.runs:
            if _count(run, self.child) < _count(run, self.parent):
                raise _refused(f"keep the blocks of the parent, got fewer of {run.name!r}")
        for block in self.new:
            if block.last is None:
                raise _refused(
                    f"not add {block.path!r}, whose branch ends in no layer with weights"
                )
        for width in self.converted.widths.values():
            before, after = self._numbers(width)
            uneven = after % before != 0 or not width.axis.mixed <= _EVEN
            if after < before:
                raise _refused(f"be at least as wide, got {after} < {before} for {width.name!r}")
            if after > before and width.axis.mixed and uneven:
                raise _refused(
                    f"have a multiple of {before} for {width.name!r}, got {after}, since "
                    f"{', '.join(sorted(width.axis.mixed))} reads all of its channels at once"
                )
        for name in self.parent.keys() & self.child.keys():
            before_, after_ = self.parent[name], self.child[name]
            if name.startswith("activation.") and before_ != after_:
                raise _refused(f"keep the answer {before_!r} to {name!r}, got {after_!r}")
            if isinstance(before_, int) and isinstance(after_, int) and after_ < before_:
                raise _refused(f"be at least as large, got {after_} < {before_} for {name!r}")

    def _numbers(self, width: Width) -> tuple[int, int]:
        before, after = (
            answers.get(width.name, width.axis.size) for answers in (self.parent, self.child)
        )
        if width.name not in self.parent:  # in new blocks only
            before = after
        assert isinstance(before, int) and isinstance(after, int)
        return before, after

    def grown(self, name: str, tensor: Tensor) -> Tensor:
        """The child's tensor from the parent's."""
        sources = {w.axis: (w, *self._numbers(w)) for w in self.converted.widths.values()}
        for place, dim in enumerate(self.converted.dims[name]):
            changed = {part.axis: sources.get(part.axis, (None, 0, 0))[1:] for part in dim}
            if all(before == after for before, after in changed.values()):
                continue
            old, index = tensor.shape[place], _index(dim, sources).to(tensor.device)
            tensor = tensor.index_select(place, index)
            if place in self.converted.summed[name]:
                tensor = tensor * _shares(tensor, place, index, old)
        path, _, kind = name.rpartition(".")
        after = self.child.get(f"{path}.kernel")
        if kind == "weight" and isinstance(after, int):
            rim = (after - tensor.shape[-1]) // 2
            tensor = F.pad(tensor, [rim] * 2 * (tensor.ndim - 2))
        return tensor


def _index(dim: Dimension, sources: Mapping[Axis, tuple[Width, int, int]]) -> Tensor:
    """For each place of the child's dimension the place in the parent's that it copies."""
    found, start = [], 0
    for part in dim:
        if part.axis in sources:
            width, before, after = sources[part.axis]
            copied = _copied(width, before, after)[: after // part.local]
        else:
            before = part.axis.size
            copied = torch.arange(before // part.local)
        offsets = torch.arange(part.repeat)
        found.append(start + (copied[:, None] * part.repeat + offsets).flatten())
        start += before // part.local * part.repeat
    return torch.cat(found)


def _copied(width: Width, before: int, after: int) -> Tensor:
    """For each channel of the child the parent's channel: its own, or one in turn if it is new."""
    groups = width.axis.groups
    few, many = before // groups, after // groups
    place = {int(c): i for i, c in enumerate(width.order[:few].sort().values)}
    new = iter(range(many - few))
    own = width.order[:many].sort().values
    each = torch.tensor([place[int(c)] if int(c) in place else next(new) % few for c in own])
    return (torch.arange(groups)[:, None] * few + each).flatten()


def _shares(tensor: Tensor, place: int, index: Tensor, before: int) -> Tensor:
    """Random shares for each weight, of all copies of a channel together 1."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.rand(tensor.shape, generator=generator, dtype=torch.float32) + 0.5
    drawn = drawn.to(tensor)
    sizes = list(tensor.shape)
    sizes[place] = before
    sums = tensor.new_zeros(sizes).index_add(place, index, drawn)
    return drawn / sums.index_select(place, index)


def _count(run: Run, answers: Mapping[str, Answer]) -> int:
    """How many blocks of a run are kept."""
    answer = answers[run.name]
    return int(answer == "keep") if isinstance(answer, str) else int(answer or 0)  # type: ignore[arg-type]


def _converted(space: Space) -> Converted:
    network = space.network
    while isinstance(network, Optioned):
        network = network.declared
    if not isinstance(network, Converted):
        raise SpaceError(
            "A morphism needs a space of `convert`, where it is known which channels "
            f"belong together, got {space.name!r}; make a space out of the parent's network with "
            "`convert(network, example_input)`."
        )
    return network


def _refused(rule: str) -> SpaceError:
    return SpaceError(
        f"`inherit(space, parent, network, child)` must be given a child that computes what its "
        f"parent does: it must {rule}; train it from the weights that `Space.build` gives."
    )


def _found(own: Mapping[str, Tensor], name: str, network: nn.Module) -> Tensor:
    if name not in own:
        raise SpaceError(
            "`inherit(space, parent, network, child)` must be given the network of `parent`, got "
            f"a {type(network).__name__} without {name!r}."
        )
    return own[name].detach()


def _compare(space: Space, network: nn.Module, made: nn.Module, device: torch.device) -> None:
    tensors = [x.to(device) for x in space.example(np.random.default_rng(0))]
    modes = [(module, module.training) for each in (network, made) for module in each.modules()]
    try:
        with torch.no_grad():
            theirs, ours = network.eval()(*tensors), made.eval()(*tensors)
    finally:
        _restore(modes)
    if not torch.allclose(ours, theirs, rtol=_NEAR, atol=_NEAR):
        far = float((ours - theirs).abs().max())
        raise _refused(f"not change the outputs, which it does by {far:.1e}")


def _restore(modes: Iterable[tuple[nn.Module, bool]]) -> None:
    for module, training in modes:
        module.training = training
