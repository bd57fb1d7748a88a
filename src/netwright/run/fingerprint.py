"""The settings of a run as JSON: what the log opens with, and what a resumed run must equal."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from netwright.errors import StoreError
from netwright.evaluate.costs import Costs
from netwright.objective import Limit, Objective
from netwright.oneshot import OneShot
from netwright.proxies import Proxy
from netwright.run.options import options_of
from netwright.run.origin import origin_of
from netwright.run.plan import Plan
from netwright.space import Space
from netwright.space.takes import in_json
from netwright.stopping import Stopper
from netwright.strategies import Strategy
from netwright.targets import Target, logged
from netwright.targets.asked import fingerprint_of
from netwright.tasks import upgraded

_FIXED = (
    "space",
    *(name for name, known in options_of(Plan).items() if known.fixed),
    "evaluator",
    "task",
    "data",
)
"""What must be equal to go on with a run."""

_MEMBERS = 8  # networks looked at to see that a declaration still builds the same


def settings_of(plan: Plan) -> dict[str, Any]:
    """Everything that decides what a run does, and where it ran."""
    call, why = origin_of(plan)
    return {
        "netwright": package_version("netwright"),
        "space": _space(plan),
        **_options(plan),
        "fingerprints": {target.name: fingerprint_of(target) for target in plan.targets},
        "networks": plan.space.networks,
        "evaluator": plain(plan.evaluator.settings),
        "task": plain(task.to_json()) if (task := plan.evaluator.task) else None,
        "data": plain(plan.evaluator.data_settings),
        "call": call,
        "not_rebuilt": why,
        "versions": versions(),
        "machine": {"platform": platform.platform(), "cores": os.cpu_count()},
    }


def _options(plan: Plan) -> dict[str, Any]:
    """The options that are logged, by name; some are in an object of their own."""
    found: dict[str, Any] = {}
    for name, known in options_of(plan).items():
        if known.logged:
            place = found.setdefault(known.group, {}) if known.group else found
            place[name] = _logged(getattr(plan, name))
    if plan.executor is not None:
        found["workers"] = plan.executor.slots
    return found


def _logged(value: Any) -> Any:
    """The value of an option as JSON."""
    match value:
        case Strategy() | OneShot() | Stopper() | Proxy():
            return {"name": type(value).__name__, "settings": plain(fields_of(value))}
        case Objective():
            return {"metric": value.metric, "direction": value.direction}
        case Limit():
            least = {"least": True} if value.least else {}
            return {"metric": value.metric, "bound": value.bound, **least}
        case Target():
            settings = plain(fields_of(value))
            return {"name": value.name, "kind": type(value).__name__, "settings": settings}
        case tuple():
            return [_logged(each) for each in value]
    return plain(value)


def _space(plan: Plan) -> dict[str, Any]:
    space = plan.space
    return {
        "name": space.name,
        "digest": space.digest,
        "members": _members(space),
        "inputs": in_json(space.inputs),
        "outputs": in_json(space.outputs),
        "count": space.size(),
        "choices": [
            {"name": c.name, "kind": c.kind, "options": [plain(o) for o in c.options]}
            for c in space.choices.values()
        ],
    }


def check_same(run: str, then: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to continue a run with other settings than it was begun with.

    Budgets, workers and versions may differ. With another torch the operations of the members are
    not compared, since torch may name them anew.

    Raises:
        StoreError: Names the first setting that differs and both its values.
    """
    then = logged.upgraded(upgraded(then))
    names = [{"name": target["name"]} for target in now["targets"]]
    if then["targets"] == names:  # whose settings were not logged
        then["targets"] = now["targets"]
    if then["versions"].get("torch") != now["versions"].get("torch"):
        now = now | {"space": now["space"] | {"members": then["space"].get("members")}}
    old, new = then["space"], now["space"]
    if old["digest"] == new["digest"] and old.get("members") != new["members"]:
        raise StoreError(
            f"The run {run!r} cannot go on with another network: the declaration of the space "
            f"{new['name']!r} has the same choices as before but builds other layers. "
            "Undo the change, or begin a new run with another name."
        )
    for key in _FIXED:
        before, given = comparable(key, then.get(key)), comparable(key, now[key])
        if before != given:
            was, now_is = _difference(before, given)
            raise StoreError(
                f"The run {run!r} cannot go on with another {key}: it was begun with {was}, now it "
                f"is {now_is}. Give the same settings, or begin a new run with another name."
            )


def comparable(key: str, setting: Any) -> Any:
    """Return what of a setting must be equal to that of another run.

    Of a task that is all but its metrics, which may become more. Of data with a digest that is all
    but where they were read from, and what the label is called: the same rows may be reached by a
    relative path, an absolute one, or after they were moved.
    """
    if key == "task" and setting:
        return {name: value for name, value in setting.items() if name != "metrics"}
    if key == "proxies":
        return setting or []  # a log of before there were any has none
    if key != "data" or not setting or not setting.get("digest"):
        return setting
    return {
        name: value for name, value in setting.items() if name not in ("name", "source", "label")
    }


def _members(space: Space) -> str:
    """A digest of what some members compute, which changes when the declaration's layers do."""
    rng = np.random.default_rng(0)
    known = Costs(space)
    drawn = [space.smallest(), *(space.sample(rng) for _ in range(_MEMBERS))]
    keys = [known.admit(architecture).key for architecture in drawn]
    return hashlib.sha256("".join(keys).encode()).hexdigest()[:16]


def package_version(name: str) -> str | None:
    """The installed version of a package, None if there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    names = ("torch", "numpy", "scikit-learn", "onnx", "onnxruntime")
    found = {name: package_version(name) for name in names}
    return {"python": platform.python_version()} | {k: v for k, v in found.items() if v}


def fields_of(settings: object) -> dict[str, Any]:
    """The fields of a dataclass by name, empty for anything else."""
    if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
        return {}
    return {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}


def plain(value: Any) -> Any:
    """A value as JSON has it: tuples become lists, dataclasses objects, the rest text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(fields_of(value))
    return str(value)


def _difference(then: Any, now: Any) -> tuple[str, str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted(then.keys() | now.keys()):
            if then.get(key) != now.get(key):
                return f"{key}={_short(then.get(key))}", f"{key}={_short(now.get(key))}"
    return _short(then), _short(now)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
