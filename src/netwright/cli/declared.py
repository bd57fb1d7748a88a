"""How an option of `netwright search` is declared; its help and settings files follow from it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter
from typing import Annotated, Any, NamedTuple

import typer

_KINDS: dict[str, tuple[Any, tuple[type, ...]]] = {
    "text": (str, (str,)),
    "text or number": (str, (str, int, float)),
    "texts": (list[str], (list, str)),
    "whole": (int, (int,)),
    "number": (float, (int, float)),
    "switch": (bool, (bool,)),
}


class Declared(NamedTuple):
    """An option: `name` is what the program calls it, `flag` what the command line does.

    A `kind` is text, "text or number", texts (the option may be repeated), whole, number or switch.
    """

    name: str
    flag: str
    kind: str
    default: Any
    help: str

    @property
    def in_files(self) -> str:
        """The name in a settings file."""
        return self.flag.removeprefix("--")

    @property
    def types(self) -> tuple[type, ...]:
        """The types that a settings file may give it; a text with a whole default may be whole."""
        _, types = _KINDS[self.kind]
        return (*types, int) if self.kind == "text" and str(self.default).isdigit() else types

    def parameter(self, callback: Callable[..., Any] | None = None) -> Parameter:
        """The option as Typer reads it from a signature; one with a callback is read first."""
        flag = self.flag
        if self.kind == "switch" and self.default is not False:
            flag = f"{flag}/--no-{self.in_files}"
        kind, _ = _KINDS[self.kind]
        hint = kind if self.default is not None else kind | None
        eager = callback is not None
        option = typer.Option(flag, help=self.help, callback=callback, is_eager=eager)
        return Parameter(
            self.name,
            Parameter.KEYWORD_ONLY,
            default=self.default,
            annotation=Annotated[hint, option],
        )
