"""Data in memory: what all of them do with their parts, whatever a row is."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Self

from netwright.data.base import PARTS, Data, Part


class MemoryPart(Part):
    """Rows that are all in memory."""

    @abstractmethod
    def none(self) -> Self:
        """No row."""

    @abstractmethod
    def with_rows_of(self, other: Self) -> Self:
        """These rows, and then those of another part; a view where both lie side by side."""


class MemoryData(Data):
    """A frozen dataclass of data whose parts are in memory."""

    train: MemoryPart
    validation: MemoryPart
    test: MemoryPart

    def without_test(self) -> Self:
        """The same data with an empty test part; `digest` stays."""
        return self._changed(test=self.test.none())

    def with_validation_in_train(self) -> Self:
        """The same data with the validation rows after those of the train part."""
        both = self.train.with_rows_of(self.validation)
        return self._changed(train=both, validation=self.validation.none())

    def _changed(self, **parts: MemoryPart) -> Self:
        return replace(self, **parts)  # type: ignore[type-var]

    def shown(self, what: str) -> str:
        """The data in one phrase; `what` says what rows are."""
        sizes = ", ".join(f"{len(getattr(self, part)):,} {part}" for part in PARTS)
        return f"Data({self.name}: {sizes}; {what}; {self.task.words})"
