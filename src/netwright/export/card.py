"""The card of an exported network: what it is, what it reaches, what it costs, how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from netwright.export.inputs import codes_text
from netwright.network.signature import Signature
from netwright.tasks import Metric, metrics_of

_MOST_NAMES = 50  # that the test part is shown by
_UNITS = {"ms": "ms", "mib": "MiB", "mj": "mJ"}


@dataclass(frozen=True)
class Card:
    """Figures of an exported network, all of them JSON.

    Names carry their units (`latency_ms`, `memory_mib`, `seconds`); `task` says what outputs mean
    and which metrics are fractions, as `Task.to_json` has it. `signature` says what every form
    takes and gives, as `Signature.to_json` has it, `decoding` how outputs become answers,
    `encoding` how rows become what is taken, and `inputs` what each place of that holds, as
    `explain_inputs` has it. `answers` has a row for each class of the test part. `origin` says how
    the network is made anew. `checks` has, for each exported form, its largest difference from the
    trained network; `forms` are the files that are there.
    """

    title: str
    signature: Mapping[str, Any] | None = None
    task: Mapping[str, Any] | None = None
    decoding: Mapping[str, Any] | None = None
    encoding: Mapping[str, Any] | None = None
    inputs: Sequence[Mapping[str, Any]] | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    architecture: Mapping[str, Any] = field(default_factory=dict)
    answers: Sequence[Mapping[str, Any]] = ()
    versions: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Any] = field(default_factory=dict)
    forms: Sequence[str] = ("model.py", "model.safetensors")
    notes: Sequence[str] = ()

    @property
    def metric(self) -> Metric:
        """The first metric of the search that is of the task or of own training."""
        return self._metrics[0]

    @property
    def _metrics(self) -> tuple[Metric, ...]:
        pairs = [text.split(maxsplit=1) for text in self.search.get("objectives", ())]
        wanted = [{"direction": direction, "metric": metric} for direction, metric in pairs]
        return metrics_of({"task": self.task, "objectives": wanted})

    @property
    def takes(self) -> str:
        """What every form is given, in words."""
        if self.data:
            return "raw inputs, as they are in the data"
        return "what the training gave to the network"

    def to_json(self) -> dict[str, Any]:
        """The card as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Card:
        """The card of what `to_json` gave, also of an older version."""
        return cls(**{each.name: body[each.name] for each in fields(cls) if each.name in body})

    def to_markdown(self) -> str:
        """The card as a page of Markdown."""
        lines = [f"# {self.title}", ""]
        for note in self.notes:
            lines += [f"> {note}", ""]
        told = "takes raw inputs, carries the normalisation" if self.data else f"takes {self.takes}"
        if "model.py" in self.forms:
            lines += [
                "```python",
                "from model import load  # model.py needs torch alone",
                "",
                f"network = load()  # {told}",
                "```",
                "",
            ]
        if self.signature is not None:
            given = "raw as in the data" if self.data else "as the training gave it"
            lines += [_signature(Signature.from_json(self.signature), given), ""]
        lines += _inputs(self.inputs)
        lines += _answers(self.decoding, self.task, self.data.get("label"))
        for title, rows in (
            ("Metrics", self.metrics),
            ("Cost", self.costs),
            ("Data", self.data),
            ("Search", self.search),
            ("Training", self.settings),
            ("Architecture", self.architecture),
        ):
            if rows:
                lines += [f"## {title}", "", *self._rows(rows), ""]
            if title == "Metrics" and 0 < len(self.answers) <= _MOST_NAMES:
                lines += ["## Test part by class", "", *_by_class(self.answers), ""]
        if self.checks:
            lines += ["## Checks", "", *self._checked(), ""]
        if self.versions:
            lines += ["## Versions", "", *self._rows(self.versions), ""]
        return "\n".join(lines)

    def _rows(self, rows: Mapping[str, Any]) -> list[str]:
        fractions = tuple(m.name for m in self._metrics if m.fraction)
        return _table(
            ["", ""],
            [
                [_label(name), _percent(value) if name.endswith(fractions) else _shown(name, value)]
                for name, value in rows.items()
            ],
        )

    def _checked(self) -> list[str]:
        """What each form computes beside the trained network."""
        given = "raw inputs" if self.data else "the same inputs"
        told = f"Each form was loaded in a fresh process without netwright, and given {given}."
        name = f"test_{self.metric.name}"
        scored = any(name in row for row in self.checks.values())
        head = ["form", "largest difference of an output", *([_label(name)] if scored else [])]
        cells = []
        for form, row in self.checks.items():
            value = row.get(name)
            score = ["none" if value is None else self.metric.show(value)] if scored else []
            cells.append([f"`{form}`", f"{row['largest_difference']:.1e}", *score])
        return [told, "", *_table(head, cells)]


