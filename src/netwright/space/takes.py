"""What the networks of a space take and give, from what a user writes for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index
from typing import Any, Protocol

from netwright.errors import SettingError
from netwright.network.signature import Signature, TensorSpec


class Signed(Protocol):
    """What says which tensors a network takes and gives, as data do."""

    @property
    def signature(self) -> Signature:
        """The tensors by name."""


def signature_from(
    inputs: Sequence[int] | int | Signature | Signed, outputs: int | None, tokens: int | None
) -> Signature:
    """The signature that the arguments of `Space` say.

    Raises:
        SettingError: Sizes are no whole numbers above 0, or are said twice.
    """
    given = inputs if isinstance(inputs, Signature) else getattr(inputs, "signature", None)
    if isinstance(given, Signature):
        if outputs is not None or tokens is not None:
            raise SettingError(
                "`Space(network, data)` takes inputs and outputs from the data's signature; leave "
                f"`outputs` and `tokens` out, got outputs={outputs!r}, tokens={tokens!r}."
            )
        return given
    try:
        sizes: Any = [inputs] if isinstance(inputs, int) else inputs
        shape, count = tuple(index(size) for size in sizes), index(outputs)  # type: ignore[arg-type]
    except TypeError:
        shape, count = (), 0
    if not shape or min(shape) < 1 or count < 1:
        raise SettingError(
            "`Space(network, inputs, outputs)` must have positive sizes as whole numbers, got "
            f"inputs={inputs!r}, outputs={outputs!r}; or write `Space(network, data)`."
        )
    return Signature.single(shape, (count,), ids=tokens)


def plain(specs: Sequence[TensorSpec], *, count: bool) -> Any:
    """What a declaration is told of the tensors it takes or gives.

    Of one tensor its shape without the batch, or the size alone if `count` and there is but one; of
    several a mapping from their names to their `TensorSpec`.
    """
    if len(specs) > 1:
        return {spec.name: spec for spec in specs}
    shape = specs[0].shape
    return shape[0] if count and len(shape) == 1 else shape


def in_json(given: Any) -> Any:
    """What `plain` gave, as JSON has it."""
    if isinstance(given, Mapping):
        return {name: spec.to_json() for name, spec in given.items()}
    return list(given) if isinstance(given, tuple) else given
