"""Which targets a run has, and where each metric that is wanted is measured."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from importlib.util import find_spec

from netwright import targets
from netwright.errors import SettingError
from netwright.objective import Limit, MetricName, Objective, limits_from
from netwright.settings.exports import exported
from netwright.settings.literal import parse_call
from netwright.settings.making import made
from netwright.targets.base import Target

TARGETS: dict[str, type[Target]] = {kind.name: kind for kind in exported(targets, Target)}
"""The targets that come with netwright, by the name that stands after the `@`."""


@dataclass(frozen=True)
class Asked:
    """Objectives and limits whose metrics all say where they are measured, and the targets."""

    objectives: tuple[Objective, ...]
    limits: tuple[Limit, ...]
    targets: tuple[Target, ...]

    @property
    def metrics(self) -> tuple[MetricName, ...]:
        """All that the targets measure."""
        return tuple(MetricName.on(name, t.name) for t in self.targets for name in t.metrics)


def asked(
    objectives: Sequence[Objective],
    limits: Sequence[Limit],
    given: Sequence[Target] | None = None,
    known: Container[str] = (),
) -> Asked:
    """Find the targets of a run, and say of each metric where it is measured.

    The targets are those `given`, those that an objective or a limit has, and those of ours that
    one names, with settings or without; if that is none, the default, unless `given` is empty. A
    name without settings means the one target of that class that is given, whatever its settings. A
    metric that is not `known` without a target, such as `latency_ms`, is measured on the one target
    that measures it.

    Raises:
        SettingError: A target is unknown, has the name of another, or does not measure what is
            asked of it; or several measure a metric that says none.
    """
    wanted: list[Objective | Limit] = [*objectives, *limits]
    found: dict[str, Target] = {}
    for target in [*_listed(given), *(each.on for each in wanted if each.on is not None)]:
        _add(found, target)
    instances = tuple(found.values())
    named: dict[str, Target] = {}
    for metric in (each.metric for each in wanted):
        if metric.target is not None and metric.target not in named:
            named[metric.target] = _meant(metric, metric.target, instances)
            _add(found, named[metric.target])
    if not found and given is None:
        _add(found, default_target())
    every = tuple(found.values())
    located = partial(_located, named, every, known)
    bounds = [replace(limit, metric=located(limit.metric)) for limit in limits]
    return Asked(
        tuple(replace(o, metric=located(o.metric)) for o in objectives),
        limits_from(bounds),  # raises where two were on one metric
        every,
    )


def target_named(text: str, others: Iterable[Target] = (), option: str = "target") -> Target:
    """A target by its name, with settings or without: `onnxruntime(threads=2)`.

    It is one of ours, or of the class of one of `others` that are given beside. `option` is what
    an error says the text was given to.

    Raises:
        SettingError: There is none of that name, or it has no such settings.
    """
    beside = tuple(others)
    kinds = TARGETS | {type(t).name: type(t) for t in beside if t.named_by_class}
    call = parse_call(option, text)
    if call.name not in kinds:
        names = sorted({*kinds, *(target.name for target in beside)})
        near = get_close_matches(call.name, names, 1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        which = f"`{option}`: a" if option.startswith("--") else "A"
        raise SettingError(
            f"{which} target must be one of {', '.join(names)}, got {text!r}.{meant} One of your "
            "own is given to `search(targets=[...])`, or with its metric as `on=...`."
        )
    target: Target = made(option, call, kinds[call.name])
    return target


def default_target() -> Target:
    """ONNX Runtime where it is installed, else PyTorch."""
    installed = find_spec("onnxruntime") is not None and find_spec("onnx") is not None
    return targets.OnnxRuntime() if installed else targets.PyTorch()


def _listed(given: object) -> list[object]:
    if given is not None and (isinstance(given, str) or not isinstance(given, Sequence)):
        raise SettingError(f"`search(targets=...)` must be a list of targets, got {given!r}.")
    return list(given or ())


def _add(found: dict[str, Target], target: object) -> None:
    if not isinstance(target, Target):
        made = f"; write `{target.__name__}()`" if isinstance(target, type) else ""
        raise SettingError(f"A target must be a `netwright.Target`, got {target!r}{made}.")
    _check_texts(target)
    MetricName.on("metric", target.name)  # raises for a name that cannot stand there
    if found.setdefault(target.name, target) != target:
        raise SettingError(
            f"The targets of a run must have different names, got two of the name {target.name!r}: "
            f"{found[target.name]!r} and {target!r}. Give one of them another `name`, or make them "
            "equal: a target is a frozen dataclass."
        )


def fingerprint_of(target: Target) -> str:
    """The fingerprint of a target.

    Raises:
        SettingError: It is no text.
    """
    fingerprint: object = target.fingerprint
    if not isinstance(fingerprint, str):
        raise SettingError(
            f"`{type(target).__name__}.fingerprint` must be a text, got {fingerprint!r}."
        )
    return fingerprint


def _check_texts(target: Target) -> None:
    """Refuse a target whose name or metrics are no texts.

    Raises:
        SettingError: Says which.
    """
    kind, metrics = type(target).__name__, target.metrics
    if not isinstance(target.name, str):
        raise SettingError(f"`{kind}.name` must be a text, got {target.name!r}.")
    listed: object = metrics
    if not (isinstance(listed, tuple | list) and listed) or any(
        not isinstance(name, str) for name in metrics
    ):
        raise SettingError(
            f'`{kind}.metrics` must be a tuple of names, one at least, such as ("latency_ms",), '
            f"got {metrics!r}."
        )


def _meant(metric: MetricName, text: str, given: Sequence[Target]) -> Target:
    """The target of a text: that of a name, the only one of a class, or one that it describes."""
    same = [target for target in given if target.name == text]
    of_class = [target for target in given if target.named_by_class and type(target).name == text]
    if len(same or of_class) > 1:
        raise SettingError(
            f"The metric {metric!r} must say which target is meant: "
            f"{' or '.join(target.name for target in of_class)}."
        )
    return next(iter(same or of_class), None) or target_named(text, given, metric)


def _located(
    named: Mapping[str, Target],
    found: Sequence[Target],
    known: Container[str],
    metric: MetricName,
) -> MetricName:
    """The metric with the name of the target that measures it; `named` are those by a text."""
    if metric.target is not None:
        target = named[metric.target]
        if metric.name not in target.metrics:
            raise SettingError(
                f"The target {target.name!r} must be asked for one of "
                f"{', '.join(target.metrics)}, got {metric.name!r}."
            )
        return MetricName.on(metric.name, target.name)
    places = [target.name for target in found if metric.name in target.metrics]
    if not places or metric in known:
        return metric
    if len(places) > 1:
        raise SettingError(
            f"The metric {metric!r} is measured on {' and '.join(places)}: say which one is meant, "
            f"such as {MetricName.on(metric.name, places[0])!r}."
        )
    return MetricName.on(metric.name, places[0])
