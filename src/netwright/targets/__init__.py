"""What a network costs where it will run: a runtime on a machine.

Limits on these costs, and what is done with them, do not belong here.
"""

from netwright.targets.base import Artifact, FileArtifact, Target
from netwright.targets.onnxruntime import OnnxRuntime
from netwright.targets.pytorch import PyTorch

__all__ = ["Artifact", "FileArtifact", "OnnxRuntime", "PyTorch", "Target"]
