"""What the kinds of events have in common, and how their fields become JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, NamedTuple, Self, get_args, get_origin, get_type_hints

from netwright.trial import metrics_from_json, metrics_to_json


class Codec(NamedTuple):
    """How the value of a field is written as JSON, and read again."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


Metrics = Annotated[Mapping[str, float], Codec(metrics_to_json, metrics_from_json)]
MetricsByTrial = Annotated[
    Mapping[int, Mapping[str, float]],
    Codec(
        lambda found: {str(number): metrics_to_json(metrics) for number, metrics in found.items()},
        lambda body: {int(number): metrics_from_json(metrics) for number, metrics in body.items()},
    ),
]


_CODECS: dict[type, dict[str, Codec]] = {}  # by kind of fact


@dataclass(frozen=True)
class Fact:
    """Something that happened to a run. `kind` names it in the log."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """The body of its row, a JSON object."""
        return {
            name: codec.write(getattr(self, name)) for name, codec in _codecs(type(self)).items()
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any], trial: int | None = None) -> Self:
        """The fact that `to_json` wrote, about this trial if it is about one.

        Raises:
            TypeError: Something is missing.
            ValueError: A part of it cannot be read.
        """
        codecs = _codecs(cls)
        known = {name: codecs[name].read(body[name]) for name in codecs if name in body}
        if issubclass(cls, TrialFact):
            known["trial"] = trial
        return cls(**known)


@dataclass(frozen=True)
class TrialFact(Fact):
    """Something that happened to the trial of this number."""

    trial: int


@dataclass(frozen=True)
class WholeFact(Fact):
    """A fact whose body is kept as it is."""

    body: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The body."""
        return dict(self.body)

    @classmethod
    def from_json(cls, body: Mapping[str, Any], trial: int | None = None) -> Self:
        """The fact with this body."""
        return cls(body)


@dataclass(frozen=True)
class WholeTrialFact(TrialFact):
    """A fact of a trial whose body is kept as it is."""

    body: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The body."""
        return dict(self.body)

    @classmethod
    def from_json(cls, body: Mapping[str, Any], trial: int | None = None) -> Self:
        """The fact of this trial with this body."""
        assert trial is not None
        return cls(trial, body)


def _codecs(kind: type[Fact]) -> dict[str, Codec]:
    """How each field is written and read, by its type."""
    if kind not in _CODECS:
        hints = get_type_hints(kind, include_extras=True)
        _CODECS[kind] = {f.name: _codec(hints[f.name]) for f in fields(kind) if f.name != "trial"}
    return _CODECS[kind]


def _codec(hint: Any) -> Codec:
    if get_origin(hint) is Annotated:
        codec: Codec = hint.__metadata__[0]
        return codec
    if get_origin(hint) is tuple:
        one = _codec(get_args(hint)[0])
        return Codec(
            lambda values: [one.write(value) for value in values],
            lambda body: tuple(one.read(each) for each in body),
        )
    if hasattr(hint, "from_json"):
        return Codec(hint.to_json, hint.from_json)
    return Codec(_same, _same)


def _same(value: Any) -> Any:
    return value
