"""What did well on other data: networks with their recipes, and what options usually add.

`portfolio.json` has both by space. `benchmarks/portfolio.py choose` makes it from trainings on many
small data sets: the networks greedily, so that one is good where those before it are not, and what
options add as weights of ridge regression.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from netwright.space import Answer, Design

TABLE = Path(__file__).with_name("portfolio.json")


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def portfolio_of(
    space: str,
    options: Mapping[str, Sequence[Answer]] | None = None,
    answers: Mapping[str, Answer] | None = None,
) -> list[Design]:
    """The portfolio of a ready space, the best first, its widths as shares of the one size 1.

    `options` are those here of choices whose options depend on the inputs: of these the table has
    the place. `answers` are what it does not know.
    """
    found: list[Design] = []
    for number, entry in enumerate(_entries(space, "portfolio"), 1):
        own = dict(entry["answers"])
        for name, place in entry["places"].items():
            own[name] = (options or {})[name][place]
        found.append(Design(f"portfolio {number}", {**own, **(answers or {})}, entry["scaled"]))
    return found


def prior_of(
    space: str, options: Mapping[str, Sequence[Answer]] | None = None
) -> dict[str, dict[Answer, float]]:
    """What each option of a ready space usually adds to a score, in ranks from 0 to 1.

    `options` are as in `portfolio_of`.
    """
    found: dict[str, dict[Answer, float]] = {}
    for name, option, added in _entries(space, "prior"):
        known = (options or {}).get(name)
        found.setdefault(name, {})[option if known is None else known[option]] = added
    return found


def _entries(space: str, kind: str) -> Sequence[Any]:
    entries: Sequence[Any] = _table().get(space, {}).get(kind, ())
    return entries
