"""The commands. Whatever needs torch is imported when a command runs, so that help is quick."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright import __version__
from netwright.cli import exported, launch, options, output
from netwright.cli.bench import bench
from netwright.errors import SettingError, StoreError

if TYPE_CHECKING:
    from netwright.record.record import Record
    from netwright.run.search import Run

app = typer.Typer(
    name="netwright",
    help="Find the neural network for your data and your device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(bench, name="bench")

StoreFile = Annotated[str, typer.Option("--store", help="Where the runs are: a file or a URL.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The run's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing on the way.")]
DEFAULTS: dict[str, Any] = {
    "strategy": "auto",
    "limit": [],
    "objective": [],
    "baseline": 0,
    "deterministic": False,
    "seed": 0,
    "store": "netwright.db",
    "quiet": False,
    "json": False,
}
MINUTES = 10.0


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(name for name in names if name != DEFAULTS["strategy"])


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
def search(
    data: Annotated[str | None, typer.Option(help="fashion14, digits, or a path.")] = None,
    space: Annotated[
        str | None,
        typer.Option(
            help=f"FILE.py:FUNCTION or a ready space, {_listed(exported.SPACES)}; default by the "
            "data."
        ),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help=f"auto (default), or {_listed(exported.STRATEGIES)}; or a one-shot search: "
            f"{_listed(exported.ONE_SHOTS)}."
        ),
    ] = None,
    training: Annotated[
        str | None, typer.Option(help="Settings of the training, as 'batch=64, flip=True'.")
    ] = None,
    limit: Annotated[
        list[str] | None, typer.Option(help="metric=value or metric@target=value, may be repeated.")
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(help="A metric, -latency_ms for a small one; may be repeated."),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Networks to try.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Minutes to search (default 10).")] = None,
    epochs: Annotated[int | None, typer.Option(help="Training epochs of all trials.")] = None,
    trial_epochs: Annotated[
        int | None, typer.Option(help="Epochs of a trial (3; more if the data are few).")
    ] = None,
    full_epochs: Annotated[
        int | None, typer.Option(help="Epochs of the full schedule (30; likewise).")
    ] = None,
    finals: Annotated[
        str | None, typer.Option(help="Networks x epochs, as 8x10,3x30 (default by --full-epochs).")
    ] = None,
    refit: Annotated[
        bool | None,
        typer.Option("--refit/--no-refit", help="Train the best on the validation part too."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Random networks to train beside, or same (as much time).")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes (default: cores).")] = None,
    deterministic: Annotated[
        bool | None, typer.Option("--deterministic", help="Same seed, same networks.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    warm_start: Annotated[
        str | None,
        typer.Option(help="A run in the same file, whose trials are known from the start."),
    ] = None,
    store: Annotated[str | None, typer.Option(help="Where runs are (netwright.db).")] = None,
    run: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    out: Annotated[str | None, typer.Option(help="Folder for the network.")] = None,
    label: Annotated[str | None, typer.Option(help="Label column of a table.")] = None,
    size: Annotated[str | None, typer.Option(help="HxW for a folder of images.")] = None,
    settings: Annotated[Path | None, typer.Option(help="Options from TOML or JSON.")] = None,
    quiet: Annotated[bool | None, typer.Option("--quiet", help="Say nothing on the way.")] = None,
    as_json: Annotated[bool | None, typer.Option("--json", help="Print one JSON document.")] = None,
) -> None:
    """Search a network for your data, train it fully, and export it."""
    typed = {k: v for k, v in locals().items() if k in _TYPED and v not in (None, [])}
    if as_json is not None:
        typed["json"] = as_json
    given = DEFAULTS | (options.read_settings(settings) if settings else {}) | typed
    if "data" not in given:
        raise SettingError("`netwright search` must be told --data: fashion14, digits, or a path.")
    _search(_call(given), given)


_TYPED = {key.replace("-", "_") for key in options.KINDS} - {"json"}


def _call(given: dict[str, Any]) -> dict[str, Any]:
    """What decides the run, as it is logged and as `resume` reads it."""
    apart = {"limit", "objective", "out", "quiet", "json"}
    call = {name: given.get(name) for name in sorted(_TYPED - apart)}
    call |= {"limits": given["limit"], "objectives": given["objective"]}
    if call["trials"] is None and call["minutes"] is None and call["epochs"] is None:
        call["minutes"] = MINUTES
    if call["workers"] is None:
        call["workers"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return launch.absolute(call)


def _search(call: dict[str, Any], given: dict[str, Any]) -> None:
    positional, named = launch.arguments(call)
    named["run"] = named["run"] or _name(call)
    out = given.get("out") or f"netwright-{named['run']}"
    _go(positional, named, call, out, quiet=given["quiet"], as_json=given["json"])


def _name(call: dict[str, Any]) -> str:
    """The data's name and the first number that is free."""
    from netwright.store import open_store

    taken = open_store(call["store"]).runs()
    letters = (c for c in Path(call["data"]).stem if c.isascii() and (c.isalnum() or c in "._-"))
    stem = "".join(letters).lstrip("._-")[:60] or "run"
    number = 1
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def _go(
    positional: list[Any],
    named: dict[str, Any],
    call: dict[str, Any],
    out: str,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    from netwright.dashboard.terminal import view
    from netwright.export import check_folder
    from netwright.run.search import search as run_search

    check_folder(Path(out))  # now, not after an hour
    with view(quiet=quiet) as watch:
        made = run_search(*positional, **named, call=call, watch=watch)
    _finish(made, Path(out), quiet=quiet, as_json=as_json)


def _finish(made: Run, out: Path, *, quiet: bool, as_json: bool) -> None:
    record = made.record
    lines = output.result_lines(record)
    if record.exported is not None and record.best is not None:
        made.export(out)
        forms = [f".{p.name.partition('.')[2]}" for p in sorted(out.glob("model.*"))]
        lines += [
            "",
            f"The network is in {out}/ (model{', '.join(forms)}; card.md)",
            *record.exported.notes,
            f"  cd {out} && python -c 'from model import load; print(load())'",
            f"  netwright report {record.name} --store {_shown(str(made.store))}",
        ]
    if record.status == "interrupted":
        lines.insert(0, "Interrupted; the best so far is kept.")
        lines.append(f"  netwright resume {record.name} --store {_shown(str(made.store))}")
    if not quiet:
        typer.echo("\n".join(lines), err=True)
    if as_json:
        typer.echo(json.dumps(output.document(record), allow_nan=False))
    raise typer.Exit({"done": 0, "interrupted": 130}.get(record.status, 1))


@app.command()
def resume(
    run: RunName,
    store: StoreFile = "netwright.db",
    out: Annotated[Path | None, typer.Option(help="Folder for the network.")] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was interrupted or killed."""
    record = _record(store, run)
    call = record.settings["call"]
    if call is None:
        raise StoreError(
            f"The run {run!r} was begun from Python: call `netwright.search` with the same "
            f"arguments and run={run!r} to go on with it."
        )
    call = call | {"store": store, "run": run}
    positional, named = launch.arguments(call)
    _go(
        positional,
        named,
        record.settings["call"],
        str(out or f"netwright-{run}"),
        quiet=quiet,
        as_json=as_json,
    )


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
        reason = f" ({record.reason})" if record.reason else ""
        typer.echo(f"{record.name}: {record.status}{reason}", err=True)
        typer.echo("\n".join(output.result_lines(record)), err=True)
        return
    from netwright.record.record import read_record
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
    from netwright.run.search import open_run

    call = record.settings["call"]
    if call is None:
        raise StoreError(
            f"The run {record.name!r} was begun from Python and is not finished: call "
            f"`netwright.search` with the same arguments and run={record.name!r} first."
        )
    positional, named = launch.arguments(call | {"store": store, "run": record.name})
    return open_run(*positional, **named, call=call)


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
        made = _rebuilt(record, store)
        drawn = sketch(
            made.plan.space.build(chosen.architecture, seed=0),
            made.plan.space.signature.input.sizes,
        )
    answers = [f"  {name} = {answer}" for name, answer in chosen.architecture.answers.items()]
    typer.echo(f"trial {chosen.number} of run {run}\n" + "\n".join(answers) + "\n")
    typer.echo(text_tree(drawn))
    if out is not None:
        draw_sketch(drawn, out)
        typer.echo(f"Drawn to {out}.", err=True)


def _record(store: str, run: str) -> Record:
    from netwright.record.record import read_record
    from netwright.store import open_store

    return read_record(open_store(store, create=False), run)


def _shown(store: str) -> str:
    """A store as `--store` takes it: a path as short as it can be from here, or a URL."""
    try:
        return str(Path(store).relative_to(Path.cwd()))
    except ValueError:
        return store


def main() -> None:
    """The entry point: errors are one sentence, exit statuses are the contract."""
    from netwright.cli.exits import guarded

    sys.exit(guarded(app))
