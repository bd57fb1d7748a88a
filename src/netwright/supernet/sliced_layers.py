"""A layer of a supernet that runs with part of its tensors.

Such a layer is an ordinary one with two hooks: before it runs, the parts that the active
architecture uses are put in the place of its tensors, after it they are taken out again. So its
own code computes with them, and gradients flow back to the tensors they are parts of. While the
whole network runs, the parts of all layers are in their places from its start to its end; the hooks
of single layers are for what runs again later, as under gradient checkpointing.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from netwright.errors import SpaceError
from netwright.supernet.elastic import ELASTIC
from netwright.supernet.slicing import Centre, Cut, Size, cuts, sizes_of, taken

_CUTS = "_netwright_cuts"  # the attribute that says which part of each tensor is used
_KERNELS = "_netwright_kernels"  # how a smaller kernel is made, if not by cutting alone
_KEPT = "_netwright_kept"  # while it runs: what is put back at its end
_HELD = "_netwright_held"  # while the whole network runs: that the parts are in their places
Kept = list[tuple[dict[str, Any], str, Any]]
"""What was replaced: where, under what name, and what it was."""


def hook(layer: nn.Module) -> None:
    """Let a layer run with the part that `cut` or `adopt` say."""
    if not is_hooked(layer):
        vars(layer)[_CUTS] = {}
        layer.register_forward_pre_hook(_begin)
        layer.register_forward_hook(_end, always_call=True)


def is_hooked(layer: nn.Module) -> bool:
    """Whether `hook` was called."""
    return _CUTS in vars(layer)


def cut(layer: nn.Module) -> None:
    """Use the part that the layer's present attributes say."""
    sizes = sizes_of(layer)
    assert sizes is not None
    vars(layer)[_CUTS] = cuts(layer, sizes)


def used(layer: nn.Module, name: str) -> Tensor:
    """The part of a tensor that is used now."""
    whole: Tensor = getattr(layer, name)
    where: Cut | None = vars(layer).get(_CUTS, {}).get(name)
    if where is None:
        return whole
    kernels: KernelTransform | None = vars(layer).get(_KERNELS)
    if kernels is not None and name == "weight":
        made: Tensor = kernels(taken(whole, where[:2]), layer.kernel_size)
        return made
    return taken(whole, where)


def differ(shared: nn.Module, own: nn.Module) -> bool:
    """Whether a shared module is now other than the plain one, in a setting or a size."""
    mine = vars(shared)
    public = {key: value for key, value in _settings(own).items() if not key.startswith("_")}
    if any(key in mine and mine[key] != value for key, value in public.items()):
        return True
    with torch.no_grad():
        return any(
            getattr(shared, name, None) is None or tuple(used(shared, name).shape) != size
            for name, size in _sizes(own).items()
        )


def adopt(shared: nn.Module, own: nn.Module) -> None:
    """Give a shared module the settings and sizes of the plain one.

    Raises:
        SpaceError: The plain one has a tensor that is no part of the shared one's.
    """
    for name, size in _sizes(own).items():
        whole = getattr(shared, name, None)
        if whole is None or whole.ndim != len(size) or any(map(int.__lt__, whole.shape, size)):
            raise SpaceError(
                f"the plain network has a {type(own).__name__}.{name} of shape {size}, which is no "
                f"part of the supernet's {None if whole is None else tuple(whole.shape)}"
            )
    vars(shared).update(_settings(own))
    sizes: Mapping[str, Sequence[Size]] | None = sizes_of(own)
    vars(shared)[_CUTS] = cuts(shared, _sizes(own) if sizes is None else sizes)


def inherit(shared: nn.Module, own: nn.Module) -> None:
    """Copy the used part of every tensor into the plain module."""
    for home in (own._parameters, own._buffers):
        for name, tensor in home.items():
            if tensor is not None:
                tensor.copy_(used(shared, name))


