"""`netwright predict` and `retrain`: what is done with an exported network, by its folder alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netwright.cli import rows, words
from netwright.cli.launch import parse_test
from netwright.errors import SettingError

if TYPE_CHECKING:
    from netwright.reuse import Retrained

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that a search wrote.")]


def predict(
    folder: Folder,
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A .csv, .parquet, .npz or .npy, or a picture folder."),
    ],
    out: Annotated[str, typer.Option(help="The CSV file to write; - is standard output.")] = "-",
) -> None:
    """Answer new rows with an exported network: a CSV with one row for each."""
    from netwright.files.whole import write_whole
    from netwright.reuse import open_exported
    from netwright.reuse import predict as answered

    if out != "-" and data.exists() and Path(out).resolve() == data.resolve():
        raise SettingError(f"`--out` must be another file than the data, got {out!r}.")
    found = answered(open_exported(folder), data)
    if out == "-":
        sys.stdout.write(found.to_csv())
    else:
        write_whole(Path(out), found.to_csv())
    for remark in found.remarks:
        typer.echo(words.in_options(remark), err=True)
    count = len(found.rows)
    if found.metric is not None:
        value = found.metric.show(found.metrics[found.metric.name])
        told = f"{found.metric.name} {value} on the {count:,} rows, which have the answer"
        typer.echo(f"{told}{found.metric.better}", err=True)
    if out != "-":
        typer.echo(f"{count:,} predictions are in {out}.", err=True)


def retrain(
    folder: Folder,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A .csv, .parquet or .npz, or a picture folder.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the network.")],
    test: rows.TestTable = None,
    group: rows.GroupColumn = None,
    time: rows.TimeColumn = None,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs, in place of the full schedule of the search.")
    ] = None,
    keep_weights: Annotated[
        bool, typer.Option("--keep-weights", help="Begin with the weights that it has.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    quiet: rows.Quiet = False,
    as_json: rows.AsJson = False,
) -> None:
    """Train the network of a folder on more or newer rows, as it was trained, without a search."""
    from netwright.data.split import split_of
    from netwright.reuse import open_exported
    from netwright.reuse import retrain as trained_again

    def told(epoch: int, whole: int, metrics: Mapping[str, float]) -> None:
        if not quiet and (epoch == whole or epoch % max(1, whole // 10) == 0):
            typer.echo(f"epoch {epoch} of {whole}: loss {metrics['loss']:.4g}", err=True)

    _check_apart(folder, out)
    tested = parse_test(test)
    made = trained_again(
        open_exported(folder),
        data,
        out,
        split=split_of(seed, 0.2, 0.2 if tested is None else tested, group, time),
        epochs=epochs,
        keep_weights=keep_weights,
        seed=seed,
        told=told,
    )
    if as_json:
        body = {
            "out": str(out),
            "test": dict(made.metrics),
            "before": dict(made.before),
            "reference": made.reference,
            "judged": None if made.judged is None else made.judged.summary(),
            "data": made.data.settings,
            "notes": list(made.exported.notes),
        }
        typer.echo(json.dumps(body, allow_nan=False))
    if not quiet:
        typer.echo("\n".join(_result(made, out)), err=True)
    raise typer.Exit(1 if made.exported.faults else 0)


def _check_apart(folder: Path, out: Path) -> None:
    if out.resolve() == folder.resolve():
        raise SettingError(
            f"`--out` must be another folder than that of the network, got {str(out)!r}: it is "
            "kept until the new one has proved to be better."
        )


def _result(made: Retrained, out: Path) -> list[str]:
    metric, sizes = made.metric, made.data.settings
    lines = [words.in_options(remark) for remark in made.data.remarks]
    if metric.name in made.metrics:
        other = made.reference or {}
        beside = [f"{sizes['test']:,} rows"]
        if metric.name in other:
            beside.append(f"{other['name']} {metric.show(other[metric.name])}")
        if metric.name in made.before:
            beside.append(f"before, on its own test part, {metric.show(made.before[metric.name])}")
        value = metric.show(made.metrics[metric.name])
        lines.append(f"test {metric.name} {value} ({'; '.join(beside)}){metric.better}")
    lines += [] if made.judged is None else [made.judged.told(metric)]
    lines.append(f"trained on {sizes['train'] + sizes['validation']:,} rows")
    return [*lines, *made.exported.notes, f"The network is in {out}/"]
