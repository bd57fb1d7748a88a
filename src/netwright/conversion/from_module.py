"""A space out of a trained model: what of it can be searched, and why the rest is kept.

`convert` traces the model (`couple.py`), finds its residual blocks (`residual.py`) and
makes a declaration that cuts copies of it (`declaration.py`). Then members are built and run; a
choice whose members fail, since code of the model counts on a size, is kept as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from netwright.conversion.axes import Axis, Dimension, resolved
from netwright.conversion.couple import Coupling, couple, first_names
from netwright.conversion.declaration import ACTIVATIONS, Block, Converted, Run, Scope, Width
from netwright.conversion.residual import find_blocks, find_runs
from netwright.conversion.sizes import NORMS
from netwright.conversion.tryout import failing
from netwright.conversion.wanted import Wanted
from netwright.space.declaration import Recipe
from netwright.space.space import Space

_SEARCHED = (nn.Conv1d, nn.Conv2d, nn.Linear)
_FOLLOWING = (*NORMS, nn.PReLU)
_OTHERS: Mapping[str, type[nn.Module]] = {
    "relu6": nn.ReLU6,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "mish": nn.Mish,
}


class Kept(NamedTuple):
    """Something of a model that is not searched, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def convert(
    model: nn.Module,
    example_input: Tensor,
    include: Sequence[str | type[nn.Module]] | None = None,
    exclude: Sequence[str | type[nn.Module]] | None = None,
    *,
    widths: Sequence[float] = (0.25, 0.5, 0.75),
    depths: bool = True,
    kernels: bool = True,
    activations: bool = True,
    recipe: Recipe | None = None,
    name: str | None = None,
    tokens: int | None = None,
) -> Space:
    """The space of all smaller networks within a trained model, which inherit its weights.

    `example_input` is a batch (b, *inputs), of ids if `tokens` says how many there are; the
    model gives one tensor (b, outputs). It is traced, and what can vary becomes a choice, with the
    model's own answer as the last option, so that `largest()` builds the model itself:

    - *widths* of Conv1d, Conv2d and Linear, `widths` being the fractions offered. Channels that
      are added, multiplied or passed on have one choice, named after the first of their layers.
      The channels with the largest L1 norm of weights are kept.
    - *depths*: a residual block `x + f(x)` may be dropped; of equal ones in a row the first
      ones are kept.
    - *kernels* of odd size with half of it as padding: from 3 up, the centre of the weights.
    - *activations*: one choice for all of a kind.

    `include` and `exclude` are patterns of qualified names (`"layer4.*"`) or classes of
    modules; they hold for all that is inside. What is kept as it is, is listed in `kept` with
    the reason. Members are copies of the model, of its classes and with its code.

    Raises:
        SettingError: A setting is of another kind or range.
        SpaceError: The model cannot be traced, or gives other than logits.
    """
    wanted = Wanted(include, exclude, tuple(widths), depths, kernels, activations)
    wanted.check(model, example_input, tokens)
    model = copy.deepcopy(model).to("cpu")
    example = torch.cat([example_input.detach().cpu()[:1]] * 2)
    conversion = _Conversion(model, couple(model, example), wanted, tokens)
    inputs, outputs = tuple(example.shape[1:]), conversion.coupling.outputs
    while True:
        converted = conversion.converted()
        failed = failing(converted, example, inputs, outputs)
        if failed is None:
            break
        conversion.fixed[failed[0]] = f"members with less of it fail{failed[1]}"
    space = Space(converted, inputs, outputs, recipe=recipe, name=name, tokens=tokens)
    space.kept = tuple(conversion.kept)
    return space


