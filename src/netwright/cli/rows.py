"""Options that other commands have in common with `search`, in the words that it has for them."""

from __future__ import annotations

from typing import Annotated

import typer

from netwright.cli.options import KNOWN

TestTable = Annotated[str | None, typer.Option(help=KNOWN["test"].help)]
GroupColumn = Annotated[str | None, typer.Option(help=KNOWN["group"].help)]
TimeColumn = Annotated[str | None, typer.Option(help=KNOWN["time"].help)]
LabelColumn = Annotated[str | None, typer.Option(help=KNOWN["label"].help)]
DropRare = Annotated[bool, typer.Option("--drop-rare", help=KNOWN["drop-rare"].help)]
TaskName = Annotated[str | None, typer.Option(help=KNOWN["task"].help)]
DataKind = Annotated[str | None, typer.Option("--kind", help=KNOWN["kind"].help)]
TokenKind = Annotated[str | None, typer.Option("--tokens", help=KNOWN["tokens"].help)]
SoundRate = Annotated[int | None, typer.Option("--rate", help=KNOWN["rate"].help)]
SeriesColumn = Annotated[str | None, typer.Option(help=KNOWN["series"].help)]
ImageSize = Annotated[str | None, typer.Option(help=KNOWN["size"].help)]
ImageFit = Annotated[str | None, typer.Option("--fit", help=KNOWN["fit"].help)]
ImagePage = Annotated[int | None, typer.Option("--page", help=KNOWN["page"].help)]
ChannelsPlace = Annotated[str | None, typer.Option("--channels", help=KNOWN["channels"].help)]
AsJson = Annotated[bool, typer.Option("--json", help=KNOWN["json"].help)]
Quiet = Annotated[bool, typer.Option("--quiet", help=KNOWN["quiet"].help)]
