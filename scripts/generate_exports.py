"""Write what follows from the exports of the package and from the options of a run.

    python scripts/generate_exports.py [--check] [FOLDER]

FOLDER is a checkout, by default this one. Written are the public names in `netwright/__init__.py`;
names and options for `netwright --help` in `netwright/cli/exported.py`; the arguments in the
docstring of `search`; and the tables of the guide. With --check nothing is written, and the exit
status is 1 if a file is not current.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

SEAMS = {
    "execute": "Executor",
    "oneshot": "OneShot",
    "proxies": "Proxy",
    "stopping": "Stopper",
    "store": "Store",
    "strategies": "Strategy",
    "surrogates": "Predictor",
    "targets": "Target",
    "tasks": "Task",
}
"""Rooms of plug-ins, and the class that says which of their exports are such."""

NAMED = ["strategies", "stopping", "oneshot", "targets", "proxies"]
"""Rooms whose plug-ins have a name on the command line, and a table in the guide."""

PUBLIC = {
    "conversion": ["convert"],
    "data": ["Data"],
    "drawing": ["draw"],
    "errors": ["NetwrightError"],
    "estimators": ["NetClassifier", "NetRegressor", "load"],
    "evaluate.base": ["Evaluator"],
    "evaluate.function": ["Function"],
    "evaluate.training": ["Training"],
    "objective": ["at_least", "at_most", "maximize", "minimize"],
    "run.result": ["Run", "TrainedNetwork"],
    "run.search": ["search"],
    "space": ["Architecture", "Choose", "Space"],
    "supernet": ["Supernet"],
    "surrogates": ["ParametricCurves"],
    "trial": ["Budget"],
}
"""Public names that are no plug-ins of a room with a seam, by their module."""

ROOMS = ["bench", "data", "space", "spaces"]
"""Rooms that are public as they are."""


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    folders = [argument for argument in arguments if argument != "--check"]
    root = Path(folders[0] if folders else Path(__file__).parent.parent).resolve()
    sys.path.insert(0, str(root / "src"))
    stale = 0
    for path, text in generated(root).items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"{path.relative_to(root)} {'is not current' if check else 'is written'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return int(check and stale > 0)


def generated(root: Path) -> dict[Path, str]:
    """Every file that is generated, or has a part that is, as it has to be."""
    package = root / "src" / "netwright"
    front, guide = package / "__init__.py", root / "docs" / "guide.md"
    search = package / "run" / "search.py"
    tables = {f"exported {room}": table(room, SEAMS[room]) for room in NAMED}
    return {
        front: with_parts(front.read_text(encoding="utf-8"), {"exports": front_block()}, "# {}"),
        package / "cli" / "exported.py": cli_module(),
        search: with_arguments(search.read_text(encoding="utf-8")),
        guide: with_parts(guide.read_text(encoding="utf-8"), tables, "<!-- {} -->"),
    }


def with_parts(text: str, parts: dict[str, str], comment: str) -> str:
    """The text with each part between its two markers."""
    for name, part in parts.items():
        begin, end = comment.format(f"begin: {name}"), comment.format(f"end: {name}")
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise SystemExit(f"The markers {begin!r} and {end!r} are not there.")
        head = rest.partition("\n")[0]
        text = f"{before}{begin}{head}\n{part}\n{end}{after}"
    return text


def homes() -> dict[str, str]:
    """The module of each public name."""
    found = {name: module for module, names in PUBLIC.items() for name in names}
    for room, seam_name in SEAMS.items():
        module = import_module(f"netwright.{room}")
        seam = getattr(module, seam_name)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) and issubclass(value, seam):
                found[name] = room
    return found


def front_block() -> str:
    """The imports that a type checker reads, and where a name is imported from when it is used."""
    known = homes()
    imports = [(f"netwright.{module}", name) for name, module in known.items()]
    imports += [("netwright", room) for room in ROOMS]
    lines = ["if TYPE_CHECKING:"]
    for module, name in sorted(imports, key=lambda pair: (pair[0], *as_ruff_sorts(pair[1]))):
        lines.append(f"    from {module} import {name} as {name}")
    lines += ["", "_HOMES = {"]
    lines += [f'    "{name}": "{known[name]}",' for name in sorted(known)]
    rooms = ", ".join(f'"{room}"' for room in ROOMS)
    return "\n".join([*lines, "}", f"_ROOMS = ({rooms})"])


def as_ruff_sorts(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by letters whatever their case."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name.lower())


def with_arguments(text: str) -> str:
    """The module of `search` with what its docstring says of the options, up to `watch`."""
    from netwright.run.options import options_of
    from netwright.run.plan import Plan

    options = options_of(Plan)
    before, _, rest = text.partition(f"        {next(iter(options))}: ")
    _, end, after = rest.partition("        watch: ")
    lines = [
        textwrap.fill(f"{name}: {known.help}", 100, **INDENTS, break_on_hyphens=False)
        for name, known in options.items()
    ]
    return before + "\n".join([*lines, end + after])


INDENTS: dict[str, Any] = {"initial_indent": " " * 8, "subsequent_indent": " " * 12}


def cli_module() -> str:
    """Names and options that `--help` says without importing what they stand for."""
    lines = [
        '"""What the package exports, and the options of a run, for the command line.',
        "",
        "Written by scripts/generate_exports.py from the `__all__` of the rooms and from `Plan`.",
        '"""',
        "",
        "# ruff: noqa: E501",
        "from netwright.cli.declared import Declared",
    ]
    for name, values in listed().items():
        lines += ["", f"{name} = (", *(f'    "{value}",' for value in values), ")"]
    lines += ["", "SEARCH = ("]
    for declared in search_options():
        lines += ["    Declared(", *(f"        {quoted(v)}," for v in declared), "    ),"]
    return "\n".join([*lines, ")", ""])


