"""The blocks of a supernet, whose insides need not be kept for the gradient.

A block that is checkpointed (Chen et al., "Training Deep Nets with Sublinear Memory Cost", arXiv
1604.06174) keeps its inputs alone, and runs once more when its gradient is asked for. Running
statistics do not move in that second run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import is_grad_enabled, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint

from netwright.supernet.fused.sums import Memo
from netwright.supernet.switches import Switched, SwitchedEdges


def blocks(network: nn.Module) -> list[nn.Module]:
    """The parts of the outermost lists that have choices in more than one part.

    None where there is no such list.
    """
    if isinstance(network, Switched | SwitchedEdges):
        return []
    open_ = [child for child in network.children() if _has_choices(child)]
    if isinstance(network, nn.Sequential | nn.ModuleList) and len(open_) > 1:
        return open_
    return [block for child in open_ for block in blocks(child)]


def checkpointed(block: nn.Module, memo: Memo) -> None:
    """Let a block run again for its gradient, until `kept` is called."""
    vars(block)["forward"] = _again(block, type(block).forward, memo)


def kept(block: nn.Module) -> None:
    """Let a block keep what it computes, as any module does."""
    vars(block).pop("forward", None)


def _again(block: nn.Module, forward: Callable[..., Any], memo: Memo) -> Callable[..., Any]:
    def outer(*inputs: Any, **named: Any) -> Any:
        runs = iter((True, False))  # the second run, and any after it, is for the gradient

        def inner(*inputs: Any) -> Any:
            first = next(runs, False)
            norms = [] if first else [m for m in block.modules() if isinstance(m, _NormBase)]
            before = [{k: v.clone() for k, v in m._buffers.items() if v is not None} for m in norms]
            try:
                with memo.own():
                    return forward(block, *inputs, **named)
            finally:
                for norm, buffers in zip(norms, before, strict=True):
                    for name, value in buffers.items():
                        norm._buffers[name].copy_(value)  # type: ignore[union-attr]

        if not is_grad_enabled():
            return inner(*inputs)
        return checkpoint(inner, *inputs, use_reentrant=False)

    return outer


def _has_choices(module: nn.Module) -> bool:
    return any(isinstance(m, Switched | SwitchedEdges) for m in module.modules())
