"""From what the command line says to what `search` takes; the same for a run and its resume."""

from __future__ import annotations

import importlib.util
import sys
from difflib import get_close_matches
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Literal

from netwright.errors import NetwrightError, SettingError, SpaceError


def absolute(call: dict[str, Any]) -> dict[str, Any]:
    """The call with paths that hold from any folder, as it is logged."""
    made = dict(call)
    if Path(str(call["data"])).exists():
        made["data"] = str(Path(call["data"]).absolute())
    if call["space"] and ":" in call["space"]:
        file, _, name = call["space"].rpartition(":")
        made["space"] = f"{Path(file).absolute()}:{name}"
    return made


def arguments(call: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments of `netwright.run.search` for a call.

    Raises:
        NetwrightError: Something of the call is wrong; the message says what.
    """
    from netwright import spaces
    from netwright.data import load
    from netwright.evaluate.training import Training
    from netwright.oneshot.names import search_named

    strategy = search_named("--strategy", call["strategy"])
    limits = dict(parse_limit(text) for text in call["limits"])
    objectives = [parse_objective(text) for text in call["objectives"]] or None
    finals = parse_finals(call["finals"]) if call["finals"] else None
    size = parse_size(call["size"]) if call["size"] else None
    data = load(call["data"], label=call["label"], size=size)
    own = {"epochs": call["trial_epochs"], "full_epochs": call["full_epochs"]}
    training = Training(data, **{key: value for key, value in own.items() if value is not None})
    named = call["space"] or ("convnet" if len(data.shape) == 3 else "mlp")
    if ":" in named:
        space = load_space(named, data.shape, data.classes)
    elif (ready := named.replace("-", "_")) in spaces.__all__:
        space = getattr(spaces, ready)(data.shape, data.classes)
    else:
        near = get_close_matches(named, spaces.__all__, 1)
        raise SettingError(
            f"`--space` must be one of {', '.join(spaces.__all__)}, or FILE.py:FUNCTION, "
            f"got {named!r}" + (f"; did you mean {near[0]!r}?" if near else ".")
        )
    return [space, training], {
        "strategy": strategy,
        "objectives": objectives,
        "limits": limits,
        "finals": finals,
        **{key: call[key] for key in ("trials", "minutes", "epochs", "refit", "workers")},
        "baseline": parse_baseline(call["baseline"]),
        **{key: call[key] for key in ("deterministic", "seed", "store", "run")},
        "warm_start": call.get("warm_start"),
    }


def parse_baseline(given: str | int) -> int | Literal["same"]:
    """A whole number, or `same`."""
    if given == "same":
        return "same"
    try:
        return int(given)
    except ValueError:
        raise SettingError(f"`--baseline` must be a whole number or same, got {given!r}.") from None


def parse_limit(text: str) -> tuple[str, Any]:
    """`metric=value[@target]` as a metric and its bound."""
    from netwright.objective import AtMost
    from netwright.targets.latency import parse_target

    metric, equals, rest = text.partition("=")
    value, at, target = rest.partition("@")
    try:
        bound = float(value)
    except ValueError:
        bound = float("nan")
    if not (metric and equals) or bound != bound:
        raise SettingError(
            f"`--limit` must be metric=value or metric=value@target, got {text!r}; "
            "for example --limit latency_ms=0.5@onnxruntime."
        )
    return metric, AtMost(bound, on=parse_target(target) if at else None)


def parse_objective(text: str) -> Any:
    """A metric's name: it is to be large, or small where a `-` stands before it."""
    from netwright.objective import maximize, minimize

    name = text.lstrip("+-")
    if not name.isidentifier():
        raise SettingError(
            f"`--objective` must be a metric, with a '-' before it if small is good, got {text!r}."
        )
    return minimize(name) if text.startswith("-") else maximize(name)


def parse_finals(text: str) -> list[tuple[int, int]]:
    """`8x10,3x30`: the best 8 for 10 epochs, then the best 3 of those for 30."""
    pairs = [part.split("x") for part in text.split(",")]
    if not all(len(p) == 2 and all(n.isascii() and n.isdigit() for n in p) for p in pairs):
        raise SettingError(f"`--finals` must be like 8x10,3x30 (networks x epochs), got {text!r}.")
    return [(int(count), int(epochs)) for count, epochs in pairs]


def parse_size(text: str) -> tuple[int, int]:
    """`HxW` in pixels."""
    parts = text.split("x")
    if len(parts) != 2 or not all(p.isascii() and p.isdigit() and int(p) > 0 for p in parts):
        raise SettingError(f"`--size` must be HxW in pixels, such as 32x32, got {text!r}.")
    return int(parts[0]), int(parts[1])


def load_space(text: str, inputs: tuple[int, ...], classes: int) -> Any:
    """The space of `FILE.py:FUNCTION` for these data.

    The function is a declaration, `network(choose, inputs, classes)`, or makes a whole space with
    its recipe, `space(inputs, classes)`.

    Raises:
        SpaceError: There is no such file or function, or it makes no space.
    """
    from netwright.space import Space

    function = load_function(text)
    if parameters(function) != 2:
        return Space(function, inputs, classes)
    made = function(inputs, classes)
    if not isinstance(made, Space):
        raise SpaceError(
            f"`--space {text}`: a function of (inputs, classes) must return a `netwright.Space`, "
            f"got {type(made).__name__}; a declaration takes (choose, inputs, classes)."
        )
    return made


def parameters(function: Any) -> int:
    """How many arguments a function must be given by position."""
    try:
        found = signature(function).parameters.values()
    except (TypeError, ValueError):
        return 3
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in found)


def load_function(text: str) -> Any:
    """The function of `FILE.py:FUNCTION`, in a module that workers get by value.

    Raises:
        SpaceError: There is no such file or function, or the file fails when it is run.
    """
    import cloudpickle

    file, _, name = text.rpartition(":")
    path = Path(file)
    if path.suffix != ".py" or not path.is_file():
        raise SpaceError(f"`--space {text}` must name a file FILE.py that exists, got {file!r}.")
    module_name = f"netwright_space_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    sys.path.insert(0, str(path.absolute().parent))
    try:
        spec.loader.exec_module(module)
    except NetwrightError:
        raise
    except Exception as error:
        raise SpaceError(
            f"The file {str(path)!r} fails at line {_line(error, path)}: "
            f"{type(error).__name__}: {error}."
        ) from error
    cloudpickle.register_pickle_by_value(module)
    if not callable(getattr(module, name, None)):
        functions = [
            n
            for n, v in vars(module).items()
            if callable(v) and not n.startswith("_") and getattr(v, "__module__", "") == module_name
        ]
        raise SpaceError(
            f"The file {str(path)!r} has no function {name!r}; it has "
            f"{', '.join(functions) or 'none'}."
        )
    return getattr(module, name)


def _line(error: BaseException, path: Path) -> int:
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    line, trace = 0, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
