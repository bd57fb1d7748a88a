"""`netwright bench`: strategies compared on tables of networks that were trained before."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright.cli import launch
from netwright.errors import DataError, SettingError

if TYPE_CHECKING:
    from netwright.bench import Table
    from netwright.bench.compare import Comparison

bench = typer.Typer(help="Compare strategies on tables of trained networks.", no_args_is_help=True)

RESULTS, PAGE = "results.parquet", "report.html"


@bench.command()
def run(
    table: Annotated[str, typer.Option(help="A table's file, or the name of one that is shipped.")],
    strategies: Annotated[
        str, typer.Option(help="Names, with settings or without, as auto,npenas(members=3).")
    ],
    signal: Annotated[str, typer.Option(help="The column that strategies see, to be large.")],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    space: Annotated[
        str | None, typer.Option(help="A ready space or FILE.py:FUNCTION; a saved table says it.")
    ] = None,
    report: Annotated[str, typer.Option(help="Columns to report of the best (signal).")] = "",
    minimize: Annotated[
        str | None, typer.Option(help="A second objective: a column to be small.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Searches of each strategy.")] = 50,
    evaluations: Annotated[int | None, typer.Option(help="Budget in networks.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Budget in simulated seconds.")] = None,
    cost: Annotated[str | None, typer.Option(help="Column with the seconds of a network.")] = None,
    workers: Annotated[int, typer.Option(help="Simulated workers.")] = 1,
    processes: Annotated[int | None, typer.Option(help="Processes (default: cores).")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing on the way.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Search a table with each strategy, many times, and report what each is worth.

    A run that was stopped goes on with the same command; more seeds may be asked for later.
    """
    from netwright.bench.compare import Comparison
    from netwright.bench.compare import run as run_all
    from netwright.oneshot.names import strategy_named
    from netwright.settings.literal import split_calls

    if seconds is not None and cost is None:
        raise SettingError("`--seconds` must be told --cost, the column with a network's seconds.")
    names = tuple(split_calls(strategies))
    comparison = Comparison(
        str(Path(table).absolute()) if Path(table).exists() else table,
        space,
        names,
        seeds,
        signal,
        tuple(name.strip() for name in report.split(",") if name.strip()),
        evaluations,
        seconds,
        cost,
        workers,
        minimize,
    )
    for name in names:  # before a large table is opened
        strategy_named("--strategies", name)
    found = opened(comparison.table, space)
    comparison.check(found)
    budgets = found.budgets(signal)
    made = {name: strategy_named("--strategies", name, budgets) for name in names}
    count = processes or os.cpu_count() or 1
    if count < 1:
        raise SettingError(f"`--processes` must be at least 1, got {count}.")
    run_all(comparison, made, out, opened, processes=count, told=partial(_tell, quiet))
    _report(out, quiet=quiet, as_json=as_json)


def _tell(quiet: bool, done: int, of: int) -> None:
    """Say now and then how many searches have ended."""
    if not quiet and (done == of or done % max(1, of // 20) == 0):
        typer.echo(f"{done:,} of {of:,} searches", err=True)


@bench.command(name="report")
def report_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a bench run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write the page and the table of the searches that have ended so far."""
    _report(folder, quiet=False, as_json=as_json)


@bench.command(name="import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Published tables of one space.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write, ending in .safetensors.")],
    space: Annotated[
        str | None, typer.Option(help="Which networks, in a file of several spaces.")
    ] = None,
) -> None:
    """Check published tables and write them as one file that opens at once.

    Of several files the columns are put side by side, for the networks of the first.
    """
    from netwright.bench.importers import import_table

    if out.suffix != ".safetensors":
        raise SettingError(f"`--out` must end in .safetensors, got {str(out)!r}.")
    table = import_table(*files, space=space)
    table.save(out)
    typer.echo(
        f"{out}: {len(table):,} rows of {table.space.name}, columns {', '.join(table.columns)}",
        err=True,
    )


@bench.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the strategies, the tables that are shipped, and the published ones that are read."""
    from netwright.bench.importers import FORMATS, OFFICIAL
    from netwright.oneshot.names import PROPOSING

    body = {
        "strategies": PROPOSING,
        "tables": shipped(),
        "imports": [*OFFICIAL, *(f"{f.name}: {', '.join(sorted(f.columns))}" for f in FORMATS)],
    }
    if as_json:
        typer.echo(json.dumps(body))
        return
    typer.echo(f"strategies  {', '.join(PROPOSING)}", err=True)
    typer.echo(f"tables      {', '.join(shipped()) or 'none'}", err=True)
    for known in body["imports"]:
        typer.echo(f"import      {known}", err=True)


def shipped() -> list[str]:
    """The names of the tables that come with the package."""
    import netwright.bench

    return sorted(p.stem for p in Path(netwright.bench.__path__[0]).glob("*.safetensors"))


def opened(table: str, space: str | None) -> Table:
    """The table of a name or file.

    Raises:
        NetwrightError: There is none, or its space is not known.
    """
    import netwright.bench
    from netwright.bench import Table
    from netwright.bench.importers import import_table, is_published

    if table in shipped():
        return Table.open(Path(netwright.bench.__path__[0]) / f"{table}.safetensors")
    path = Path(table)
    if not path.is_file():
        named = f", or one of {', '.join(shipped())}" if shipped() else ""
        raise DataError(f"`--table` must be a file that exists{named}, got {table!r}.")
    if path.suffix != ".safetensors" and is_published(path):
        return import_table(path)
    if space is None and path.suffix != ".safetensors":
        raise SettingError(
            f"`--table {table}` must have --space beside it: a ready space, or FILE.py:FUNCTION."
        )
    return Table.open(path, None if space is None else _space(space))


def _space(name: str) -> Any:
    from netwright.bench.table_file import inputs_of
    from netwright.network.signature import Signature
    from netwright.spaces.names import ready_space

    if launch.is_file(name):
        function = launch.load_function(name.partition("(")[0])
        if launch.parameters(function) == 0:
            return function()
        return launch.load_space(name, Signature.single((3, 32, 32), (10,)))
    return ready_space("--space", name, *inputs_of(name))


def _report(folder: Path, *, quiet: bool, as_json: bool) -> None:
    from netwright.bench.compare import by_strategy, load, read
    from netwright.bench.page import comparison_page
    from netwright.bench.results import summary, terminal_table, write_results
    from netwright.report.page import write_page

    comparison: Comparison = load(folder)
    found = by_strategy(comparison, list(read(folder)))
    if not any(found.values()):
        raise DataError(f"{folder} has no search that has ended yet.")
    table = opened(comparison.table, comparison.space)
    write_page(folder / PAGE, comparison_page(comparison, table, found))
    write_results(comparison, table, found, folder / RESULTS)
    if not quiet:
        typer.echo(terminal_table(comparison, table, found), err=True)
        typer.echo(f"\n{folder / PAGE}, {folder / RESULTS}", err=True)
    if as_json:
        typer.echo(json.dumps(summary(comparison, table, found), allow_nan=False))
