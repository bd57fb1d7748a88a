"""The commands. Whatever needs torch is imported when a command runs, so that help is quick."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netwright import __version__
from netwright.cli import launch, output
from netwright.cli.bench import bench
from netwright.cli.exports import predict, retrain
from netwright.cli.looks import data
from netwright.cli.search import carry_out, search
from netwright.cli.words import in_options
from netwright.errors import DataError, SpaceError, StoreError

if TYPE_CHECKING:
    from netwright.record.record import Record
    from netwright.run.plan import Plan
    from netwright.run.result import Run

app = typer.Typer(
    name="netwright",
    help="Find the neural network for your data and your device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(search)
app.command()(data)
app.command()(predict)
app.command()(retrain)
app.add_typer(bench, name="bench")

StoreFile = Annotated[str, typer.Option("--store", help="Where the runs are: a file or a URL.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The run's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing on the way.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"netwright {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


@app.command()
def resume(
    run: RunName,
    store: StoreFile = "netwright.db",
    out: Annotated[Path | None, typer.Option(help="Folder for the network.")] = None,
    trials: Annotated[
        int | None, typer.Option(help="Trials of all of it, in place of its budget.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Minutes of all of it, likewise.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of all of it, likewise.")] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was interrupted or killed, or with more trials after its end."""
    bounds = {"trials": trials, "minutes": minutes, "epochs": epochs}
    given = any(bound is not None for bound in bounds.values())
    plan = _plan(_record(store, run), store, bounds if given else {})
    carry_out(plan, out or Path(f"netwright-{run}"), quiet=quiet, as_json=as_json)


@app.command()
def status(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="All runs if none.")] = None,
    store: StoreFile = "netwright.db",
    as_json: AsJson = False,
) -> None:
    """Say how a run stands, or list all runs."""
    if run is not None:
        record = _record(store, run)
        if as_json:
            typer.echo(json.dumps(output.document(record), allow_nan=False))
            return
        reason = f" ({in_options(record.reason)})" if record.reason else ""
        typer.echo(f"{record.name}: {record.status}{reason}", err=True)
        typer.echo("\n".join(output.result_lines(record)), err=True)
        return
    from netwright.record.reading import read_record
    from netwright.store import open_store

    opened = open_store(store, create=False)
    records = [read_record(opened, name) for name in opened.runs()]
    if as_json:
        runs = [{"run": r.name, "status": r.status, "trials": len(r.history)} for r in records]
        typer.echo(json.dumps({"runs": runs}))
    else:
        typer.echo("\n".join(map(output.run_line, records)) or "There are no runs.", err=True)


@app.command()
def export(
    run: RunName,
    out: Annotated[Path, typer.Option(help="Folder for the network.")],
    store: StoreFile = "netwright.db",
) -> None:
    """Put the best network of a run into a folder."""
    from netwright.run.conclude import is_exported, place_exported
    from netwright.store import open_store

    record = _record(store, run)
    best = record.best
    if best is None:
        raise StoreError(f"The run {run!r} has no network yet: no trial ended well.")
    opened = open_store(store, create=False)
    if is_exported(opened, record, best):
        place_exported(opened, run, best.number, out)
    else:
        _rebuilt(record, store).export(out)
    typer.echo(f"The network of run {run} is in {out}/.", err=True)


@app.command()
def best_for(
    run: RunName,
    limit: Annotated[
        list[str], typer.Option(help="As latency_ms@onnxruntime=0.5; may be repeated.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the network.")],
    scored: Annotated[int, typer.Option(help="Networks to score by the shared weights.")] = 100,
    epochs: Annotated[int, typer.Option(help="Epochs to tune the network for.")] = 0,
    store: StoreFile = "netwright.db",
    as_json: AsJson = False,
) -> None:
    """Put a network for other limits into a folder, from a one-shot run's shared weights."""
    limits = list(map(launch.parse_limit, limit))
    made = _rebuilt(_record(store, run), store).best_for(limits, scored=scored, epochs=epochs)
    made.export(out)
    if as_json:
        answers = dict(made.architecture.answers)
        typer.echo(json.dumps({"run": run, "architecture": answers, "metrics": dict(made.metrics)}))
    else:
        told = ", ".join(f"{name} {value:.5g}" for name, value in made.metrics.items())
        typer.echo(f"The network is in {out}/: {told}.", err=True)


def _rebuilt(record: Record, store: str) -> Run:
    """A run with its space and data, from the call it was begun with."""
    from netwright.run.search import opened

    return opened(_plan(record, store))


def _plan(record: Record, store: str, bounds: Mapping[str, float | None] | None = None) -> Plan:
    """What a run is to do, from the call it was begun with; `bounds` take the place of its own."""
    call = record.settings["call"]
    if call is None:
        from netwright.run.origin import cannot_go_on

        raise StoreError(cannot_go_on(record.name, record.settings.get("not_rebuilt")))
    try:
        return launch.plan_of(call | {"store": store, "run": record.name, **(bounds or {})})
    except (DataError, SpaceError) as error:
        raise type(error)(
            f"The run {record.name!r} cannot be built again from what its log names: {error}"
        ) from error


@app.command()
def report(
    run: RunName,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
    store: StoreFile = "netwright.db",
) -> None:
    """Write the report of a run: one HTML page that opens offline."""
    from netwright.report import write_report

    record = _record(store, run)
    write_report(record, out)
    typer.echo(f"The report of run {run} is {out}.", err=True)


@app.command()
def show(
    run: RunName,
    store: StoreFile = "netwright.db",
    trial: Annotated[int | None, typer.Option(help="Another trial than the best.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also draw to .svg or .png.")] = None,
) -> None:
    """Draw a network of a run, as text and as a picture."""
    from netwright.drawing import Sketch, draw_sketch, sketch, text_tree

    record = _record(store, run)
    found = next((t for t in record.history if t.number == trial), None)
    chosen = record.best if trial is None else found
    if chosen is None:
        what = "no network yet" if trial is None else f"no trial {trial}"
        raise StoreError(f"The run {run!r} has {what}.")
    if chosen.number in record.sketches:
        drawn = Sketch.from_json(record.sketches[chosen.number])
    else:
        space = _rebuilt(record, store).plan.space
        drawn = sketch(space.build(chosen.architecture, seed=0), space.signature)
    answers = [f"  {name} = {answer}" for name, answer in chosen.architecture.answers.items()]
    typer.echo(f"trial {chosen.number} of run {run}\n" + "\n".join(answers) + "\n")
    typer.echo(text_tree(drawn))
    if out is not None:
        draw_sketch(drawn, out)
        typer.echo(f"Drawn to {out}.", err=True)


def _record(store: str, run: str) -> Record:
    from netwright.record.reading import read_record
    from netwright.store import open_store

    return read_record(open_store(store, create=False), run)


def main() -> None:
    """The entry point: errors are one sentence, exit statuses are the contract."""
    from netwright.cli.exits import guarded, in_utf8

    in_utf8()
    sys.exit(guarded(app))
