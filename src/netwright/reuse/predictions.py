"""What an exported network answers to the rows of a file, as a table of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from netwright.data.texts import read_utf8
from netwright.data.written_text import next_tokens
from netwright.errors import DataError
from netwright.reuse.exported import ExportedNetwork
from netwright.reuse.rows import read_asked
from netwright.tasks import Metric

_SHOWN = 5  # next tokens of a text
_BETWEEN = ";"  # the labels of a row that has several


@dataclass(frozen=True)
class Predictions:
    """Answers by `columns`, a row for each row that was asked about, in their order.

    For pictures the first column is `file`, and for series of a long table their id. Then comes
    the answer, in a column that is called as the label was, else `answer`: the class, or the labels
    that hold with ";" between them; and `p_NAME`, the probability of each. For a regression there
    are the numbers alone, by their names.
    `metrics` are those of the task where the rows had their label, `metric` the one that the search
    was for; both are empty else.
    """

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]] = field(repr=False)
    remarks: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    metric: Metric | None = None

    def to_csv(self) -> str:
        """The table as the text of a CSV file."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_written(cell) for cell in row] for row in self.rows)
        return text.getvalue()


def _written(cell: Any) -> str:
    return f"{cell:.7g}" if isinstance(cell, float) else str(cell)


def predict(network: ExportedNetwork, source: Path) -> Predictions:
    """Answer the rows of a CSV, a Parquet or a NumPy file, or the pictures of a folder.

    Raises:
        DataError: They cannot be read or encoded; the message names row and column.
        SettingError: The network learned from data of a user's own.
    """
    if network.answer == "next":
        return _next(network, source)
    asked = read_asked(network, source)
    if not len(asked.inputs[0]):
        return Predictions(_columns(network, 1), [], (*asked.remarks, "there are no rows"))
    outputs = network.outputs(asked.inputs)
    decoded = network.decode(outputs)
    decoded = decoded.reshape(len(decoded), -1)
    rows = _rows(network, decoded)
    columns = _columns(network, decoded.shape[1])
    if asked.names is not None:
        columns = (asked.named, *columns)
        rows = [[name, *row] for name, row in zip(asked.names, rows, strict=True)]
    if asked.targets is None or network.task is None:
        return Predictions(columns, rows, asked.remarks)
    given = outputs[0] if len(outputs) == 1 else outputs
    metrics = network.task.measure([(given, asked.targets)])
    metric = network.card.metric
    if metric.name not in metrics:
        metric = network.task.metric
    return Predictions(columns, rows, asked.remarks, metrics, metric)


def _next(network: ExportedNetwork, source: Path) -> Predictions:
    """What follows each line of a file: the most probable tokens, each with its probability.

    Each line is asked about alone, since they are not as long as one another.
    """
    if source.suffix.lower() != ".txt":
        raise DataError(f"{source} must be a .txt file with the beginning of a text on each line.")
    columns = tuple(f"{what}{place}" for place in range(1, _SHOWN + 1) for what in ("next", "p"))
    rows = []
    for line in read_utf8(source).splitlines():
        (shares,) = network.decode(network.outputs(network.encode([line])))
        best = next_tokens(shares, _SHOWN, network.book)
        rows.append([line, *(cell for pair in best for cell in pair)])
    return Predictions(("text", *columns), rows, () if rows else ("there are no rows",))


def _columns(network: ExportedNetwork, count: int) -> tuple[str, ...]:
    """What the columns of the answers are called."""
    answer, names = network.label or "answer", network.names
    if network.answer in ("class", "labels"):
        return (answer, *(f"p_{name}" for name in names))
    if network.answer == "numbers" and names:
        return names
    return (answer,) if count == 1 else tuple(f"{answer}_{place}" for place in range(count))


def _rows(network: ExportedNetwork, decoded: Tensor) -> list[list[Any]]:
    shares: list[list[Any]] = decoded.tolist()
    if network.answer == "class":
        return [[network.names[row.index(max(row))], *row] for row in shares]
    if network.answer == "labels":
        return [
            [_BETWEEN.join(n for n, p in zip(network.names, r, strict=True) if p >= 0.5), *r]
            for r in shares
        ]
    return shares
