"""From what the command line says to a plan; the same for a run and its resume."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from netwright.cli import exported
from netwright.errors import NetwrightError, SettingError, SpaceError
from netwright.settings.literal import Call, parse_call, parse_settings
from netwright.settings.making import checked
from netwright.settings.making import made as made_from

if TYPE_CHECKING:
    from netwright.data import Data
    from netwright.evaluate.base import Evaluator
    from netwright.network.signature import Signature
    from netwright.run.plan import Plan


_OF_ROWS = ("test", "group", "time", "drop_rare", "series")
"""Options that say which rows of a table are in which part."""


_OF_PICTURES = ("fit", "page", "channels")
"""Options that say how pictures are read."""


def absolute(call: dict[str, Any]) -> dict[str, Any]:
    """The call with paths that hold from any folder, as it is logged."""
    made = dict(call)
    if Path(str(call["data"])).exists():
        made["data"] = str(Path(call["data"]).absolute())
    if isinstance(parse_test(call.get("test")), str):
        made["test"] = str(Path(call["test"]).absolute())
    if call["space"] and is_file(call["space"]):
        file, name = split_file(call["space"])
        made["space"] = f"{Path(file).absolute()}:{name}"
    return made


def plan_of(call: Mapping[str, Any]) -> Plan:
    """What a run of a call is to do; a call that was logged earlier may lack options.

    Raises:
        NetwrightError: Something of the call is wrong; the message says what.
    """
    from netwright.network.signature import Signature
    from netwright.run.plan import Plan
    from netwright.space import ensembled
    from netwright.spaces.names import default_space, ready_space
    from netwright.targets.asked import target_named

    given: dict[str, Any] = {}
    for name in (declared.name for declared in exported.SEARCH):
        value = call.get(name)
        if value not in (None, []) or (name == "finals" and value == []):
            given[name] = READERS.get(name, _same)(value)
    if call.get("targets") is not None:  # of a run that was begun from Python
        given["targets"] = [target_named(name) for name in call["targets"]]
    evaluator: Evaluator
    if call.get("evaluator") is not None:
        evaluator, signature = _function(call["evaluator"]), Signature.from_json(call["signature"])
    else:
        data = data_of(call)
        if call.get("ensemble") is not None and call["ensemble"] < 2:
            raise SettingError(
                f"`--ensemble` must be a whole number, at least 2, got {call['ensemble']}."
            )
        evaluator = _training(data, training_settings(call), call.get("ensemble"))
        signature = data.signature
    named = call["space"] or default_space(signature, getattr(evaluator, "data", None))
    if named.endswith(".py"):
        raise SettingError(
            f"`--space` must name the function in the file, as {named}:FUNCTION, got {named!r}."
        )
    if is_file(named):
        space = load_space(named, signature, call.get("space_name"))
    else:
        space = ready_space("--space", named, *sizes_of(signature))
    if call.get("ensemble") is not None:
        space = ensembled(space, call["ensemble"])
    return Plan(space, evaluator, call=call, **given)


def _training(data: Data, settings: dict[str, Any], networks: int | None) -> Evaluator:
    """The training; of an ensemble it has a fold for each network, where it has folds."""
    from netwright.evaluate.training import Training

    training: Training = made_from("--training", Call("", settings), Training, given=[data])
    if networks and training.folds > 1 and "folds" not in settings:
        return replace(training, folds=networks, repeats=1)
    return training


def data_of(call: Mapping[str, Any]) -> Data:
    """The data of a call.

    Raises:
        NetwrightError: They cannot be used, or an option does not belong to them.
    """
    from netwright.data import load

    size = parse_size(call["size"]) if call["size"] else None
    read = {name: call[name] for name in _OF_PICTURES if call.get(name) is not None}
    split = {name: call[name] for name in _OF_ROWS if call.get(name)}
    if "test" in split:
        split["test"] = parse_test(split["test"])
    split |= call.get("split", {})
    task = parse_task(call.get("task"))
    split |= {name: call[name] for name in ("kind", "tokens", "rate", "series") if call.get(name)}
    return load(call["data"], label=call["label"], size=size, task=task, **split, **read)


def parse_task(text: str | None) -> Any:
    """The name of a task, or a task where settings stand with it: `regression(extra='r2')`."""
    from netwright.tasks import Classification, MultiLabel, Regression

    known = {"classification": Classification, "multilabel": MultiLabel, "regression": Regression}
    if text is None or "(" not in text:
        return text
    call = parse_call("--task", text)
    if call.name not in known:
        raise SettingError(f"`--task` must be one of {', '.join(known)}, got {call.name!r}.")
    return made_from("--task", call, known[call.name])


def _function(given: Mapping[str, Any]) -> Evaluator:
    """The evaluator of functions that are named as `FILE.py:FUNCTION`."""
    from netwright.evaluate.function import Function

    def bound(text: str) -> Any:
        file, function_text = split_file(text)
        call = parse_call("--training", function_text)
        function = load_function(f"{file}:{call.name}")
        return partial(function, **call.settings) if call.settings else function

    score = None if given["score"] is None else bound(given["score"])
    return Function(bound(given["train"]), given["epochs"], given["full_epochs"], score)


def training_settings(call: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the training that a call gives, by `--training` and by options of their own.

    Raises:
        SettingError: `--training` cannot be read, or a setting is given twice.
    """
    found = parse_settings("--training", call.get("training") or "")
    for option, name in {"trial_epochs": "epochs", "full_epochs": "full_epochs"}.items():
        if call.get(option) is None:
            continue
        if name in found:
            raise SettingError(
                f"`--training` must not have {name} beside `--{option.replace('_', '-')}`, "
                f"got {call['training']!r}."
            )
        found[name] = call[option]
    return found


