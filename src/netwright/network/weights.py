"""The weights of networks as bytes."""

from __future__ import annotations

from collections.abc import Mapping

from safetensors.torch import save
from torch import Tensor


def tensor_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return tensors by name as safetensors; those that share memory too."""
    copies = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    return save(copies, dict(metadata) if metadata else None)
