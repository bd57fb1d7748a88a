"""What a network takes and gives: named tensors, each with its dtype and its shape.

Most networks take one tensor and give one; then the names are `input` and `output` and nobody needs
to write them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netwright.errors import SettingError

_DTYPES = (
    "float32", "float64", "float16", "bfloat16", "uint8", "int8", "int16", "int32", "int64", "bool",
)  # fmt: skip
UNNAMED = "input"
"""The name of a tensor that is taken where it is the only one and nobody named it."""

_OPEN = 16  # the size that an open dimension has in an example, where nothing else is said


@dataclass(frozen=True)
class TensorSpec:
    """One tensor: its name, the shape of one example (without batch), and its dtype (of torch).

    A dimension that is None is open: it may differ from batch to batch. `ids` says of a tensor of
    whole numbers that they are ids from 0 to below it. `longest` is the size that open dimensions
    have in an example, and with which costs are counted: the longest of the data, 16 if None.

    Raises:
        SettingError: A size below 1, an unknown dtype, or ids that are no whole numbers.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    ids: int | None = None
    longest: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise SettingError(f"`TensorSpec(name=...)` must be a name, got {self.name!r}.")
        if any(size is not None and (type(size) is not int or size < 1) for size in self.shape):
            raise SettingError(
                f"`TensorSpec({self.name!r}, shape=...)` must have sizes above 0, or None where a "
                f"dimension is open, got {self.shape!r}."
            )
        if self.longest is not None and (type(self.longest) is not int or self.longest < 1):
            raise SettingError(
                f"`TensorSpec({self.name!r}, longest=...)` must be a size above 0, got "
                f"{self.longest!r}."
            )
        if self.dtype not in _DTYPES:
            raise SettingError(
                f"`TensorSpec({self.name!r}, dtype=...)` must be one of {', '.join(_DTYPES)}, "
                f"got {self.dtype!r}."
            )
        if self.ids is not None and (not self.dtype.startswith(("int", "uint")) or self.ids < 1):
            raise SettingError(
                f"`TensorSpec({self.name!r}, ids=...)` must count ids of a dtype of whole numbers, "
                f"got ids={self.ids!r} and {self.dtype}."
            )

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype as torch has it."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        return dtype

    @property
    def floating(self) -> bool:
        """Whether it is of floats."""
        return self.torch_dtype.is_floating_point

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of an example, with a size in place of each open dimension."""
        return tuple((self.longest or _OPEN) if size is None else size for size in self.shape)

    def example(self, rng: np.random.Generator, count: int) -> Tensor:
        """A batch (count, *sizes): normal numbers, ids, bytes or booleans by dtype."""
        shape = (count, *self.sizes)
        if self.ids is not None:
            return torch.from_numpy(rng.integers(self.ids, size=shape)).to(self.torch_dtype)
        if self.dtype == "bool":
            return torch.from_numpy(rng.integers(2, size=shape)).to(torch.bool)
        if self.dtype.startswith(("int", "uint")):
            return torch.from_numpy(rng.integers(128, size=shape)).to(self.torch_dtype)
        drawn = rng.standard_normal(shape, dtype=np.float32)
        return torch.from_numpy(drawn).to(self.torch_dtype)

    @property
    def text(self) -> str:
        """In one phrase: "input: uint8 (b, 3, 8, 8)", an open dimension as "?"."""
        sizes = ", ".join(["b", *("?" if size is None else str(size) for size in self.shape)])
        below = "" if self.ids is None else f", ids below {self.ids}"
        return f"{self.name}: {self.dtype} ({sizes}){below}"

    def zeros(self, count: int) -> Tensor:
        """A batch (count, *sizes) of zeros."""
        return torch.zeros(count, *self.sizes, dtype=self.torch_dtype)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        longest = {} if self.longest is None else {"longest": self.longest}
        return {
            "name": self.name, "shape": list(self.shape), "dtype": self.dtype, "ids": self.ids,
            **longest,
        }  # fmt: skip

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> TensorSpec:
        """What `to_json` gave."""
        shape, longest = tuple(body["shape"]), body.get("longest")
        return cls(body["name"], shape, body["dtype"], body["ids"], longest)


@dataclass(frozen=True)
class Signature:
    """The tensors that a network takes, in the order of its `forward`, and those that it gives.

    Raises:
        SettingError: None is taken or given, or two have one name: a form tells them apart by it.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def __post_init__(self) -> None:
        for what, specs in (("inputs", self.inputs), ("outputs", self.outputs)):
            names = [spec.name for spec in specs]
            if not names or len({*names}) < len(names):
                raise SettingError(
                    f"`Signature({what}=...)` must have at least one tensor, each with a name of "
                    f"its own, got {names!r}."
                )
        both = {spec.name for spec in self.inputs} & {spec.name for spec in self.outputs}
        if both:
            raise SettingError(
                f"`Signature(...)` must have no input with the name of an output, got "
                f"{', '.join(map(repr, sorted(both)))} in both; give the input another name."
            )

    @classmethod
    def single(
        cls,
        inputs: Sequence[int | None],
        outputs: Sequence[int | None],
        *,
        dtype: str | None = None,
        ids: int | None = None,
    ) -> Signature:
        """One unnamed tensor in and one out, by the shapes of an example; ids are of int64."""
        kind = dtype or ("float32" if ids is None else "int64")
        return cls(
            (TensorSpec(UNNAMED, tuple(inputs), kind, ids),),
            (TensorSpec("output", tuple(outputs)),),
        )

    @property
    def input(self) -> TensorSpec:
        """The one tensor that is taken.

        Raises:
            SettingError: There are several.
        """
        return _only(self.inputs, "takes")

    @property
    def output(self) -> TensorSpec:
        """The one tensor that is given.

        Raises:
            SettingError: There are several.
        """
        return _only(self.outputs, "gives")

    def example(self, rng: np.random.Generator, count: int = 2) -> tuple[Tensor, ...]:
        """A batch of `count` random examples: one tensor for each of `inputs`."""
        return tuple(spec.example(rng, count) for spec in self.inputs)

    def zeros(self, count: int) -> tuple[Tensor, ...]:
        """A batch of `count` examples of zeros: one tensor for each of `inputs`."""
        return tuple(spec.zeros(count) for spec in self.inputs)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": [spec.to_json() for spec in self.outputs],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Signature:
        """What `to_json` gave."""
        inputs, outputs = (
            tuple(TensorSpec.from_json(spec) for spec in body[key]) for key in ("inputs", "outputs")
        )
        return cls(inputs, outputs)


def _only(specs: tuple[TensorSpec, ...], does: str) -> TensorSpec:
    if len(specs) > 1:
        names = ", ".join(spec.name for spec in specs)
        raise SettingError(f"The network {does} several tensors ({names}); name the one meant.")
    return specs[0]
