"""How many rows go through a network at once, by the memory that they take and not by their count.

The pass of two rows is looked at: what is alive at the same time, at its peak. Scratch space within
an operation is not seen, so the bound is far below what a machine has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from netwright.network.lifetimes import peak_bytes

BYTES = 2**28
"""Bytes of the activations of the rows that go through a network at once on a CPU."""

_ON_GPU = 8  # times as many there, which small batches keep waiting


def rows_at_once(network: Callable[..., Any], tensors: Sequence[Tensor], most: int) -> int:
    """How many rows of `tensors`, each (n, ...), may go through a network at once; 1 to `most`.

    `network` is called with the first two rows and must change nothing by it. What fails on them
    is left to fail with the rows.
    """
    looked_at = [x[:2] for x in tensors]
    count = len(looked_at[0])
    if count == 0 or most <= 1:
        return max(1, most)
    peak = _Peak()
    try:
        with torch.no_grad(), peak:
            given = network(*looked_at)
        del given
    except Exception:
        return most
    bound = BYTES * (_ON_GPU if peak.on_gpu else 1)
    return max(1, min(most, bound * count // max(1, peak.bytes())))


class _Peak(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes when each storage that a pass makes is born and last touched.

    What it makes is kept until it is asked, so that an address stands for one storage.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.on_gpu = False
        self._operations = 0
        self._born: dict[int, tuple[int, int]] = {}  # storage -> (operation, bytes)
        self._last: dict[int, int] = {}
        self._kept: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self._operations += 1
        for value in tree_leaves((args, kwargs)):
            if isinstance(value, Tensor) and (key := _storage(value)) in self._born:
                self._last[key] = self._operations
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                self._make(value)
        return result

    def _make(self, tensor: Tensor) -> None:
        self.on_gpu = self.on_gpu or tensor.is_cuda
        key = _storage(tensor)
        if key not in self._born:
            self._born[key] = (self._operations, tensor.untyped_storage().nbytes())
            self._kept.append(tensor)
        self._last[key] = self._operations

    def bytes(self) -> int:
        """Bytes that were alive at the same time, at their peak."""
        return peak_bytes(self._born, self._last, self._operations)


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
