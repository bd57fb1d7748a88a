"""A table of networks that were trained before: metrics of each member of a space, or of some.

A user's own file is a Parquet or CSV table with a row for each network. Its architecture is in one
column for each choice of the space, by the choice's name, or in one column `architecture` with the
JSON that `Architecture.to_json` writes. All other columns of numbers are metrics; NaN is what was
not measured. Columns whose names end in numbers, such as `accuracy_4` and `accuracy_12`, are also a
metric of several budgets in epochs, `accuracy`. `Table.save` writes a file that opens at once; see
`netwright.bench.file`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.bench.isomorphic import Isomorphic, isomorphic
from netwright.bench.table_file import NOT_ASKED, Codes, read_table, write_table
from netwright.errors import DataError, SettingError, SpaceError, require
from netwright.evaluate.base import Candidate, Context, Evaluator, Result
from netwright.objective import COSTS
from netwright.space import Answer, Architecture, Space
from netwright.surrogates import Features, features_of
from netwright.trial import Budget

if TYPE_CHECKING:
    from pandas import DataFrame

Column = NDArray[np.float64]


class Table(Evaluator):
    """Rows of metrics by architecture; `columns` are n values each.

    Rows of equal architectures (isomorphic cells that were trained twice) are found as the first.
    A table is an evaluator: `nw.search(table.searched_by("accuracy"), table)` looks networks up
    instead of training them, and `table.isomorphic("accuracy").told()` says which rows it takes for
    one; in `table.space` strategies take all isomorphic rows for one. A network that the table
    lacks is an invalid trial; one whose objective was not measured (NaN) is never the best. To
    compare strategies by a simulated clock see `simulate` and `netwright bench run`.

    Raises:
        DataError: No row, or columns of another length.
    """

    trains = False

    def __init__(
        self,
        space: Space,
        architectures: Sequence[Architecture],
        columns: Mapping[str, Sequence[float] | Column],
        name: str = "table",
    ) -> None:
        self._fill(space, _Coder(space).codes(architectures), columns, name)
        self.__dict__["architectures"] = tuple(architectures)

    def _fill(
        self,
        space: Space,
        codes: Codes,
        columns: Mapping[str, Sequence[float] | Column],
        name: str,
    ) -> None:
        self.space, self.name, self._answered = space, name, codes
        self._coder = _Coder(space)
        self.columns = {
            key: np.asarray(values, dtype=np.float64) for key, values in columns.items()
        }
        lengths = {key: len(values) for key, values in self.columns.items()}
        if not len(codes) or {*lengths.values()} - {len(codes)}:
            raise DataError(
                f"`Table(space, architectures, columns)` must have one value a row in each column, "
                f"got {len(codes)} architectures and {lengths}."
            )

    @property
    def epochs(self) -> int:
        """The largest budget of a metric of several, else one."""
        return max((max(budgets) for budgets in self._budgets.values()), default=1)

    @property
    def full_epochs(self) -> int:
        """The same."""
        return self.epochs

    def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
        """The metrics of the candidate's row, with an untrained network."""
        row = self.row(candidate.architecture)
        if row is None:
            return Result({}, status="invalid", reason=f"it is not in the table {self.name!r}")
        metrics = {name: float(values[row]) for name, values in self.columns.items()}
        for name, budgets in self._budgets.items():
            if budget.amount in budgets:
                metrics.setdefault(name, float(self.column(name, budget.amount)[row]))
        return Result(metrics, model=candidate.build().eval())

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The columns, metrics of several budgets, and what is known before training."""
        return (*self.columns, *self._budgets, *COSTS)

    def budgets(self, name: str) -> tuple[int, ...]:
        """The epochs for which there is a column of a metric; none if it has one column alone."""
        return self._budgets.get(name, ())

    @cached_property
    def _budgets(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, set[int]] = {}
        for name in self.columns:
            stem, _, epochs = name.rpartition("_")
            if stem and stem not in self.columns and epochs.isdecimal() and int(epochs) > 0:
                found.setdefault(stem, set()).add(int(epochs))
        return {stem: tuple(sorted(epochs)) for stem, epochs in found.items() if len(epochs) > 1}

    @property
    def settings(self) -> dict[str, Any]:
        """The table's name and size."""
        return {"table": self.name, "rows": len(self)}

    @cached_property
    def architectures(self) -> tuple[Architecture, ...]:
        """The architecture of each row."""
        return tuple(self.architecture(row) for row in range(len(self)))

    def architecture(self, row: int) -> Architecture:
        """The architecture of one row."""
        choices = self.space.choices.items()
        found = zip(choices, self._answered[row].tolist(), strict=True)
        return Architecture({n: c.options[k] for (n, c), k in found if k != NOT_ASKED})

    def row(self, architecture: Architecture) -> int | None:
        """The row of an architecture, None if it is not in the table."""
        return self._rows.get(self._coder.codes([architecture]).tobytes())

    def searched_by(self, signal: str) -> Space:
        """`searched`, in which isomorphic rows are told apart where the signal of them differs."""
        found = self._searched_by.get(signal)
        if found is None:
            found = self._searched_by[signal] = copy.copy(self.searched)
            found.memo = {"apart": lambda features: self._isomorphic(features, signal).apart}
        return found

    def isomorphic(self, signal: str) -> Isomorphic:
        """How many rows are of one network, by how much a signal of them differs, and its noise.

        Columns such as `accuracy_seed0` or `accuracy_run0`, if there are any, tell the noise.
        """
        return self._isomorphic(features_of(self.searched_by(signal)), signal)

    def _isomorphic(self, features: Features, signal: str) -> Isomorphic:
        members = [self.architecture(row) for row in self.distinct]
        values, *trainings = (c[self.distinct] for c in (self.column(signal), *self._runs(signal)))
        return isomorphic(features, members, values, trainings)

    def _runs(self, signal: str) -> list[Column]:
        """The columns of single trainings: `accuracy_seed0`, `accuracy_run1`, ..."""
        budgets = self.budgets(signal)
        stem = f"{signal}_{budgets[-1]}" if budgets and signal not in self.columns else signal
        one = re.compile(re.escape(stem) + r"_(seed|run)_?\d+")
        return [column for name, column in self.columns.items() if one.fullmatch(name)]

    @cached_property
    def _searched_by(self) -> dict[str, Space]:
        return {}

    @cached_property
    def searched(self) -> Space:
        """The space of the table's rows alone, where some members lack."""
        every = self.space.few(len(self.distinct))
        if every is not None and len(every) == len(self.distinct):
            return self.space
        return self.space.among([self.architecture(row) for row in self.distinct])

    def joined(self, other: Table) -> Table:
        """This table with the columns of another of the same space; NaN where that lacks a row.

        A column that both have gets the other's name after its own.

        Raises:
            DataError: No network is in both.
        """
        rows = [other.row(architecture) for architecture in self.architectures]
        found = np.array([-1 if row is None else row for row in rows])
        if not (found >= 0).any():
            raise DataError(f"No network of {other.name!r} is in {self.name!r}.")
        columns = dict(self.columns)
        for name, values in other.columns.items():
            own = name if name not in columns else f"{name}_{other.name}"
            columns[own] = np.where(found >= 0, values[found], np.nan)
        return Table(self.space, self.architectures, columns, self.name)

    @property
    def distinct(self) -> list[int]:
        """The rows of different architectures."""
        return list(self._rows.values())

    @cached_property
    def _rows(self) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for row, codes in enumerate(self._answered):
            found.setdefault(codes.tobytes(), row)
        return found

    def __len__(self) -> int:
        return len(self._answered)

    def column(self, name: str, epochs: int | None = None) -> Column:
        """One metric of all rows; of several budgets that of `epochs`, without them the largest.

        Raises:
            SettingError: There is no such column.
        """
        if name in self.columns:
            return self.columns[name]
        budgets = self.budgets(name)
        if not budgets:
            listed = ", ".join([*self.columns, *self._budgets])
            raise SettingError(
                f"The table {self.name!r} has no column {name!r}; its columns are {listed}."
            )
        if epochs is not None and epochs not in budgets:
            raise SettingError(
                f"The table {self.name!r} has {name!r} after {', '.join(map(str, budgets))} "
                f"epochs, got {epochs}."
            )
        return self.columns[f"{name}_{budgets[-1] if epochs is None else epochs}"]

    def save(self, path: str | Path) -> None:
        """Write the table as one file that `open` maps into memory; whole or not at all."""
        columns = {name: values.astype(np.float64) for name, values in self.columns.items()}
        write_table(Path(path), self.name, self.space, self._answered, columns)

    @classmethod
    def open(
        cls,
        path: str | Path,
        space: Space | None = None,
        *,
        parse: Callable[[Any], Architecture] | None = None,
        column: str = "architecture",
    ) -> Table:
        """Open a saved table, or read a Parquet or CSV file of members of `space`.

        A saved file of a ready space needs no `space`. `parse` makes an architecture of the values
        of `column`, where they are not the JSON that netwright writes, for example `from_string` of
        NAS-Bench-201.

        Raises:
            DataError: The file cannot be read, or a row is no member of the space; names the row.
            MissingExtra: Without pandas.
        """
        file = Path(path)
        if file.suffix == ".safetensors":
            made = cls.__new__(cls)
            made._fill(*read_table(file, space))
            return made
        if space is None:
            raise SettingError(
                f"`Table.open({str(path)!r}, space)` must be told the space of the table's rows."
            )
        frame = read_frame(file)
        names = [name for name in space.choices if name in frame.columns]
        if parse is None and len(names) == len(space.choices):
            members = _by_choice(frame, space, file)
            frame = frame.drop(columns=names)
        elif column in frame.columns:
            members = _by_text(frame[column], space, parse, file)
        else:
            missing = [name for name in space.choices if name not in frame.columns]
            raise DataError(
                f"{file} must have a column for each choice of {space.name!r}, or one called "
                f"{column!r}; it lacks {', '.join(missing[:6])} and has "
                f"{', '.join(map(str, frame.columns[:12]))}."
            )
        numbers = frame.select_dtypes("number")
        return cls(space, members, {str(c): numbers[c].to_numpy() for c in numbers}, file.stem)


