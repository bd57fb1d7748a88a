"""What `load` was asked for, and what of it belongs to which kind of source."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netwright.data.frames import is_frame
from netwright.data.pictures import Reading
from netwright.data.split import Split, split_of
from netwright.errors import SettingError
from netwright.tasks import Task


def check_not_empty(**given: object) -> None:
    """Refuse arguments of `load` that are an empty text.

    Raises:
        SettingError: Names the argument.
    """
    for name, value in given.items():
        if isinstance(value, str) and not value.strip():
            remedy = "give a path or a name" if name == "source" else "leave it out"
            raise SettingError(f"`load({name}=...)` must not be empty, got {value!r}; {remedy}.")


@dataclass(frozen=True)
class Asked:
    """What `load` was given."""

    source: Any
    reading: Reading
    task: str | Task | None
    seed: int
    validation: float
    test: float | str | os.PathLike[str]
    label: str | None
    channels: str | None
    group: str | None
    time: str | None
    drop_rare: bool
    kind: str | None
    tokens: str
    rate: int | None
    series: str | None

    @property
    def path(self) -> Path | None:
        """The source as a path; None for what is in memory."""
        return Path(self.source) if isinstance(self.source, (str, os.PathLike)) else None

    @property
    def file(self) -> Path | None:
        """The file that is the source; None for a folder and for what is in memory."""
        return self.path if self.path is not None and self.path.is_file() else None

    @property
    def suffix(self) -> str:
        """That of the path, in small letters."""
        return "" if self.path is None else self.path.suffix.lower()

    @property
    def is_table(self) -> bool:
        """Whether it is a table, or called as a file of one."""
        return self.suffix in (".csv", ".parquet") or is_frame(self.source)

    @property
    def told(self) -> str:
        """The source in an error: a path or a name, or what kind of thing it is."""
        if isinstance(self.source, (str, os.PathLike)):
            return repr(str(self.source))
        return f"{type(self.source).__name__} in memory"

    @property
    def split(self) -> Split:
        """How rows become parts.

        Raises:
            SettingError: A fraction is outside its rule.
        """
        return split_of(self.seed, self.validation, self.test, self.group)

    @property
    def drawn(self) -> Split:
        """The same, where all parts are of one source.

        Raises:
            SettingError: The test part is another file or folder, or as `split`.
        """
        if isinstance(self.test, (str, os.PathLike)):
            raise SettingError(
                f"`load(test=...)` must be a fraction for {self.told}, got {str(self.test)!r}; a "
                "file or a folder is for tables of values, series and folders of images."
            )
        return self.split

    def of_table(self, split: Split) -> Split:
        """A split that goes by the columns of a table, too."""
        return replace(split, time=self.time, drop_rare=self.drop_rare)

    def check_belongs(self, names: Iterable[str], to: str) -> None:
        """Refuse arguments that were given and belong to another kind of source."""
        for name in names:
            if getattr(self, name):
                raise SettingError(f"`load({name}=...)` belongs to {to}, not {self.told}.")

    def check_no_images(self) -> None:
        """Refuse what says how images are read."""
        for name, usual in vars(Reading()).items():
            if getattr(self.reading, name) != usual:
                raise SettingError(
                    f"`load({name}=...)` belongs to a folder or a table of images, not {self.told}."
                )
