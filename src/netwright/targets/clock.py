"""How long one call takes on this machine, for targets that are called here.

Each call is timed on its own, in blocks; the figure is the median of the quieter half of the
blocks, so that another process that is busy now and then hardly shows.
"""

from __future__ import annotations

import platform
import statistics
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netwright.errors import SettingError
from netwright.targets.base import Artifact, Target

_BLOCKS = 10


@dataclass(frozen=True)
class Timed(Target):
    """A runtime on the CPU of this machine, in which a network is called on one example.

    It is called with so many `threads`, for about so many `seconds`.

    Raises:
        SettingError: A value outside its rule.
    """

    metrics: ClassVar[tuple[str, ...]] = ("latency_ms",)
    threads: int = 1
    seconds: float = 0.05

    def __post_init__(self) -> None:
        check_timing(type(self).__name__, self.threads, self.seconds)
        super().__post_init__()

    def measure(self, artifacts: Sequence[Artifact]) -> list[Mapping[str, float]]:
        """The latency of calling each artifact on one example."""
        return [latency(self._call(artifact), self.seconds) for artifact in artifacts]

    @abstractmethod
    def _call(self, artifact: Artifact) -> Callable[[], object]:
        """What is timed: a call of an artifact on one example."""

    @property
    def fingerprint(self) -> str:
        """Of the runtime, the threads and the machine."""
        return f"{self._runtime()}, {self.threads} threads, {machine()}"

    @abstractmethod
    def _runtime(self) -> str:
        """The runtime and its version."""


def latency(call: Callable[[], object], seconds: float) -> dict[str, float]:
    """Milliseconds of a call: the median, and the 10th and 90th percentile as low and high.

    It is called for about `seconds` in all, after a warm-up of a fifth of it.
    """
    warm = time.perf_counter() + seconds / 5
    rounds = 0
    while time.perf_counter() < warm or rounds < 3:
        call()
        rounds += 1
    size = max(2, round(rounds * 5 / _BLOCKS))
    blocks = [_block(call, size) for _ in range(_BLOCKS)]
    quiet = sorted(blocks, key=statistics.median)[: _BLOCKS // 2]
    times = np.array([t for block in quiet for t in block]) / 1e6
    low, median, high = map(float, np.quantile(times, [0.1, 0.5, 0.9]))
    return {"latency_ms": median, "latency_ms_low": low, "latency_ms_high": high}


def _block(call: Callable[[], object], size: int) -> list[int]:
    clock, times = time.perf_counter_ns, []
    for _ in range(size):
        began = clock()
        call()
        times.append(clock() - began)
    return times


def machine() -> str:
    """The machine that this process runs on, as far as figures depend on it."""
    return f"{platform.system()} {platform.machine()} {platform.processor()}".strip()


def check_timing(call: str, threads: int, seconds: float) -> None:
    """Refuse settings of a target on this machine that cannot be.

    Raises:
        SettingError: A value outside its rule.
    """
    if type(threads) is not int or threads < 1:
        raise SettingError(f"`{call}(threads=...)` must be at least 1, got {threads!r}.")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 3600:
        raise SettingError(
            f"`{call}(seconds=...)` must be above 0 and at most 3600, got {seconds!r}."
        )