def read_frame(file: Path) -> DataFrame:
    """A Parquet or CSV file; raises as `Table.open`."""
    pandas = require("pandas", extra="tables", purpose="reading tables")
    if file.suffix not in (".parquet", ".csv"):
        raise DataError(f"A table must end in .parquet, .csv or .safetensors, got {str(file)!r}.")
    try:
        read = pandas.read_parquet if file.suffix == ".parquet" else pandas.read_csv
        frame: DataFrame = read(file)
    except Exception as error:
        raise DataError(f"{file} cannot be read as a table: {error}") from error
    return frame


def _by_choice(frame: DataFrame, space: Space, file: Path) -> list[Architecture]:
    options: dict[str, dict[Any, Answer]] = {
        name: {plain: option for option in choice.options for plain in (option, str(option))}
        for name, choice in space.choices.items()
    }
    made = []
    for row, values in enumerate(zip(*(frame[name] for name in space.choices), strict=True)):
        answers = {}
        for name, value in zip(space.choices, values, strict=True):
            if value in options[name]:
                answers[name] = options[name][value]
            elif value == value and value is not None:  # NaN: a choice that is not asked
                raise DataError(
                    f"{file}, row {row}: {value!r} is no option of {name!r}; its options are "
                    f"{space.choices[name].options!r}."
                )
        made.append(_member(space, answers, file, row))
    return made