def parse_baseline(given: str | int) -> int | Literal["same"]:
    """A whole number, or `same`."""
    if given == "same":
        return "same"
    try:
        return int(given)
    except ValueError:
        raise SettingError(f"`--baseline` must be a whole number or same, got {given!r}.") from None


def parse_limit(text: str) -> Any:
    """`metric=value`, `metric@target=value`, `metric@target(key=value)=value` or `proxy>=value`."""
    from netwright.objective import at_least, at_most
    from netwright.targets.asked import target_named

    metric, equals, value = text.rpartition("=")
    least = metric.endswith(">")
    metric = metric.removesuffix(">")
    try:
        bound = float(value)
    except ValueError:
        bound = float("nan")
    whole = metric.count("(") == metric.count(")")  # else the value is a setting's
    if metric and equals and whole and bound != bound:
        raise SettingError(
            f"`--limit {metric}=...` must be a number such as 200000 or 0.5, got {value!r}."
        )
    if not (metric and equals and whole):
        raise SettingError(
            f"`--limit` must be metric=value, metric@target=value or proxy>=value, got {text!r}; "
            "for example --limit latency_ms@onnxruntime=0.5."
        )
    if least:
        return at_least(metric, bound)
    limit = at_most(metric, bound)
    if limit.metric.target is not None:
        target_named(limit.metric.target, option="--limit")  # refuses what is none
    return limit


def parse_objective(text: str) -> Any:
    """A metric's name: it is to be large, or small where a `-` stands before it."""
    from netwright.objective import maximize, minimize
    from netwright.targets.asked import target_named

    name = text.lstrip("+-")
    if not name.partition("@")[0].isidentifier():
        raise SettingError(
            "`--objective` must be a metric or metric@target, with a '-' before it if small is "
            f"good, got {text!r}."
        )
    objective = minimize(name) if text.startswith("-") else maximize(name)
    if objective.metric.target is not None:
        target_named(objective.metric.target, option="--objective")  # refuses what is none
    return objective


def parse_finals(text: str | list[list[int]]) -> list[tuple[int, int]]:
    """`8x10,3x30`: the best 8 for 10 epochs, then the best 3 of those for 30; `none`; or pairs."""
    if not isinstance(text, str):
        return [(count, epochs) for count, epochs in text]
    if text == "none":
        return []
    pairs = [part.split("x") for part in text.split(",")]
    if not all(len(p) == 2 and all(n.isascii() and n.isdigit() for n in p) for p in pairs):
        raise SettingError(
            f"`--finals` must be like 8x10,3x30 (networks x epochs), or none, got {text!r}."
        )
    return [(int(count), int(epochs)) for count, epochs in pairs]


READERS: Mapping[str, Callable[[Any], Any]] = {
    "limits": lambda texts: list(map(parse_limit, texts)),
    "objectives": lambda texts: list(map(parse_objective, texts)),
    "finals": parse_finals,
    "baseline": parse_baseline,
}
"""Of options that are written otherwise than in Python."""


