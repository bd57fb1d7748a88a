"""`netwright search` and what comes after it; the options follow from the fields of `Plan`."""

from __future__ import annotations

import json
import os
import shlex
import time
from inspect import Signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from netwright.cli import launch, options, output, words
from netwright.errors import SettingError

if TYPE_CHECKING:
    from netwright.run.plan import Plan
    from netwright.run.result import Run

MINUTES = 10.0
_ASIDE = ("out", "settings", "quiet", "json")  # they do not decide what a run does


def search(**given: Any) -> None:
    """Search a network for your data, train it fully, and export it."""
    began = time.monotonic()
    if given["data"] is None:
        raise SettingError("`netwright search` must be told --data: fashion14, digits, or a path.")
    new = new_folder(given["store"])
    plan = _named(launch.plan_of(call_of(given)))
    if new is not None and not given["quiet"]:
        typer.echo(f"The store {given['store']} is in a folder that is made now: {new}.", err=True)
    data = plan.evaluator.data
    for remark in () if given["quiet"] or data is None else data.remarks:
        typer.echo(words.in_options(remark), err=True)
    out = given["out"] or f"netwright-{plan.run}"
    carry_out(plan, Path(out), began=began, quiet=given["quiet"], as_json=given["json"])


def from_file(context: typer.Context, path: str | None) -> str | None:
    """Let the options of a settings file be the defaults of the command line."""
    if path is not None:
        context.default_map = options.read_settings(Path(path))
    return path


search.__signature__ = Signature(  # type: ignore[attr-defined]
    [
        options.SETTINGS.parameter(from_file),
        *(declared.parameter() for declared in options.SEARCH),
    ]
)
search.__annotations__ = {
    name: parameter.annotation
    for name, parameter in search.__signature__.parameters.items()  # type: ignore[attr-defined]
}


def call_of(given: dict[str, Any]) -> dict[str, Any]:
    """What decides the run, as it is logged and as `resume` reads it."""
    call = {name: value for name, value in sorted(given.items()) if name not in _ASIDE}
    if all(call[name] is None for name in ("trials", "minutes", "epochs")):
        call["minutes"] = MINUTES
    if call["workers"] is None:
        call["workers"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return launch.absolute(call)


def carry_out(
    plan: Plan, out: Path, *, began: float | None = None, quiet: bool, as_json: bool
) -> None:
    """Do what is planned, and say and print what came of it; the command `began`
    at that time of `time.monotonic`, now if None.
    """
    from netwright.dashboard.terminal import view
    from netwright.export import check_folder
    from netwright.run.search import carried_out

    check_folder(out)  # now, not after an hour
    with view(quiet=quiet) as watch:
        spent = 0.0 if began is None else time.monotonic() - began
        run = carried_out(plan, watch, spent=spent)
    _finish(run, out, quiet=quiet, as_json=as_json)


def _finish(run: Run, out: Path, *, quiet: bool, as_json: bool) -> None:
    from netwright.run.search import place_best

    store = _shown(str(run.store))
    lines = output.result_lines(run.record)
    is_there = run.record.exported is not None and run.record.best is not None
    placed = is_there and place_best(run, out)
    record = run.record
    if placed:
        forms = [f".{p.name.partition('.')[2]}" for p in sorted(out.glob("model.*"))]
        lines += ["", f"The network is in {out}/ (model{', '.join(forms)}; card.md)"]
    lines += output.notes(record)
    if placed and (out / "model.py").is_file():
        lines.append(f"  cd {out} && python -c 'from model import load; print(load())'")
    predicts = _predicts(out) if placed else None
    if record.best is not None and not placed and record.status == "done":
        lines.append(f"  netwright export {record.name} --store {store} --out {out}")
    if placed:
        lines.append(f"  netwright report {record.name} --store {store}")
    if record.status == "interrupted":
        lines.insert(0, "Interrupted; the best so far is kept.")
        lines.append(f"  netwright resume {record.name} --store {store}")
    lines += [] if predicts is None else [predicts]
    if not quiet:
        typer.echo("\n".join(lines), err=True)
    if as_json:
        typer.echo(json.dumps(output.document(record), allow_nan=False))
    done = 1 if record.losses else 0  # with a network, but not all that was asked for
    raise typer.Exit({"done": done, "interrupted": 130}.get(record.status, 1))


def _predicts(out: Path) -> str | None:
    """The call that asks the network about new rows; None where it takes none from a file."""
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    book = card.get("encoding") or {}
    shape = book.get("shape", ())
    texts = "NEW.csv" if book.get("columns") else "NEW.txt"
    kinds = {
        "columns": "NEW.csv",
        "series": "NEW.csv" if "id" in book else "NEW.npz",
        "sound": "RECORDINGS/",
        "text": texts,
        "pictures": "PICTURES/",
        "arrays": "PICTURES/" if len(shape) == 3 else "NEW.npz",
    }
    new = kinds.get(str(book.get("kind")))
    told = f"netwright predict {shlex.quote(str(out))}/ {new} --out predictions.csv"
    return None if new is None else f"  {told}"


def _named(plan: Plan) -> Plan:
    """The plan with a name for its run."""
    assert plan.call is not None
    return plan if plan.run else plan.named(free_name(plan.call))


def free_name(call: Any) -> str:
    """The data's name and the first number that is free."""
    from netwright.store import open_store

    taken = open_store(call["store"]).runs()
    letters = (c for c in Path(call["data"]).stem if c.isascii() and (c.isalnum() or c in "._-"))
    stem = "".join(letters).lstrip("._-")[:60] or "run"
    number = 1
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def new_folder(store: str) -> Path | None:
    """The folder that is made for a store in a file; None if it is there, or where none is."""
    folder = Path(store.removeprefix("sqlite:///")).parent
    is_file = "://" not in store or store.startswith("sqlite:///")
    return folder if is_file and not folder.exists() else None


def _shown(store: str) -> str:
    """A store as `--store` takes it: a path as short as it can be from here, or a URL."""
    try:
        return str(Path(store).relative_to(Path.cwd()))
    except ValueError:
        return store
