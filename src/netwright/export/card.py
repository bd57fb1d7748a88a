"""The card of an exported network: what it is, what it reaches, what it costs, how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_PERCENT = ("accuracy",)


@dataclass(frozen=True)
class Card:
    """Figures of an exported network, all of them JSON.

    Accuracies are fractions; names carry their units (`latency_ms`, `memory_mib`, `seconds`).
    `checks` has, for each exported form, its largest difference from the trained network.
    """

    title: str
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    architecture: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The card as a JSON object."""
        return asdict(self)

    def to_markdown(self) -> str:
        """The card as a page of Markdown."""
        lines = [f"# {self.title}", ""]
        for note in self.notes:
            lines += [f"> {note}", ""]
        lines += [
            "```python",
            "from model import load  # model.py needs torch alone",
            "",
            "network = load()  # takes raw inputs, carries the normalisation",
            "```",
            "",
        ]
        for title, rows in (
            ("Accuracy", self.metrics),
            ("Cost", self.costs),
            ("Data", self.data),
            ("Search", self.search),
            ("Training", self.settings),
            ("Architecture", self.architecture),
            ("Checks", self.checks),
            ("Versions", self.versions),
        ):
            if rows:
                lines += [f"## {title}", "", *_table(rows), ""]
        return "\n".join(lines)


def _table(rows: Mapping[str, Any]) -> list[str]:
    cells = [(name.replace("_", " "), _shown(name, value)) for name, value in rows.items()]
    left = max(len(name) for name, _ in cells)
    right = max(len(value) for _, value in cells)
    lines = [f"| {'':{left}} | {'':{right}} |", f"|{'-' * (left + 2)}|{'-' * (right + 2)}|"]
    return lines + [f"| {name:{left}} | {value:{right}} |" for name, value in cells]


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if name.endswith(_PERCENT):
            return f"{value:.2%}"
        if value.is_integer() and abs(value) < 1e15:
            return f"{int(value):,}"
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if value > 9999 else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_shown(str(k), v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_shown(name, v) for v in value)
    return str(value).replace("|", "\\|").replace("\n", " ")
