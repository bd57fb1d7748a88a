"""ONNX Runtime on the CPU of this machine, called by `InferenceSession.run` as most people do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from netwright.errors import require
from netwright.network.onnx_graph import onnx_bytes
from netwright.network.signature import Signature
from netwright.targets.base import Artifact, FileArtifact, Target
from netwright.targets.clock import LATENCY, check_timing, latency, machine


@final
@dataclass(frozen=True)
class OnnxRuntime(Target):
    """ONNX Runtime on the CPU, with all its graph optimisations, timed for about `seconds`.

    Raises:
        SettingError: A value outside its rule.
    """

    metrics: ClassVar[tuple[str, ...]] = LATENCY
    threads: int = 1
    seconds: float = 0.05

    def __post_init__(self) -> None:
        check_timing("OnnxRuntime", self.threads, self.seconds)

    def prepare(
        self, module: nn.Module, signature: Signature, calibration: Sequence[Tensor] = ()
    ) -> Artifact:
        """The ONNX graph."""
        require("onnx", extra="onnx", purpose="What a network costs in ONNX Runtime")
        with torch.no_grad():
            module(*signature.zeros(1))  # fails at once; the exporters take seconds to find out
        return FileArtifact(signature, onnx_bytes(module, signature), ".onnx")

    def measure(self, artifacts: Sequence[Artifact]) -> list[Mapping[str, float]]:
        """The latency of `InferenceSession.run` for each graph, on one example."""
        runtime = _runtime()
        return [self._latency(runtime, artifact) for artifact in artifacts]

    def _latency(self, runtime: ModuleType, artifact: Artifact) -> dict[str, float]:
        assert isinstance(artifact, FileArtifact)
        options: Any = runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = runtime.InferenceSession(
            artifact.content, options, providers=["CPUExecutionProvider"]
        )
        example = artifact.signature.zeros(1)
        tensors = zip(artifact.signature.inputs, example, strict=True)
        kept = {node.name for node in session.get_inputs()}  # an input without effect is left out
        feed = {spec.name: tensor.numpy() for spec, tensor in tensors if spec.name in kept}
        return latency(lambda: session.run(None, feed), self.seconds)

    @property
    def fingerprint(self) -> str:
        """Of the runtime, the threads and the machine."""
        try:
            found = version("onnxruntime")  # quicker than to import it
        except PackageNotFoundError:
            found = _runtime().__version__
        return f"onnxruntime {found}, {self.threads} threads, {machine()}"


def _runtime() -> ModuleType:
    return require("onnxruntime", extra="onnx", purpose="What a network costs in ONNX Runtime")
