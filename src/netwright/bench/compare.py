"""A comparison of strategies on a table: many seeds of each, in parallel, resumable.

A folder holds `bench.json`, what is compared, and `courses.jsonl`, one line for each search that
has ended. A comparison that was killed goes on where it was: a line that was cut off is made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from netwright.bench.simulate import Course, simulate
from netwright.bench.table import Table
from netwright.errors import DataError, SettingError
from netwright.files.whole import write_whole
from netwright.network.threads import one_thread
from netwright.objective import Objective, maximize, minimize
from netwright.stopping import Stopped
from netwright.strategies import Strategy

SETTINGS, COURSES = "bench.json", "courses.jsonl"

Opened = Callable[[str, str | None], Table]
"""Opens a table by its name or file, and the name of its space."""


@dataclass(frozen=True)
class Comparison:
    """What is compared: strategies on a table, by `signal`, with `report` columns of the best.

    `inputs` (of one example) and `outputs` are what a space of a user's file is made for.

    `strategies` are names; `signal` is maximised, and `minimize`, if there is one, minimised. One
    of `evaluations` and `seconds` is the budget; `cost` is the column of seconds.

    Raises:
        SettingError: No seed, no strategy, or none or both of the budgets.
    """

    table: str
    space: str | None
    strategies: tuple[str, ...]
    seeds: int
    signal: str
    report: tuple[str, ...]
    evaluations: int | None = None
    seconds: float | None = None
    cost: str | None = None
    workers: int = 1
    minimize: str | None = None
    inputs: tuple[int, ...] | None = None
    outputs: int | None = None

    def __post_init__(self) -> None:
        if (self.evaluations is None) == (self.seconds is None):
            raise SettingError(
                "`netwright bench run` must have one budget: --evaluations N or --seconds S."
            )
        for name in ("seeds", "evaluations", "seconds", "workers"):
            value = getattr(self, name)
            if value is not None and not value >= 1:
                raise SettingError(f"`--{name}` must be at least 1, got {value!r}.")
        if not self.strategies or len(set(self.strategies)) < len(self.strategies):
            raise SettingError(
                "`--strategies` must be names, each once, separated by commas, got "
                f"{','.join(self.strategies)!r}."
            )

    @property
    def budget(self) -> float:
        """Evaluations or seconds, whichever is bounded."""
        found = self.evaluations if self.seconds is None else self.seconds
        assert found is not None
        return float(found)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What strategies are to find."""
        also = (minimize(self.minimize),) if self.minimize else ()
        return (maximize(self.signal), *also)

    def ended(self, searched: Searched, budget: float) -> int:
        """How many evaluations of a search had ended at a budget."""
        if self.seconds is None:
            return min(int(budget), len(searched.course.rows))
        return int(np.searchsorted(searched.course.seconds, budget, side="right"))

    def check(self, table: Table) -> None:
        """Refuse columns that the table lacks."""
        for name in (self.signal, *self.report, self.cost, self.minimize):
            if name is not None:
                table.column(name)


@dataclass(frozen=True)
class Searched:
    """One search that has ended: whose, its seed, its course, and processor seconds it took."""

    strategy: str
    seed: int
    course: Course
    cpu_seconds: float


