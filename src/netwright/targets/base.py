"""The contract of a target: it makes a network ready, and measures what that costs there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, final

from torch import Tensor, nn

from netwright.network.signature import Signature


class Artifact(ABC):
    """A network made ready for one target: what is measured there, and the file for it.

    `suffix` is that of the file's name, such as `.onnx`.
    """

    signature: Signature
    suffix: str

    @abstractmethod
    def write(self, path: Path) -> None:
        """Write the file that is shipped to the target."""


@final
@dataclass(frozen=True)
class FileArtifact(Artifact):
    """An artifact whose file is all that the target needs."""

    signature: Signature
    content: bytes
    suffix: str

    def write(self, path: Path) -> None:
        """Write the content."""
        path.write_bytes(self.content)


class Target(ABC):
    """Where a network is to run: a runtime on a machine. Settings are fields of a frozen dataclass.

    `name` stands after the `@` in the name of a metric. Unless the class gives one it is that of
    the class in small letters, and of an instance that has other settings than the defaults these
    too: `onnxruntime(threads=2)`; a class with a `__post_init__` of its own calls this one's. Two
    targets of one run have two names. `metrics` are the names of what is measured, each a finite
    number above 0, with its unit: `("latency_ms", "energy_mj")`.

    It is sent to worker processes, so it must survive `cloudpickle` and hold no open connection.
    """

    name: str
    metrics: ClassVar[tuple[str, ...]]
    named_by_class: ClassVar[bool] = True
    """Whether `name` follows from the class and the settings."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = vars(cls)
        if "name" in own or "name" in own.get("__annotations__", {}):
            cls.named_by_class = False
        elif cls.named_by_class:
            cls.name = cls.__name__.lower()

    def __post_init__(self) -> None:
        """Let the name say the settings that are other than their defaults, where it can."""
        settings = _said(self) if self.named_by_class else ""
        if settings:
            object.__setattr__(self, "name", f"{type(self).name}({settings})")

    @abstractmethod
    def prepare(
        self, module: nn.Module, signature: Signature, calibration: Sequence[Tensor] = ()
    ) -> Artifact:
        """A network made ready to be run here.

        Args:
            module: in eval mode on the CPU; it takes raw inputs, and is left as it is.
            signature: what it takes and gives.
            calibration: a batch (b, ...) of raw examples for each input of the signature, for
                targets that must know what values there will be; empty where there are none.

        Raises:
            EvaluationError: The network cannot be run here.
            MissingExtra: A package is not installed.
        """

    @abstractmethod
    def measure(self, artifacts: Sequence[Artifact]) -> Sequence[Mapping[str, float]]:
        """What each artifact of this target costs on one example, in their order.

        Each has all of `metrics`. It may have more, which no limit can be on: it is told on the
        card of an exported network.

        Raises:
            EvaluationError: One of them cannot be run here.
            MissingExtra: A package is not installed.
        """

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A text that is equal where figures may be compared: of runtime, machine and settings."""


def _said(target: object) -> str:
    """The settings of a target that are not their defaults, as `key=value, ...`."""
    if not is_dataclass(target):
        return ""
    given = {f.name: getattr(target, f.name) for f in fields(target) if f.init and f.compare}
    defaults = {
        f.name: f.default if f.default_factory is MISSING else f.default_factory()
        for f in fields(target)
    }
    return ", ".join(
        f"{name}={value!r}"
        for name, value in given.items()
        if value != defaults[name] and _is_literal(value)
    )


def _is_literal(value: Any) -> bool:
    """Whether a value can be read from its text."""
    if isinstance(value, tuple | list):
        return all(map(_is_literal, value))
    return value is None or type(value) in (bool, int, float, str)
