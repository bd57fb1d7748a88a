"""What proxies see and change of a network's functions on the way: norms, embeddings, activations.

Functions are seen whether a module calls them or the network does, so that a proxy needs no module
of a certain class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

_NORMS = {
    functional.batch_norm, functional.layer_norm, functional.group_norm, functional.instance_norm,
    functional.rms_norm, torch.batch_norm, torch.layer_norm, torch.group_norm,
    torch.instance_norm, torch.rms_norm,
}  # fmt: skip

_ACTIVATIONS = {
    "relu", "relu_", "gelu", "gelu_", "silu", "silu_", "hardswish", "hardswish_", "leaky_relu",
    "leaky_relu_", "elu", "elu_", "hardtanh", "hardtanh_", "mish", "mish_", "softplus", "tanh",
    "tanh_", "threshold", "threshold_", "celu", "celu_", "_prelu_kernel",
}  # fmt: skip


class WithoutNorms(TorchFunctionMode):
    """Within it every normalisation of torch gives what it takes."""

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if func in _NORMS:
            return args[0] if args else given["input"]
        return func(*args, **given)


class Embeddings(TorchFunctionMode):
    """Within it what embeddings of ids give is what `change` makes of it.

    Only that of the `count` examples of the batch: an embedding of places is the same for all.
    """

    def __init__(self, count: int, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._count, self._change = count, change

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in (functional.embedding, functional.embedding_bag) and len(out) == self._count:
            return self._change(out)
        return out


class Activations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tells `told` what each activation takes, whatever calls it."""

    def __init__(self, told: Callable[[Tensor], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._told = told

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func.overloadpacket.__name__ in _ACTIVATIONS:
            self._told(args[0])
        return func(*args, **(kwargs or {}))