class KernelTransform(nn.Module):
    """Makes a smaller kernel from the centre of the next larger one, by a learned matrix.

    For every size but the largest there is one matrix for all channels, the identity at first, as
    in once-for-all (Cai et al., arXiv:1908.09791, section 3.3).
    """

    def __init__(self, sizes: Sequence[tuple[int, ...]]) -> None:
        super().__init__()
        self.sizes = sorted(sizes, reverse=True)
        self.matrices = nn.ParameterList(
            nn.Parameter(torch.eye(math.prod(size))) for size in self.sizes[1:]
        )

    def forward(self, weight: Tensor, wanted: tuple[int, ...]) -> Tensor:
        """(o, i, *kernel) to (o, i, *wanted)."""
        for size, matrix in zip(self.sizes[1:], self.matrices, strict=True):
            if wanted > size:
                break
            centre = tuple(
                Centre(n).cut(whole) for n, whole in zip(size, weight.shape[2:], strict=True)
            )
            weight = taken(weight, (slice(None), slice(None), *centre))
            weight = (weight.flatten(2) @ matrix).view(*weight.shape[:2], *size)
        return weight


def kernel_transform(layer: nn.Module, elastic_size: object) -> KernelTransform | None:
    """The transform of a convolution whose kernel is elastic; None for any other layer."""
    if not isinstance(layer, _ConvNd) or not isinstance(elastic_size, tuple):
        return None
    texts = {e.expression.text if isinstance(e, ELASTIC) else None for e in elastic_size}
    if len(texts) > 1 or None in texts:
        return None
    sizes = [(size,) * len(elastic_size) for size in elastic_size[0].expression.possible]
    made = KernelTransform(sizes)
    vars(layer)[_KERNELS] = made
    return made


def hold(layers: Iterable[nn.Module]) -> Kept:
    """Put the used parts in the place of the tensors of many layers, until `release`.

    So that also code that reads a layer's weights without calling it reads the part.
    """
    kept: Kept = []
    for layer in layers:
        kept += _replaced(layer)
        kept.append((vars(layer), _HELD, vars(layer).get(_HELD, False)))
        vars(layer)[_HELD] = True
    return kept


def release(kept: Kept) -> None:
    """Put everything back where `hold` took it from."""
    for home, name, value in reversed(kept):
        home[name] = value


def hooks_alone(layer: nn.Module) -> bool:
    """Whether the hooks of a layer are those of `hook`, or none."""
    hooks = (*layer._forward_pre_hooks.values(), *layer._forward_hooks.values())
    return set(hooks) <= {_begin, _end} and not layer._backward_hooks


def now(layer: nn.Module, name: str) -> Tensor:
    """The part of a tensor that is used now, also while the whole network runs."""
    if vars(layer).get(_HELD):
        held: Tensor = getattr(layer, name)
        return held
    return used(layer, name)


def _begin(module: nn.Module, inputs: Any) -> None:
    if not vars(module).get(_HELD):
        kept = [each for layer in (module, *_read_directly(module)) for each in _replaced(layer)]
        vars(module)[_KEPT] = kept


def _end(module: nn.Module, inputs: Any, outputs: Any) -> None:
    release(vars(module).pop(_KEPT, []))


def _replaced(layer: nn.Module) -> Kept:
    """What was in the places of the parts that are put there."""
    kept: Kept = []
    for name in vars(layer).get(_CUTS, {}):
        home: dict[str, Any] = layer._parameters if name in layer._parameters else layer._buffers
        kept.append((home, name, home[name]))
        home[name] = used(layer, name)
    return kept + (_flatten(layer) if isinstance(layer, nn.RNNBase) else [])


def _flatten(module: nn.RNNBase) -> Kept:
    """Let a recurrent layer, which keeps a flat list of its tensors, list those of its layers."""
    runs = module.num_layers * (2 if module.bidirectional else 1)
    names = [name for names in module._all_weights[:runs] for name in names]
    tensors = [getattr(module, name) for name in names]
    flat = {
        "_flat_weights_names": names,
        "_flat_weights": tensors,
        "_flat_weight_refs": [weakref.ref(tensor) for tensor in tensors],
    }
    home = vars(module)
    kept = [(home, key, home[key]) for key in flat if key in home]
    home.update(flat)
    return kept


def _read_directly(module: nn.Module) -> list[nn.Module]:
    """Layers inside of one whose weights it reads without calling them."""
    return [module.out_proj] if isinstance(module, nn.MultiheadAttention) else []


def _settings(module: nn.Module) -> dict[str, Any]:
    """The attributes of a module that are plain values."""
    return {k: value for k, value in vars(module).items() if k != "training" and _plain(value)}


def _plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int | float)


def _sizes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    named = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    return {name: tuple(tensor.shape) for name, tensor in named}