@dataclass
class _Conversion:
    """A model while it is looked at: `fixed` are choices found to fail, `kept` all that is kept."""

    model: nn.Module
    coupling: Coupling
    wanted: Wanted
    tokens: int | None
    fixed: dict[str, str] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first = first_names(self.model)
        self.modules = dict(self.model.named_modules(remove_duplicate=False))
        self.names: dict[str, list[str]] = {}  # of each tensor, by the first of them
        for name, first in self.first.items():
            self.names.setdefault(first, []).append(name)

    def converted(self) -> Converted:
        """The declaration with all choices that are not fixed."""
        self.kept = []
        tensors = self.coupling.tensors
        dims = {n: [resolved(dim) for dim in t.dims] for n, t in tensors.items()}
        made = Converted(self.model, dims, self.first, self.tokens)
        made.summed = {name: tensor.summed for name, tensor in tensors.items()}
        made.runs = self._runs()
        made.scopes |= {block.path: Scope() for run in made.runs for block in run.blocks}
        for width in self._widths(dims):
            homes = [n for n, own in dims.items() if any(_has(d, width.axis) for d in own)]
            names = [name for home in homes for name in self.names[home]]
            scopes = dict.fromkeys(self._scope(made, name) for name in names)
            for scope in [""] if "" in scopes else scopes:
                made.scopes[scope].widths.append(width)
        for path, options in self._kernels():
            self._scope_of_module(made, path).kernels[path] = options
        for path, kind in self._activations():
            self._scope_of_module(made, path).activations[path] = kind
        order = {path: place for place, (path, _) in enumerate(self.model.named_modules())}
        self.kept.sort(key=lambda kept: order.get(kept.name, 0))
        return made

    def _keep(self, path: str, what: str, reason: str) -> None:
        self.kept.append(Kept(path, f"{what}: {reason}"))

    def _scope(self, made: Converted, name: str) -> str:
        """The block that a module or tensor is in by one of its names, '' for the root."""
        blocks = {self.modules[path]: path for path in made.scopes if path}
        parts = name.split(".")
        around = (self.modules.get(".".join(parts[:end])) for end in range(1, len(parts)))
        return next((blocks[each] for each in around if each in blocks), "")

    def _scope_of_module(self, made: Converted, path: str) -> Scope:
        """Where the questions of a module are asked: at the root if several places have it."""
        scopes = {self._scope(made, name) for name in self._paths(path)}
        return made.scopes[scopes.pop() if len(scopes) == 1 else ""]

    def _paths(self, path: str) -> list[str]:
        """All paths of a module."""
        return [name for name, each in self.modules.items() if each is self.modules[path]]

    # -- depths -----------------------------------------------------------------------------------

    def _runs(self) -> list[Run]:
        blocks, refused = find_blocks(self.model, self.coupling.evaluated)
        if not self.wanted.depths:
            return []
        for path, reason in refused.items():
            self._keep(path, "depth", reason)
        open_ = []
        for block in blocks:
            excluded = self.wanted.refusal(self.model, block.path)
            if excluded:
                self._keep(block.path, "depth", excluded)
            else:
                open_.append(block)
        made = []
        for row in find_runs(self.model, open_):
            first = row[0].path
            kept = tuple(Block(each.path, each.last) for each in row)
            run = Run(f"{first}.depth" if len(row) > 1 else f"{first}.block", kept)
            if run.name not in self.fixed:
                made.append(run)
                continue
            for block in row:
                self._keep(block.path, "depth", self.fixed[run.name])
        return made

    # -- widths -----------------------------------------------------------------------------------

    def _widths(self, dims: Mapping[str, Sequence[Dimension]]) -> list[Width]:
        layers: dict[Axis, list[str]] = {}
        for path, layer in self.model.named_modules():
            if isinstance(layer, _SEARCHED) and f"{path}.weight" in self.first:
                for part in dims[self.first[f"{path}.weight"]][0]:
                    layers.setdefault(part.axis, []).append(path)
        made, refused = {}, {}
        for axis, paths in layers.items():
            found = self._width(axis, paths, dims)
            if isinstance(found, Width):
                made[axis] = found
            else:
                refused[axis] = found
        self._list_kept(dims, made, refused)
        return list(made.values())

    def _width(
        self,
        axis: Axis,
        paths: list[str],
        dims: Mapping[str, Sequence[Dimension]],
    ) -> Width | str:
        """The choice of an axis, or why there is none."""
        if axis.reason:
            return axis.reason
        name = f"{paths[0]}.width"
        if name in self.fixed:
            return self.fixed[name]
        if not self.wanted.widths:
            return "no widths are wanted"
        for path in paths:
            reason = self.wanted.refusal(self.model, path)
            if reason:
                return reason if len(paths) == 1 else f"coupled with {path}, which is {reason}"
        unused = [self.coupling.unused(self.first[f"{path}.weight"]) for path in paths]
        if all(unused):
            return unused[0] or ""
        shares = axis.size // axis.groups
        options = {max(1, round(shares * part)) * axis.groups for part in self.wanted.widths}
        if options <= {axis.size}:
            return f"{axis.size} channels in {axis.groups} groups cannot be fewer"
        order = self._order(axis, paths, dims)
        return Width(name, axis, tuple(sorted({*options, axis.size})), order, tuple(paths))

    def _order(
        self, axis: Axis, paths: list[str], dims: Mapping[str, Sequence[Dimension]]
    ) -> Tensor:
        """The channels of each of the axis's blocks, those with the largest L1 norm first."""
        norm = torch.zeros(axis.size)
        for path in dict.fromkeys(paths):
            rows = self.model.get_parameter(f"{path}.weight").detach().abs().flatten(1).sum(1)
            start = 0
            for part in dims[self.first[f"{path}.weight"]][0]:
                if part.axis is axis:
                    own = rows[start : start + part.size].float()
                    norm += own.view(axis.size, part.repeat).sum(1)
                start += part.size
        return norm.view(axis.groups, -1).sum(0).argsort(descending=True, stable=True)

    def _list_kept(
        self,
        dims: Mapping[str, Sequence[Dimension]],
        made: Mapping[Axis, Width],
        refused: Mapping[Axis, str],
    ) -> None:
        for path, layer in self.model.named_modules():
            own = [f"{path}.{n}" if path else n for n, _ in layer.named_parameters(recurse=False)]
            if not own or isinstance(layer, _FOLLOWING):
                continue
            sizes = [dim for name in own for dim in dims[self.first[name]]]
            searched = isinstance(layer, _SEARCHED) and f"{path}.weight" in self.first
            axes = [part.axis for dim in (sizes[:1] if searched else sizes) for part in dim]
            if not searched and any(axis in made for axis in axes):
                continue
            reasons = [why for axis in axes if (why := refused.get(axis) or axis.reason)]
            if reasons or not searched:
                other = f"the sizes of {type(layer).__name__} are not searched"
                self._keep(path or own[0], "width", [other, *reasons][-1])

    # -- kernels and activations ------------------------------------------------------------------

    def _kernels(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for path, layer in self.model.named_modules():
            if not self.wanted.kernels or not isinstance(layer, _ConvNd):
                continue
            size = max(layer.kernel_size)
            if size < 4:
                continue
            reason = self.wanted.refusal(self.model, path) or self.fixed.get(f"{path}.kernel")
            reason = reason or self.coupling.unused(path) or _kernel_refusal(layer)
            reason = reason or self._tied(path)
            if reason:
                self._keep(path, "kernel", reason)
            else:
                yield path, tuple(range(3, size + 1, 2))

    def _activations(self) -> Iterator[tuple[str, str]]:
        if not self.wanted.activations:
            return
        for path, layer in self.model.named_modules():
            kinds = {cls: kind for kind, cls in {**ACTIVATIONS, **_OTHERS}.items()}
            if type(layer) not in kinds or not path:
                continue
            kind = kinds[type(layer)]
            reason = self.wanted.refusal(self.model, path) or self.fixed.get(f"activation.{kind}")
            reason = reason or self.coupling.unused(path)
            if reason:
                self._keep(path, "activation", reason)
            else:
                yield path, kind

    def _tied(self, path: str) -> str | None:
        """Why a convolution keeps its kernel, if its weights are those of another layer too."""
        names = self.names[self.first[f"{path}.weight"]]
        owners = {self.modules[name.rpartition(".")[0]]: name for name in names}
        owners.pop(self.modules[path])
        return next((f"its weights are also {name}" for name in owners.values()), None)


def _kernel_refusal(layer: _ConvNd) -> str | None:
    size = layer.kernel_size[0]
    if not isinstance(layer, nn.Conv1d | nn.Conv2d):
        return f"kernels of {type(layer).__name__} are not searched"
    if {*layer.kernel_size} != {size} or size % 2 == 0:
        return f"{layer.kernel_size} is not odd and square"
    if {*layer.dilation} != {1} or layer.padding_mode != "zeros":
        return "its convolution is dilated or pads with other than zeros"
    if layer.padding != "same" and {*layer.padding} != {size // 2}:
        return f"its padding is {layer.padding}, not half of the kernel"
    return None


def _has(dim: Dimension, axis: Axis) -> bool:
    return any(part.axis is axis for part in dim)
