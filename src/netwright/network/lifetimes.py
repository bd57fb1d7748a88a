"""How much memory is in use at once, from when each storage is made and last touched."""

from __future__ import annotations

from collections.abc import Mapping


def peak_bytes(
    born: Mapping[int, tuple[int, int]], last: Mapping[int, int], operations: int
) -> int:
    """Return the bytes of the storages that are alive at the same time, at their peak.

    `born` has of each storage the operation that made it and its bytes, `last` the last operation
    that touched it; operations are counted from 0 to `operations`.
    """
    change = [0] * (operations + 2)
    for storage, (begun, size) in born.items():
        change[begun] += size
        change[last[storage] + 1] -= size
    alive = peak = 0
    for step in change:
        alive += step
        peak = max(peak, alive)
    return peak
