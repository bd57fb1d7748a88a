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
_INPUTS, _OUTPUTS = (3, 32, 32), 10  # that a space of a user's file is made for


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
    inputs: Annotated[
        str | None, typer.Option(help="Shape of an example, for FILE.py:FUNCTION (3x32x32).")
    ] = None,
    outputs: Annotated[
        int | None, typer.Option(help="Outputs of a network, for FILE.py:FUNCTION (10).")
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
        *_made_for(space, inputs, outputs, quiet=quiet),
    )
    for name in names:  # before a large table is opened
        strategy_named("--strategies", name)
    opens = _opens(comparison)
    found = opens(comparison.table, space)
    comparison.check(found)
    budgets = found.budgets(signal)
    made = {name: strategy_named("--strategies", name, budgets) for name in names}
    count = processes or os.cpu_count() or 1
    if count < 1:
        raise SettingError(f"`--processes` must be at least 1, got {count}.")
    run_all(comparison, made, out, opens, processes=count, told=partial(_tell, quiet))
    _report(out, quiet=quiet, as_json=as_json)


def _made_for(
    space: str | None, inputs: str | None, outputs: int | None, *, quiet: bool
) -> tuple[tuple[int, ...] | None, int | None]:
    """The shape of an example and the outputs that a space of a file is made for; None for others.

    Raises:
        SettingError: They are no sizes, or the space does not ask for them.
    """
    given = "--inputs" if inputs is not None else "--outputs" if outputs is not None else None
    own = space is not None and launch.is_file(space)
    asks = own and launch.parameters(launch.load_function(str(space).partition("(")[0])) > 0
    if not asks:
        if given:
            raise SettingError(
                f"`{given}` is for `--space FILE.py:FUNCTION`, a function of (choose, inputs, "
                f"outputs), got {space!r}, whose networks have sizes of their own."
            )
        return None, None
    sizes = _INPUTS if inputs is None else tuple(map(_size, inputs.lower().split("x")))
    count = _OUTPUTS if outputs is None else outputs
    if count < 1 or 0 in sizes:
        raise SettingError("`--inputs` and `--outputs` must be whole numbers above 0.")
    if not quiet:
        shape = "x".join(map(str, sizes))
        told = "" if given else "; --inputs and --outputs say otherwise"
        typer.echo(f"{space} is made for inputs of {shape} and {count} outputs{told}", err=True)
    return sizes, count


def _size(text: str) -> int:
    if not text.strip().isdecimal():
        raise SettingError(
            f"`--inputs` must be sizes such as 3x32x32, 1x14x14 or 20, got {text!r}."
        )
    return int(text)


def _opens(comparison: Comparison) -> Any:
    """Opens the tables of a comparison, in other processes too."""
    return partial(opened, inputs=comparison.inputs, outputs=comparison.outputs)


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


@bench.command()
def proxies(
    table: Annotated[str, typer.Option(help="A table's file, or the name of one that is shipped.")],
    column: Annotated[str, typer.Option(help="The column to compare scores with.")],
    space: Annotated[
        str | None, typer.Option(help="A ready space or FILE.py:FUNCTION; a saved table says it.")
    ] = None,
    proxy: Annotated[
        list[str] | None, typer.Option(help="A proxy that needs no targets; all if none is named.")
    ] = None,
    sample: Annotated[int, typer.Option(help="Networks to score, drawn at random.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Score networks of a table without training, on random inputs, and compare with a column."""
    import numpy as np

    from netwright.bench.correlations import proxy_correlations
    from netwright.proxies.names import PROXIES, proxies_from

    usual = [name for name, named in PROXIES.items() if not named.made_by.needs_targets]
    chosen = proxies_from("--proxy", proxy or usual)
    if needy := [each.cli_name for each in chosen if each.needs_targets]:
        raise SettingError(
            f"`--proxy` must need no targets, since there are no data here, got {needy[0]!r}; "
            "`nw.bench.proxy_correlations(examples=...)` takes a batch of them."
        )
    opened_table, rng = opened(table, space), np.random.default_rng(seed)
    found = proxy_correlations(opened_table, chosen, column, sample, rng)
    if as_json:
        rows = [{k: None if v != v else v for k, v in vars(each).items()} for each in found]
        typer.echo(json.dumps(rows, allow_nan=False))
        return
    typer.echo(f"{'proxy':16}networks  Spearman  Kendall  seconds", err=True)
    for each in found:
        numbers = f"{each.networks:8}{each.spearman:10.3f}{each.kendall:9.3f}{each.seconds:9.3f}"
        typer.echo(f"{each.proxy:16}{numbers}", err=True)


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


def opened(
    table: str,
    space: str | None,
    *,
    inputs: tuple[int, ...] | None = None,
    outputs: int | None = None,
) -> Table:
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
    return Table.open(path, None if space is None else _space(space, inputs, outputs))


def _space(name: str, inputs: tuple[int, ...] | None, outputs: int | None) -> Any:
    from netwright.bench.table_file import inputs_of
    from netwright.network.signature import Signature
    from netwright.spaces.names import ready_space

    if launch.is_file(name):
        function = launch.load_function(name.partition("(")[0])
        if launch.parameters(function) == 0:
            return function()
        return launch.load_space(name, Signature.single(inputs or _INPUTS, (outputs or _OUTPUTS,)))
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
    table = _opens(comparison)(comparison.table, comparison.space)
    write_page(folder / PAGE, comparison_page(comparison, table, found))
    write_results(comparison, table, found, folder / RESULTS)
    if not quiet:
        typer.echo(terminal_table(comparison, table, found), err=True)
        if repeated := table.isomorphic(comparison.signal).told():
            typer.echo(f"\n{repeated}", err=True)
        typer.echo(f"\n{folder / PAGE}, {folder / RESULTS}", err=True)
    if as_json:
        typer.echo(json.dumps(summary(comparison, table, found), allow_nan=False))
