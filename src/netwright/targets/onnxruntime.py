"""ONNX Runtime on the CPU of this machine, called by `InferenceSession.run` as most people do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, final

import torch
from torch import Tensor, nn

from netwright.errors import require
from netwright.network.onnx_graph import onnx_bytes
from netwright.network.signature import Signature
from netwright.targets.base import Artifact, FileArtifact
from netwright.targets.clock import Timed


@final
@dataclass(frozen=True)
class OnnxRuntime(Timed):
    """ONNX Runtime on the CPU with all its graph optimisations; see `Timed` for the settings."""

    def prepare(
        self, module: nn.Module, signature: Signature, calibration: Sequence[Tensor] = ()
    ) -> Artifact:
        """The ONNX graph."""
        require("onnx", extra="onnx", purpose="What a network costs in ONNX Runtime")
        with torch.no_grad():
            module(*signature.zeros(1))  # fails at once; the exporters take seconds to find out
        return FileArtifact(signature, onnx_bytes(module, signature), ".onnx")

    def _call(self, artifact: Artifact) -> Callable[[], object]:
        runtime = _package()
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
        return lambda: session.run(None, feed)

    def _runtime(self) -> str:
        try:
            found = version("onnxruntime")  # quicker than to import it
        except PackageNotFoundError:
            found = _package().__version__
        return f"onnxruntime {found}"


def _package() -> ModuleType:
    return require("onnxruntime", extra="onnx", purpose="What a network costs in ONNX Runtime")
