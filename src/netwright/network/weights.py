"""The weights of networks: whose they are, and as bytes."""

from __future__ import annotations

from collections.abc import Mapping

from safetensors.torch import save
from torch import Tensor, nn


def tensor_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return tensors by name as safetensors; those that share memory too."""
    copies = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    return save(copies, dict(metadata) if metadata else None)


def unwrapped(model: nn.Module) -> nn.Module:
    """A network without what compiles it or spreads it over devices."""
    while True:
        inner = model._modules.get("_orig_mod")
        if inner is None and isinstance(
            model, nn.DataParallel | nn.parallel.DistributedDataParallel
        ):
            inner = model.module
        if not isinstance(inner, nn.Module):
            model._compiled_call_impl = None
            return model
        model = inner
