"""A table of networks that were trained before: metrics of each member of a space, or of some.

A file is a Parquet or CSV table with a row for each network. Its architecture is in one column for
each choice of the space, by the choice's name, or in one column `architecture` with the JSON that
`Architecture.to_json` writes. All other columns of numbers are metrics; NaN is what was not
measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import DataError, SettingError, SpaceError, require
from netwright.space import Answer, Architecture, Space

if TYPE_CHECKING:
    from pandas import DataFrame

Column = NDArray[np.float64]


class Table:
    """Rows of metrics by architecture.

    `places` gives the row of each architecture; rows of equal ones (isomorphic cells that were
    trained twice) are those of the first. `columns` are n values each.

    Raises:
        DataError: No row, or columns of another length.
    """

    def __init__(
        self,
        space: Space,
        architectures: Sequence[Architecture],
        columns: Mapping[str, Sequence[float] | Column],
        name: str = "table",
    ) -> None:
        self.space, self.name = space, name
        self.architectures = tuple(architectures)
        self.columns = {
            key: np.asarray(values, dtype=np.float64) for key, values in columns.items()
        }
        self.places: dict[Architecture, int] = {}
        for place, architecture in enumerate(self.architectures):
            self.places.setdefault(architecture, place)
        lengths = {key: len(values) for key, values in self.columns.items()}
        if not self.architectures or {*lengths.values()} - {len(self.architectures)}:
            raise DataError(
                f"`Table(space, architectures, columns)` must have one value a row in each column, "
                f"got {len(self.architectures)} architectures and {lengths}."
            )

    def __len__(self) -> int:
        return len(self.architectures)

    def column(self, name: str) -> Column:
        """One metric of all rows.

        Raises:
            SettingError: There is no such column.
        """
        if name not in self.columns:
            raise SettingError(
                f"The table {self.name!r} has no column {name!r}; its columns are "
                f"{', '.join(self.columns)}."
            )
        return self.columns[name]

    @classmethod
    def open(
        cls,
        path: str | Path,
        space: Space,
        *,
        parse: Callable[[Any], Architecture] | None = None,
        column: str = "architecture",
    ) -> Table:
        """Read a Parquet or CSV file of members of `space`.

        `parse` makes an architecture of the values of `column`, where they are not the JSON that
        netwright writes, for example `from_string` of NAS-Bench-201.

        Raises:
            DataError: The file cannot be read, or a row is no member of the space; names the row.
            MissingExtra: Without pandas.
        """
        file = Path(path)
        frame = _read(file)
        names = [name for name in space.choices if name in frame.columns]
        if parse is None and len(names) == len(space.choices):
            made = _by_choice(frame, space, file)
            frame = frame.drop(columns=names)
        elif column in frame.columns:
            made = _by_text(frame[column], space, parse, file)
        else:
            missing = [name for name in space.choices if name not in frame.columns]
            raise DataError(
                f"{file} must have a column for each choice of {space.name!r}, or one called "
                f"{column!r}; it lacks {', '.join(missing[:6])} and has "
                f"{', '.join(map(str, frame.columns[:12]))}."
            )
        numbers = frame.select_dtypes("number")
        return cls(space, made, {str(c): numbers[c].to_numpy() for c in numbers}, file.stem)


def _read(file: Path) -> DataFrame:
    pandas = require("pandas", extra="tables", purpose="reading tables")
    if file.suffix not in (".parquet", ".csv"):
        raise DataError(f"A table must end in .parquet or .csv, got {str(file)!r}.")
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
