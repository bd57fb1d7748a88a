"""How an option of a run is declared: once, as a field of `Plan` with its rule, help and default.

`search`, the command line, settings files, the log and what a resumed run must equal follow from
the field; see `scripts/generate_exports.py` for what is written into files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from netwright.settings.rules import Rule


@dataclass(frozen=True)
class Option:
    """What is known of an option beside its name, kind and default.

    `help` is what the docstring of `search` says, and its first sentence what `--help` does, if
    that has no `cli_help` of its own; there `{STRATEGIES}` stands for their names. `flag` is the
    name on the command line, None for none; `cli_default` the default there, if it is another.
    With `fixed` a run is resumed with the same value only; `group` is the object of the log's
    settings that has it, and without `logged` it is not there.
    """

    help: str
    rule: Rule | None = None
    flag: str | None = ""
    cli_help: str = ""
    cli_default: Any = ...
    fixed: bool = False
    logged: bool = True
    group: str = ""


def option(default: Any, help: str, **known: Any) -> Any:
    """A field that is an option of a run; `known` are fields of `Option`."""
    return field(default=default, metadata={"option": Option(help, **known)})


def options_of(plan: type[Any] | object) -> Mapping[str, Option]:
    """The options of a plan by name, in their order."""
    return {
        each.name: each.metadata["option"]
        for each in fields(plan)  # type: ignore[arg-type]
        if "option" in each.metadata
    }


def flag_of(name: str, known: Option) -> str:
    """What an option is called on the command line."""
    return known.flag or f"--{name.replace('_', '-')}"