def _by_text(
    texts: Any, space: Space, parse: Callable[[Any], Architecture] | None, file: Path
) -> list[Architecture]:
    made = []
    for row, text in enumerate(texts):
        try:
            found = (parse or Architecture.from_json)(text)
        except (SpaceError, SettingError) as error:
            raise DataError(f"{file}, row {row}: {error}") from error
        made.append(_member(space, found.answers, file, row))
    return made


def _member(space: Space, answers: Mapping[str, Answer], file: Path, row: int) -> Architecture:
    try:
        return space.architecture(answers)
    except SpaceError as error:
        raise DataError(f"{file}, row {row}: {error}") from error


class _Coder:
    """Architectures as places of their answers among the options."""

    def __init__(self, space: Space) -> None:
        self._places = {
            name: (column, {(type(o), o): place for place, o in enumerate(choice.options)})
            for column, (name, choice) in enumerate(space.choices.items())
        }

    def codes(self, architectures: Sequence[Architecture]) -> Codes:
        """n x k, `NOT_ASKED` where a choice is not asked."""
        found = np.full((len(architectures), len(self._places)), NOT_ASKED, dtype=np.uint16)
        for row, architecture in zip(found, architectures, strict=True):
            for name, answer in architecture.answers.items():
                column, options = self._places[name]
                row[column] = options[type(answer), answer]
        return found
