"""A network as a tree of parts: what its source has to say of each module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor, nn

from netwright.errors import ExportError
from netwright.export.source.constructors import Argument, arguments, is_torch
from netwright.export.source.forward import Forward, forward_of

_CONSTANT = 64  # elements of a constant tensor that is written out

LITERAL = ""  # the keyword of a number that stands in the forward


class Number(NamedTuple):
    """A number in the source of a part: its keyword, and where it goes on below.

    `owner` is the part of a user's class below it takes it, with the child's name and the place
    among that part's own numbers; None if the number is in this part's class.
    """

    keyword: str
    value: Any
    owner: tuple[str, Part, int] | None = None


class Own(NamedTuple):
    """A tensor that is the module's own."""

    kind: str  # parameter, buffer, constant
    name: str
    value: Tensor


@dataclass
class Part:
    """A module as its constructor's text will have it.

    `numbers` are those of all arguments below, in order; `shape` is all else, equal for parts
    whose source can be one class.
    """

    module: nn.Module
    path: str
    own: bool = False  # a class of the user's, to be written
    base: str = ""  # the class of torch.nn it extends or is: Module, Sequential, Conv2d, ...
    dtype: str = ""  # of the tensors of one of torch's layers, where that is not float32
    arguments: list[Argument] = field(default_factory=list)
    tensors: list[Own] = field(default_factory=list)
    children: list[tuple[str, Part]] = field(default_factory=list)
    aliases: list[tuple[str, str]] = field(default_factory=list)
    forward: Forward = field(default_factory=Forward)
    numbers: list[Number] = field(default_factory=list)
    shape: str = ""

    def walk(self) -> Iterator[Part]:
        """This part after all below it."""
        for _, child in self.children:
            yield from child.walk()
        yield self


def part_of(module: nn.Module, path: str = "", *, root: bool = True) -> Part:
    """The tree of parts of a network.

    Raises:
        ExportError: A module cannot be written as source.
    """
    base = _base(module)
    plain = type(module) is getattr(nn, base, None)
    part = Part(module, path, own=root or not plain, base=base)
    if is_torch(module) and not is_container(module):
        part.arguments, part.dtype = arguments(module, path), _dtype(module)
    else:
        if not (plain and is_container(module)):
            if type(module).forward not in (nn.Sequential.forward, nn.Module.forward):
                part.forward = forward_of(module, path, _reach(module))
            part.tensors = list(_tensors(module, path))
        _add_children(part)
    part.numbers = _numbers(part)
    part.shape = _shape(part)
    return part


def is_container(module: nn.Module) -> bool:
    """Whether a module's children are its elements."""
    return isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)


def is_number(value: Any) -> bool:
    """Whether a value is a number or a tuple of numbers, which may become a parameter."""
    if isinstance(value, tuple):
        return bool(value) and all(is_number(v) for v in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def place(module: nn.Module, path: str) -> str:
    """A child or tensor as an expression: "blocks.0.conv" is `self.blocks[0].conv`."""
    made, at = "self", module
    for word in path.split("."):
        if isinstance(at, nn.Sequential | nn.ModuleList) and word.isdigit():
            made += f"[{word}]"
        elif isinstance(at, nn.ModuleDict):
            made += f'["{word}"]'
        else:
            made += f".{word}" if word.isidentifier() else f'.get_submodule("{word}")'
        at = getattr(at, word)
    return made


def _reach(module: nn.Module) -> Callable[[str], str]:
    return lambda path: place(module, path)


def _base(module: nn.Module) -> str:
    if is_torch(module):
        return type(module).__name__
    for kind in (nn.Sequential, nn.ModuleList, nn.ModuleDict):
        if isinstance(module, kind):
            return kind.__name__
    return "Module"


def _add_children(part: Part) -> None:
    """Children once each; a class says of a repeated one which it is, a container repeats it."""
    first: dict[int, str] = {}
    for name, child in part.module._modules.items():
        if child is None:
            continue
        other = first.setdefault(id(child), name)
        if other != name and not is_container(part.module):
            part.aliases.append((name, other))
        else:
            path = f"{part.path}.{name}".lstrip(".")
            part.children.append((name, part_of(child, path, root=False)))


def _numbers(part: Part) -> list[Number]:
    found = [Number(LITERAL, value) for value in part.forward.literals]
    found += [Number(a.name, a.value) for a in part.arguments if is_number(a.value)]
    for own in part.tensors:
        found += [Number(f"{own.name}_size", int(size)) for size in own.value.shape]
    for name, child in part.children:
        for at, number in enumerate(child.numbers):
            owner: tuple[str, Part, int] | None = None
            if child.own:
                owner = (name, child, at)
            elif number.owner is not None:
                inner, part_below, place_below = number.owner
                owner = (name if inner.isdigit() else inner, part_below, place_below)
            found.append(number._replace(owner=owner))
    return found


def _kept_values(tensor: Own) -> object:
    return tensor.value.tolist() if tensor.kind == "constant" else None


def _shape(part: Part) -> str:
    """All but the numbers, as text."""
    fixed = [(a.name, None if is_number(a.value) else repr(a.value)) for a in part.arguments]
    tensors = [
        (t.kind, t.name, t.value.dim(), str(t.value.dtype), _kept_values(t)) for t in part.tensors
    ]
    inner = [(name, child.shape) for name, child in part.children]
    forward = (part.forward.inputs, part.forward.lines)
    kind = type(part.module)
    called = (kind.__module__, kind.__qualname__, part.dtype)
    return repr((*called, fixed, tensors, inner, part.aliases, forward))


def _dtype(module: nn.Module) -> str:
    """The one dtype of floats that all tensors of a module have, if it is another than float32."""
    tensors = [*module.parameters(), *module.buffers()]
    found = {str(tensor.dtype) for tensor in tensors if tensor.dtype.is_floating_point}
    return found.pop() if len(found) == 1 and found != {"torch.float32"} else ""


def _tensors(module: nn.Module, path: str) -> Iterator[Own]:
    for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
        yield Own("parameter", name, parameter)
    for name, buffer in module.named_buffers(recurse=False, remove_duplicate=False):
        if name not in module._non_persistent_buffers_set:
            yield Own("buffer", name, buffer)
        else:
            yield _constant(path, name, buffer)
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            yield _constant(path, name, value)


def _constant(path: str, name: str, value: Tensor) -> Own:
    if value.numel() > _CONSTANT:
        raise ExportError(
            f"The tensor {name!r} of {path or 'the network'} holds {value.numel()} values that "
            "are in no state dict, so that they cannot be saved; register it as a persistent "
            "buffer."
        )
    return Own("constant", name, value)