def _signature(signature: Signature, given: str) -> str:
    """What every form takes and gives, in one line."""
    takes, gives = (
        ", ".join(f"`{spec.text}`" for spec in specs)
        for specs in (signature.inputs, signature.outputs)
    )
    return f"Every form takes {takes}, {given}, and gives {gives}."


def _inputs(rows: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """What each place of the raw tensors holds."""
    if not rows:
        return []
    if "place" not in rows[0]:
        return [*(f"`{row['tensor']}`: {_escaped(row['holds'])}." for row in rows), ""]
    cells = []
    for row in rows:
        codes = codes_text(row["codes"]) if "codes" in row else row["holds"]
        less = f", less {row['less']:.15g}" if row.get("less") else ""
        cells.append([f"`{row['tensor']}[{row['place']}]`", *map(_escaped, (row["column"], codes))])
        cells[-1][-1] += less
    told = "What each place holds; a missing number is NaN, and a category's code 0 is any other:"
    return [told, "", *_table(["place", "column", "holds"], cells), ""]


def _answers(
    decoding: Mapping[str, Any] | None, task: Mapping[str, Any] | None, label: str | None
) -> list[str]:
    """What the outputs mean."""
    if not decoding:
        return []
    if task and task.get("kind") == "regression":
        units = f" in the units of the column '{label}'" if label else " in the units of the data"
        what = ", ".join(map(_escaped, decoding["names"])) or _escaped(label or "one number")
        return [f"Task: regression. The outputs are numbers{units}: {what}.", ""]
    names = ", ".join(_escaped(name) for name in decoding["names"])
    if decoding["answer"] in ("class", "labels"):
        what = "classification" if decoding["answer"] == "class" else "several labels"
        of = f" of the column '{label}'" if label else ""
        told = (
            f"Task: {what}{_escaped(of)}. `{decoding['decoder']}` of the outputs is a probability "
            f"for each of: {names}."
        )
        if decoding["answer"] == "labels":
            told += " A label holds from 0.5 on."
    else:
        told = f"`{decoding['decoder']}` of the outputs is the answer{f': {names}' * bool(names)}."
    also = "The names are in the metadata of every form; `predict` of model.py answers by them."
    return [f"{told} {also}" if names else told, ""]


def _by_class(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row for each class: how many rows it has, and how well they are told from others."""
    figures = ("recall", "precision", "f1")
    cells = [
        [
            _escaped(row["class"]),
            f"{row['rows']:,}",
            *("none" if row[name] is None else f"{row[name]:.1%}" for name in figures),
        ]
        for row in rows
    ]
    return _table(["class", "rows", "recall", "precision", "F1"], cells)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    wide = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * n for n in wide], *rows]
    return [
        "| " + " | ".join(cell.ljust(n) for cell, n in zip(line, wide, strict=True)) + " |"
        for line in lines
    ]


def _label(name: str) -> str:
    """A figure's name with its unit after it: latency_ms@x is "latency on x (ms)"."""
    name, at, target = name.partition("@")
    words = [*name.split("_"), *([f"on {target}"] if at else [])]
    unit = next((w for w in words if w in _UNITS), None)
    if unit is not None and len(words) > 1:
        words.remove(unit)
        return _escaped(f"{' '.join(words)} ({_UNITS[unit]})")
    return _escaped(" ".join(words))


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return f"{int(value):,}"
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if value > 9999 else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{_escaped(k)} {_shown(str(k), v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        between = " x " if name == "shape" else " to " if name.endswith("_spread") else ", "
        return between.join(_shown(name, v) for v in value)
    return _escaped(value)


def _percent(value: Any) -> str:
    return f"{value:.2%}" if isinstance(value, int | float) else _shown("", value)


def _escaped(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
