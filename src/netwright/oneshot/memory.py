"""How much memory a one-shot search needs, found without values, and how it is made to fit.

The search is copied to the meta device, where tensors have shapes and no values, and takes a few
steps there. What is alive at the same time is added up. Scratch space within an operation and what
the allocator keeps for itself are not in it.
"""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from netwright.errors import SettingError
from netwright.evaluate.fit import laid_out
from netwright.network.cost import MIB, on_meta
from netwright.network.meta_results import result_of, tensors_in
from netwright.oneshot.base import Batch, Shared
from netwright.supernet.switches import Switched

_USED = 0.9  # of the memory that is free, at most
_LEAST = 8  # examples in a batch that is made smaller
_META = torch.device("meta")
_GROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Planned:
    """How a search runs: bytes at the peak of a step, with all it holds; examples in a batch.

    Where the peak could not be predicted it is None, and `reason` says why.
    """

    peak: int | None
    batch: int
    checkpointed: bool = False
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the log has it."""
        return {
            "memory_mib": None if self.peak is None else self.peak / MIB,
            "batch": self.batch,
            "checkpointed": self.checkpointed,
            "reason": self.reason,
        }


def fit_memory(shared: Shared) -> Planned:
    """Let a search fit in its `memory_mib`, or in what is free.

    It runs as it is if it fits; else its blocks are checkpointed; else its batches are halved, too,
    which only a search can be that has not begun. One that cannot run without values, as when its
    path depends on them, stays as it is.

    Raises:
        SettingError: It does not fit so either; names what needs less.
    """
    limit = shared.settings.memory_mib
    available = free(shared.setting.device) if limit is None else limit * MIB
    if available is None:
        return Planned(None, shared.batch, reason="nothing is known of the memory of its device")
    least = math.inf
    try:
        for planned in _ways(shared):
            assert planned.peak is not None
            least = min(least, planned.peak)
            if planned.peak <= available:
                shared.supernet.checkpoint(planned.checkpointed)
                shared.batch = planned.batch
                return planned
    except Exception as error:  # of the user's own layers
        said = f"{type(error).__name__}: {str(error).rstrip('.')}"
        return Planned(None, shared.batch, reason=f"it cannot run without values: {said}")
    name = type(shared.settings).__name__
    raise SettingError(
        f"`{name}()` needs {least / MIB:,.0f} MiB for a step on {shared.setting.space.name!r}, "
        f"with the smallest batches that it may take, and has {available / MIB:,.0f}. Searches "
        "that run one option at a time, such as `GDAS()` or `SinglePath()`, need less, and so does "
        "`PCDARTS()`; or make the space smaller."
    )


def free(device: torch.device) -> float | None:
    """Bytes of a device's memory that a search may take; None where nothing is known of it."""
    if device.type == "cuda":
        return float(_USED * torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    found = [psutil.virtual_memory().available]
    with suppress(OSError, ValueError):  # of a container, where there is one with a bound
        most, now = (
            int((_GROUP / f"memory.{name}").read_text(encoding="ascii"))
            for name in ("max", "current")
        )
        lines = (_GROUP / "memory.stat").read_text(encoding="ascii").splitlines()
        cached = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        found.append(max(0, most - now + cached))
    return float(_USED * min(found))


def peak(shared: Shared, *, batch: int, checkpointed: bool = False) -> int:
    """Bytes at the peak of a step, with weights, momenta and the batch; nothing is computed."""
    twin = _without_values(shared)
    twin.supernet.checkpoint(checkpointed)
    twin.supernet.train()
    inputs, part = shared.setting.space, shared.setting.data.train
    first = inputs.example(np.random.default_rng(0), 1)
    wide = [x.expand(batch, *x.shape[1:]) for x in first]
    _, target = part.batch(slice(0, 1))
    with torch.device(_META):
        examples = tuple(laid_out(torch.empty_like(x, device=_META)) for x in wide)
        others = tuple(map(torch.empty_like, examples))
        targets = torch.empty_like(target.expand(batch, *target.shape[1:]), device=_META)
    task = shared.setting.task
    both = [Batch(x, targets, task) for x in (examples, others)]
    alive = _Alive()
    alive.has([*twin.supernet.parameters(), *twin.supernet.buffers()])
    alive.has(twin.with_momenta())
    alive.has([x for batch in both for x in batch.inputs])
    with alive, torch.random.fork_rng(devices=[]):
        twin.rehearse(*both)
    return alive.peak


def _ways(shared: Shared) -> Iterable[Planned]:
    """The ways to run, each with what it needs, from the fastest to the one that needs least."""
    batch = shared.batch
    yield Planned(peak(shared, batch=batch), batch, False)
    checkpointed = shared.supernet.checkpoint(False)
    if checkpointed:
        yield Planned(peak(shared, batch=batch, checkpointed=True), batch, True)
    while shared.epoch == 0 and batch >= 2 * _LEAST:
        batch //= 2
        needed = peak(shared, batch=batch, checkpointed=checkpointed)
        yield Planned(needed, batch, checkpointed)


def _without_values(shared: Shared) -> Shared:
    """A copy on the meta device; what is not of the supernet is the same as before."""
    setting = shared.setting
    memo = on_meta(shared.supernet) | {
        id(each): each for each in (setting.space, *shared.unshared())
    }
    memo[id(setting)] = replace(setting, device=_META)
    twin = copy.deepcopy(shared, memo)
    rewritten = setting.device.type in shared.supernet.rewrites
    twin.supernet.rewrites = frozenset({_META.type} if rewritten else ())
    for module in twin.supernet.modules():
        if isinstance(module, Switched):
            module.forget()
    return twin


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up what meta tensors hold at the same time. Where a value is asked for, it is 1."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._alive: dict[int, tuple[int, Any]] = {}  # storage -> bytes, and what tells its end

    def has(self, tensors: Iterable[Tensor]) -> None:
        """Count tensors that are there before."""
        for tensor in tensors:
            self._count(tensor)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten._local_scalar_dense.default and args[0].is_meta:
            return torch.ones((), dtype=args[0].dtype).item()
        result = result_of(func, args, kwargs)
        for tensor in tensors_in((result,)):
            if tensor.is_meta:
                self._count(tensor)
        return result

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._alive:
            size = storage.nbytes()
            ended = weakref.ref(storage, lambda _: self._end(key))
            self._alive[key] = size, ended
            self.now += size
            self.peak = max(self.peak, self.now)

    def _end(self, key: int) -> None:
        self.now -= self._alive.pop(key)[0]
