"""Eager PyTorch on the CPU of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from netwright.network.onnx_graph import quiet_exporters
from netwright.network.signature import Signature
from netwright.targets.base import Artifact, Target
from netwright.targets.clock import LATENCY, check_timing, latency, machine


@final
@dataclass(frozen=True)
class Module(Artifact):
    """A module that is called; its file is an exported program."""

    signature: Signature
    module: nn.Module
    suffix: str = ".pt2"

    def write(self, path: Path) -> None:
        """Write a program of `torch.export` for one example."""
        example = self.signature.zeros(1)
        with quiet_exporters():
            torch.export.save(torch.export.export(self.module, example), path)


@final
@dataclass(frozen=True)
class PyTorch(Target):
    """Eager PyTorch on the CPU in inference mode, timed for about so many `seconds` a network.

    Raises:
        SettingError: A value outside its rule.
    """

    metrics: ClassVar[tuple[str, ...]] = LATENCY
    threads: int = 1
    seconds: float = 0.05

    def __post_init__(self) -> None:
        check_timing("PyTorch", self.threads, self.seconds)

    def prepare(
        self, module: nn.Module, signature: Signature, calibration: Sequence[Tensor] = ()
    ) -> Artifact:
        """The module itself."""
        return Module(signature, module)

    def measure(self, artifacts: Sequence[Artifact]) -> list[Mapping[str, float]]:
        """The latency of calling each module on one example."""
        with _threads(self.threads), torch.inference_mode():
            return [self._latency(artifact) for artifact in artifacts]

    def _latency(self, artifact: Artifact) -> dict[str, float]:
        assert isinstance(artifact, Module)
        example = artifact.signature.zeros(1)
        return latency(lambda: artifact.module(*example), self.seconds)

    @property
    def fingerprint(self) -> str:
        """Of torch, the threads and the machine."""
        return f"torch {torch.__version__}, {self.threads} threads, {machine()}"


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