def _same(value: Any) -> Any:
    return value


def parse_size(text: str) -> tuple[int, int]:
    """`HxW` in pixels, or one number for both."""
    parts = text.split("x") if "x" in text else [text, text]
    if len(parts) != 2 or not all(p.isascii() and p.isdigit() and int(p) > 0 for p in parts):
        raise SettingError(
            f"`--size` must be HxW in pixels, such as 32x32, or 32 for both, got {text!r}."
        )
    return int(parts[0]), int(parts[1])


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def parse_test(text: str | None) -> float | str | None:
    """A share of the rows where it is written as a number, else a path: a file `0` is `./0`."""
    if text is None or _NUMBER.fullmatch(text) is None:
        return text
    return int(text) if text.isdigit() else float(text)


def is_file(space: str) -> bool:
    """Whether a space is said as `FILE.py:FUNCTION`, with settings or without."""
    return ".py:" in space or ":" in space.partition("(")[0]


def split_file(text: str) -> tuple[str, str]:
    """The file and the function of `FILE.py:FUNCTION(key=value, ...)`."""
    if ".py:" in text:
        file, _, function = text.partition(".py:")
        return f"{file}.py", function
    file, _, function = text.rpartition(":")
    return file, function


def sizes_of(signature: Signature) -> tuple[tuple[int, ...], int]:
    """What a function of (inputs, outputs) is given: the shape of an example, and a number."""
    return signature.input.sizes, signature.output.sizes[-1]


def load_space(text: str, signature: Signature, name: str | None = None) -> Any:
    """The space of `FILE.py:FUNCTION` for these data.

    The function is a declaration, `network(choose, inputs, outputs)`, or makes a whole space with
    its recipe, `space(inputs, outputs)`; either may have settings after these, which are given as
    `FILE.py:FUNCTION(key=value)`. `name` is what a declaration's space is called, if not as it.

    Raises:
        SpaceError: There is no such file or function, or it makes no space.
        SettingError: A setting is unknown or of another kind.
    """
    from torch import nn

    from netwright.space import Space

    file, function_text = split_file(text)
    call = parse_call("--space", function_text)
    function = load_function(f"{file}:{call.name}", "--space ")
    if isinstance(function, nn.Module):
        raise SpaceError(
            f"`--space {text}` must name a function, got a model of the class "
            f"{type(function).__name__}; write `def space(inputs, outputs): return "
            f"netwright.convert({call.name}, example)` there, and give its name."
        )
    if parameters(function) != 2:
        settings = checked("--space", call, function, 3)
        declaration = partial(function, **settings) if settings else function
        return Space(declaration, signature, name=name or call.name)
    made = made_from("--space", call, function, given=sizes_of(signature))
    if not isinstance(made, Space):
        raise SpaceError(
            f"`--space {text}`: a function of (inputs, outputs) must return a `netwright.Space`, "
            f"got {type(made).__name__}; a declaration takes (choose, inputs, outputs)."
        )
    return made


def parameters(function: Any) -> int:
    """How many arguments a function must be given by position."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 3
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in found)


def load_function(text: str, option: str = "") -> Any:
    """The function of `FILE.py:FUNCTION`, in a module that workers get by value.

    `option` is what an error says the text was given to, with a space after it.

    Raises:
        SpaceError: There is no such file or function, or the file fails when it is run.
    """
    import cloudpickle

    from netwright.run.origin import importing

    file, name = split_file(text)
    path = Path(file)
    if path.suffix != ".py" or not path.is_file():
        raise SpaceError(f"`{option}{text}` must name a file FILE.py that exists, got {file!r}.")
    module_name = f"netwright_space_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    folder = str(path.absolute().parent)
    sys.path.insert(0, folder)
    try:
        with importing(str(path)):
            spec.loader.exec_module(module)
    except NetwrightError:
        raise
    except (Exception, SystemExit) as error:
        raise SpaceError(
            f"The file {str(path)!r} fails at line {_line(error, path)}: "
            f"{type(error).__name__}: {error}."
        ) from error
    finally:  # what the file did not import itself is not looked for beside it first
        sys.path.remove(folder)
        sys.path.append(folder)
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
