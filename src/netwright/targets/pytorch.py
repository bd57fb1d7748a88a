"""Eager PyTorch on the CPU of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from torch import Tensor, nn

from netwright.network.onnx_graph import quiet_exporters
from netwright.network.signature import Signature
from netwright.targets.base import Artifact
from netwright.targets.clock import Timed


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
class PyTorch(Timed):
    """Eager PyTorch on the CPU in inference mode; see `Timed` for the settings."""

    def prepare(
        self, module: nn.Module, signature: Signature, calibration: Sequence[Tensor] = ()
    ) -> Artifact:
        """The module itself."""
        return Module(signature, module)

    def measure(self, artifacts: Sequence[Artifact]) -> list[Mapping[str, float]]:
        """The latency of calling each module on one example."""
        with _threads(self.threads), torch.inference_mode():
            return super().measure(artifacts)

    def _call(self, artifact: Artifact) -> Callable[[], object]:
        assert isinstance(artifact, Module)
        example = artifact.signature.zeros(1)
        return lambda: artifact.module(*example)

    def _runtime(self) -> str:
        return f"torch {torch.__version__}"


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
