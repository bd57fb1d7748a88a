"""The blocks of a model that may be left out: modules that compute `x + f(x)`, found in its graph.

An activation or a normalisation after the sum is part of the block, as in ResNet (He et al.,
arXiv:1512.03385). Of blocks within blocks only the innermost are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from torch import fx, nn

from netwright.conversion.couple import Trace, first_paths, operation, path_of
from netwright.network.structure import structure

_UNARY = ("relu", "gelu", "silu", "hardtanh", "hardswish", "leaky_relu", "elu", "mish")
_PASSING = ("dropout", "feature_dropout", "clone", "contiguous")
_NORMS = ("batch_norm", "layer_norm", "group_norm", "rms_norm")
_MOVING = ("view", "reshape", "transpose", "permute", "flatten", "unsqueeze", "squeeze")
_BEHIND = frozenset([*_UNARY, *_PASSING, *_NORMS])
_ZERO_AT_ZERO = frozenset([*_UNARY, *_PASSING, *_MOVING])
_AFFINE = frozenset(["linear", "conv1d", "conv2d", "conv3d", *_NORMS])


@dataclass(frozen=True)
class Residual:
    """A module that may be left out, and what it reads and gives.

    `last` are the tensors that end its `f`: where they are zero it gives back its input. They are
    None where no such tensors were found.
    """

    path: str
    source: fx.Node
    result: fx.Node
    last: tuple[str, ...] | None


def find_blocks(model: nn.Module, trace: Trace) -> tuple[list[Residual], dict[str, str]]:
    """The blocks that may be left out in the order of the model, and why others may not."""
    names: dict[str, list[str]] = {}
    for name, path in first_paths(model).items():
        names.setdefault(path, []).append(name)
    inside = _nodes_by_module(trace)
    found: dict[str, Residual] = {}
    refused: dict[str, str] = {}
    for path, module in reversed(list(model.named_modules())):
        container = isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)
        inner = [name for other in found for name in names[other]]
        within = any(name.startswith(f"{path}.") for name in inner)
        calls = [inside[name] for name in names[path] if name in inside]
        if not path or container or within or not list(module.children()) or not calls:
            continue
        made = _in_all([_block(path, nodes, trace) for nodes in calls])
        if isinstance(made, Residual):
            found[path] = made
        elif made is not None:
            refused[path] = made
    order = [path for path, _ in model.named_modules() if path in found]
    return [found[path] for path in order], refused


def find_runs(model: nn.Module, blocks: Sequence[Residual]) -> list[list[Residual]]:
    """The blocks, those together that are equal and stand one after the other in one container."""
    runs: list[list[Residual]] = []
    for block in blocks:
        before = runs[-1][-1] if runs else None
        if before is not None and _follows(model, before, block):
            runs[-1].append(block)
        else:
            runs.append([block])
    return runs


def _follows(model: nn.Module, before: Residual, block: Residual) -> bool:
    homes = {each.path.rpartition(".")[0] for each in (before, block)}
    if len(homes) > 1 or block.source is not before.result:
        return False
    if not isinstance(model.get_submodule(homes.pop()), nn.Sequential | nn.ModuleList):
        return False
    one, other = (model.get_submodule(each.path) for each in (before, block))
    return structure(one) == structure(other)


def _nodes_by_module(trace: Trace) -> dict[str, list[fx.Node]]:
    inside: dict[str, list[fx.Node]] = {}
    for node in trace.graph.nodes:
        if node.op == "call_function":
            for path in path_of(node):
                inside.setdefault(path, []).append(node)
    return inside


def _in_all(calls: Sequence[Residual | str | None]) -> Residual | str | None:
    """What a module is that is called under several names: a block if it is one in each call."""
    blocks = [each for each in calls if isinstance(each, Residual)]
    if len(blocks) < len(calls):
        return next(each for each in calls if not isinstance(each, Residual))
    return replace(blocks[-1], source=blocks[0].source)


def _block(path: str, nodes: list[fx.Node], trace: Trace) -> Residual | str | None:
    """The block that a module is, why it is none though it ends in a sum, or None."""
    own = set(nodes)
    read = {a for n in nodes for a in n.all_input_nodes if a not in own and a not in trace.names}
    given = [node for node in nodes if any(user not in own for user in node.users)]
    sources = [node for node in read if node.op != "get_attr"]
    if len(given) != 1 or not _ends_in_sum(given[0], own):
        return None
    if len(sources) != 1:
        return "it reads several tensors"
    if given[0].meta["val"].shape != sources[0].meta["val"].shape:
        return "it changes the shape of its input"
    branches = _branches(given[0], sources[0], own)
    if branches is None:
        return "its input is not a part of its sum"
    ends = [_last(branch, own, trace) for branch in branches]
    last = None if None in ends else tuple(name for end in ends for name in end or ())
    return Residual(path, sources[0], given[0], last)


def _sides(node: fx.Node) -> list[fx.Node]:
    """The two tensors of a sum."""
    return [a for a in node.args[:2] if isinstance(a, fx.Node)]


def _ends_in_sum(node: fx.Node, own: set[fx.Node]) -> bool:
    while node in own and operation(node) in _BEHIND:
        node = node.all_input_nodes[0]
    return node in own and operation(node) == "add" and len(_sides(node)) == 2


def _branches(node: fx.Node, source: fx.Node, own: set[fx.Node]) -> list[fx.Node] | None:
    """What is added to `source` on the way to `node`; None if there is no such way."""
    if node is source:
        return []
    if node not in own:
        return None
    if operation(node) in _BEHIND:
        return _branches(node.all_input_nodes[0], source, own)
    if operation(node) != "add" or len(_sides(node)) != 2:
        return None
    sides = _sides(node)
    for side, other in (sides, sides[::-1]):
        rest = _branches(side, source, own)
        if rest is not None:
            return [*rest, other]
    return None


def _last(node: fx.Node, own: Iterable[fx.Node], trace: Trace) -> tuple[str, ...] | None:
    """The tensors of the last layer before a node, without which it is zero."""
    while node in own:
        names = [trace.names[a] for a in node.all_input_nodes if a in trace.names]
        names = [n for n in names if not n.endswith(("running_mean", "running_var"))]
        if names and (operation(node) in _AFFINE or operation(node) == "mul"):
            return tuple(names)
        if operation(node) not in _ZERO_AT_ZERO:
            return None
        node = node.all_input_nodes[0]
    return None
