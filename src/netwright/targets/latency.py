"""Latency of one example on this machine, as a deployed network has it: PyTorch or ONNX Runtime.

Each call is timed on its own, in blocks; the figure is the median of the quieter half of the
blocks, so that another process that is busy now and then hardly shows. ONNX Runtime is called by
`InferenceSession.run`, as most people do.
"""

from __future__ import annotations

import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import nn

from netwright.errors import EvaluationError, SettingError, require
from netwright.network.onnx_graph import onnx_bytes
from netwright.network.signature import Signature

_BLOCKS = 10


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one example: the median, the 10th and 90th percentile, the runs behind."""

    median_ms: float
    low_ms: float
    high_ms: float
    runs: int


class LatencyTarget(ABC):
    """A way to run a network, of which the latency is wanted."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name on the command line and in the report."""

    @abstractmethod
    def measure(
        self,
        model: nn.Module,
        signature: Signature,
        *,
        seconds: float = 0.05,
    ) -> Latency:
        """The latency of `model`, which takes raw tensors of the signature, on one example.

        Raises:
            EvaluationError: The network cannot be run in this way.
            MissingExtra: A package is not installed.
        """


@dataclass(frozen=True)
class PyTorch(LatencyTarget):
    """Eager PyTorch on the CPU in inference mode."""

    threads: int = 1

    def __post_init__(self) -> None:
        _check_threads("PyTorch", self.threads)

    @property
    def name(self) -> str:
        """`pytorch`."""
        return "pytorch"

    def measure(
        self,
        model: nn.Module,
        signature: Signature,
        *,
        seconds: float = 0.05,
    ) -> Latency:
        """The latency of calling the module."""
        model, tensors = model.eval(), signature.zeros(1)
        with _threads(self.threads), torch.inference_mode():
            try:
                return _timed(lambda: model(*tensors), seconds)
            except Exception as error:
                raise _cannot(self.name, signature, error) from error


@dataclass(frozen=True)
class OnnxRuntime(LatencyTarget):
    """ONNX Runtime on the CPU, with all its graph optimisations."""

    threads: int = 1

    def __post_init__(self) -> None:
        _check_threads("OnnxRuntime", self.threads)

    @property
    def name(self) -> str:
        """`onnxruntime`."""
        return "onnxruntime"

    def measure(
        self,
        model: nn.Module,
        signature: Signature,
        *,
        seconds: float = 0.05,
    ) -> Latency:
        """The latency of `InferenceSession.run`."""
        runtime = require("onnxruntime", extra="onnx", purpose="Latency in ONNX Runtime")
        require("onnx", extra="onnx", purpose="Latency in ONNX Runtime")
        try:
            graph = onnx_bytes(model.eval(), signature)
            session = runtime.InferenceSession(
                graph, _options(runtime, self.threads), providers=["CPUExecutionProvider"]
            )
            named = zip(signature.inputs, signature.zeros(1), strict=True)
            feed = {spec.name: tensor.numpy() for spec, tensor in named}
            return _timed(lambda: session.run(None, feed), seconds)
        except Exception as error:
            raise _cannot(self.name, signature, error) from error


TARGETS: dict[str, Callable[[], LatencyTarget]] = {
    "onnxruntime": OnnxRuntime,
    "pytorch": PyTorch,
}
"""Name on the command line to target."""


def parse_target(text: str) -> LatencyTarget:
    """The target of a name.

    Raises:
        SettingError: There is none of that name.
    """
    if text not in TARGETS:
        raise SettingError(f"A latency target must be one of {', '.join(TARGETS)}, got {text!r}.")
    return TARGETS[text]()


def default_target() -> LatencyTarget:
    """ONNX Runtime where it is installed, else PyTorch."""
    installed = find_spec("onnxruntime") is not None and find_spec("onnx") is not None
    return OnnxRuntime() if installed else PyTorch()


def _timed(call: Callable[[], object], seconds: float) -> Latency:
    """Time single calls in blocks for about `seconds` in all, after a warm-up of a fifth of it."""
    warm = time.perf_counter() + seconds / 5
    rounds = 0
    while time.perf_counter() < warm or rounds < 3:
        call()
        rounds += 1
    size = max(2, round(rounds * 5 / _BLOCKS))
    blocks = [_block(call, size) for _ in range(_BLOCKS)]
    quiet = sorted(blocks, key=statistics.median)[: _BLOCKS // 2]
    times = np.array([t for block in quiet for t in block]) / 1e6
    low, median, high = np.quantile(times, [0.1, 0.5, 0.9])
    return Latency(float(median), float(low), float(high), _BLOCKS * size)


def _block(call: Callable[[], object], size: int) -> list[int]:
    clock, times = time.perf_counter_ns, []
    for _ in range(size):
        began = clock()
        call()
        times.append(clock() - began)
    return times


def _options(runtime: Any, threads: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _check_threads(call: str, threads: int) -> None:
    if type(threads) is not int or threads < 1:
        raise SettingError(f"`{call}(threads=...)` must be at least 1, got {threads!r}.")


def _cannot(name: str, signature: Signature, error: Exception) -> EvaluationError:
    first = (str(error).strip().splitlines() or ["no message"])[0]
    takes = ", ".join(spec.text for spec in signature.inputs)
    return EvaluationError(
        f"The latency in {name} of a network on {takes} cannot be measured: "
        f"{type(error).__name__}: {first}"
    )