def listed() -> dict[str, Iterable[str]]:
    """The names of what is exported, by what they are."""
    from netwright import spaces
    from netwright.oneshot.names import ONE_SHOT, PROPOSING
    from netwright.proxies.names import PROXIES
    from netwright.stopping.names import STOPPERS

    return {
        "STRATEGIES": PROPOSING,
        "ONE_SHOTS": ONE_SHOT,
        "STOPPERS": STOPPERS,
        "PROXIES": PROXIES,
        "SPACES": spaces.__all__,
    }


def search_options() -> list[tuple[Any, ...]]:
    """What the command line has to know of each option of a run: see `Declared`."""
    from netwright.run.options import flag_of, options_of
    from netwright.run.plan import Plan

    defaults = {each.name: each.default for each in dataclasses.fields(Plan)}
    hints = get_type_hints(Plan)
    found = []
    for name, known in options_of(Plan).items():
        if known.flag is None:
            continue
        default = defaults[name] if known.cli_default is ... else known.cli_default
        first = known.help.split(". ")[0].rstrip(".")
        text = known.cli_help or f"{first[0].upper()}{first[1:]}."
        text = text.format(**{key: ", ".join(names) for key, names in listed().items()})
        kind = kind_of(hints[name], default)
        default = str(default) if kind == "text" and default is not None else default
        found.append((name, flag_of(name, known), kind, default, text))
    return found


def kind_of(hint: Any, default: Any) -> str:
    """How the command line reads a value of a kind: what is no number or switch is a text."""
    if isinstance(default, list):
        return "texts"
    parts = {part for part in (get_args(hint) or (hint,)) if part is not NoneType}
    kinds = {bool: "switch", int: "whole", float: "number"}
    return kinds.get(parts.pop(), "text") if len(parts) == 1 else "text"


def quoted(value: Any) -> str:
    """A literal as ruff writes it."""
    text = repr(value)
    if isinstance(value, str) and '"' not in value and not text.startswith('"'):
        return f'"{text[1:-1]}"'
    return text


def table(room: str, seam_name: str) -> str:
    """The plug-ins of a room as a table of the guide."""
    from netwright.settings.exports import exported

    module = import_module(f"netwright.{room}")
    arguments = {"stopping": "stopper", "targets": "on", "proxies": "proxies"}
    argument, key = arguments.get(room, "strategy"), "name" if room == "targets" else "cli_name"
    lines = [
        "",
        f"| `{argument}=` | on the command line | | settings | paper |",
        "|---|---|---|---|---|",
    ]
    for made_by in exported(module, getattr(module, seam_name)):
        own = vars(made_by)
        names = [own[key], *own.get("cli_aliases", {})]
        cells = [
            f"`nw.{made_by.__name__}()`",
            ", ".join(f"`{name}`" for name in names),
            (inspect.getdoc(made_by) or "").split("\n")[0].rstrip("."),
            ", ".join(f"`{setting}`" for setting in settings(made_by, module)),
            ", ".join(papers(made_by)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def settings(made_by: type[Any], module: Any) -> list[str]:
    """The fields of a class as `name=default`, without those of exported abstract bases."""
    bases = [getattr(module, name) for name in module.__all__]
    bases = [base for base in bases if inspect.isclass(base) and inspect.isabstract(base)]
    common = {
        (field.name, default_of(field))
        for base in bases
        if issubclass(made_by, base) and dataclasses.is_dataclass(base)
        for field in dataclasses.fields(base)
    }
    own = [(field.name, default_of(field)) for field in dataclasses.fields(made_by)]
    return [f"{name}={default}" for name, default in own if (name, default) not in common]


def default_of(field: dataclasses.Field[Any]) -> str:
    """A default as one writes it on the command line."""
    if field.default_factory is not dataclasses.MISSING:
        return repr(getattr(field.default_factory, "cli_name", field.default_factory()))
    return repr(field.default)


def papers(made_by: type[Any]) -> list[str]:
    """The arXiv numbers that the module of a class names."""
    text = sys.modules[made_by.__module__].__doc__ or ""
    found = dict.fromkeys(re.findall(r"\b(\d{4}\.\d{5})\b", text))
    return [f"[{number}](https://arxiv.org/abs/{number})" for number in found]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