def run(
    comparison: Comparison,
    strategies: Mapping[str, Strategy | Stopped],
    folder: Path,
    opened: Opened,
    *,
    processes: int,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Make all searches that `folder` lacks; `told` is called with how many are done.

    Raises:
        SettingError: The folder holds another comparison.
    """
    begin(comparison, folder)
    done = {(s.strategy, s.seed) for s in read(folder)}
    wanted = [(name, seed) for seed in range(comparison.seeds) for name in strategies]
    left = [job for job in wanted if job not in done]
    told(len(wanted) - len(left), len(wanted))
    if not left:
        return
    jobs = [(comparison, name, strategies[name], seed, opened) for name, seed in left]
    with ExitStack() as stack:
        file = stack.enter_context((folder / COURSES).open("a", encoding="utf-8"))
        if processes == 1:
            stack.enter_context(one_thread())
            results: Iterator[dict[str, Any]] = map(_search, jobs)
        else:  # a pool that is ended however this ends
            pool = stack.enter_context(get_context("spawn").Pool(processes, _one_thread))
            results = pool.imap_unordered(_search, jobs)
        for count, made in enumerate(results, 1):
            file.write(json.dumps(made) + "\n")
            file.flush()
            told(len(wanted) - len(left) + count, len(wanted))


def begin(comparison: Comparison, folder: Path) -> None:
    """Make the folder, or go on in it if it holds the same comparison.

    More seeds are no other comparison.
    """
    path, body = folder / SETTINGS, asdict(comparison)
    if path.is_file():
        before = asdict(load(folder))
        differ = [key for key in body if key != "seeds" and before[key] != body[key]]
        if differ:
            raise SettingError(
                f"`--out {folder}` holds another comparison: {differ[0]} was "
                f"{before[differ[0]]!r}, got {body[differ[0]]!r}; name another folder."
            )
        body["seeds"] = max(before["seeds"], body["seeds"])
    elif folder.exists() and any(folder.iterdir()):
        raise SettingError(
            f"`--out {folder}` must be a new or empty folder, or one that a comparison was begun "
            "in, got one with other files."
        )
    write_whole(path, json.dumps(body, indent=2) + "\n")
    _cut_off(folder / COURSES)


def load(folder: Path) -> Comparison:
    """The comparison of a folder.

    Raises:
        DataError: There is none.
    """
    try:
        body = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        listed = {f.name: body[f.name] for f in fields(Comparison) if f.name in body}
        for name in {"strategies", "report", "inputs"} & listed.keys():
            listed[name] = None if listed[name] is None else tuple(listed[name])
        return Comparison(**listed)  # what an older version did not write has its default
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{folder} holds no comparison: {SETTINGS} is missing or damaged ({error})."
        ) from error


def read(folder: Path) -> Iterator[Searched]:
    """The searches that have ended."""
    path = folder / COURSES
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith("\n"):
                return  # cut off by a kill
            try:
                yield _searched(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f"{path}, line {number}, is damaged: {error}.") from error


def _searched(body: Mapping[str, Any]) -> Searched:
    rows, seconds = np.array(body["rows"], np.int64), np.array(body["seconds"], np.float64)
    epochs = np.array(body.get("epochs", [0] * len(rows)), np.int64)
    course = Course(rows, seconds, epochs)
    return Searched(body["strategy"], body["seed"], course, body["cpu_seconds"])


def _cut_off(path: Path) -> None:
    """Take off what a kill left of a last line."""
    if path.is_file():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with path.open("r+b") as file:
                file.truncate(whole)


def _one_thread() -> None:
    torch.set_num_threads(1)
    threadpool_limits(1)


@cache
def _table(opened: Opened, table: str, space: str | None) -> Table:
    return opened(table, space)


def _search(job: tuple[Comparison, str, Strategy | Stopped, int, Opened]) -> dict[str, Any]:
    comparison, name, strategy, seed, opened = job
    table = _table(opened, comparison.table, comparison.space)
    began = process_time()
    course = simulate(
        table,
        strategy,
        comparison.objectives,
        seed=seed,
        evaluations=comparison.evaluations,
        seconds=comparison.seconds,
        cost=comparison.cost,
        workers=comparison.workers,
    )
    body = {
        "strategy": name,
        "seed": seed,
        "rows": course.rows.tolist(),
        "seconds": [round(s, 6) for s in course.seconds.tolist()],
        "cpu_seconds": process_time() - began,
    }
    return body | ({"epochs": course.epochs.tolist()} if course.epochs.any() else {})


def by_strategy(comparison: Comparison, found: Sequence[Searched]) -> dict[str, list[Searched]]:
    """The searches of each strategy, by seed."""
    return {
        name: sorted((s for s in found if s.strategy == name), key=lambda s: s.seed)
        for name in comparison.strategies
    }
