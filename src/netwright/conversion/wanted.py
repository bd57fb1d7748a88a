"""What of a model is to become searchable: the settings of `convert`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import Tensor, nn

from netwright.errors import SettingError

Pattern = str | type[nn.Module]
"""A pattern of qualified names, or a class of modules."""


@dataclass(frozen=True)
class Wanted:
    """What of a model may become searchable; the settings of `convert`."""

    include: Sequence[Pattern] | None
    exclude: Sequence[Pattern] | None
    widths: Sequence[float]
    depths: bool
    kernels: bool
    activations: bool

    def refusal(self, model: nn.Module, path: str) -> str | None:
        """Why a module is not searched, by its own name or class or those of one around it."""
        if self.include is not None and not self._matches(model, path, self.include):
            return "not included"
        return "excluded" if self._matches(model, path, self.exclude or ()) else None

    def check(self, model: object, example: object, tokens: int | None) -> None:
        """Refuse settings of another kind or range, and patterns of names that no module has.

        Raises:
            SettingError: Names the setting and what it must be.
        """
        if not isinstance(model, nn.Module):
            raise SettingError(f"`convert(model, ...)` must be given an nn.Module, got {model!r}.")
        if not isinstance(example, Tensor) or example.ndim < 2 or len(example) < 1:
            got = tuple(example.shape) if isinstance(example, Tensor) else type(example).__name__
            raise SettingError(
                "`convert(model, example_input)` must be given a batch of examples as "
                f"one tensor (b, ...), got {got}."
            )
        if not example.is_floating_point() and tokens is None:
            raise SettingError(
                "`convert(model, example_input)` must be told how many ids there are if "
                f"the inputs are ids, got {example.dtype} inputs; give `tokens=...`."
            )
        if any(not 0 < part < 1 for part in self.widths):
            raise SettingError(
                "`convert(widths=...)` must be fractions between 0 and 1, "
                f"got {tuple(self.widths)!r}."
            )
        for patterns in (self.include, self.exclude):
            self._check_patterns(model, patterns)

    def _check_patterns(self, model: nn.Module, patterns: Sequence[Pattern] | None) -> None:
        for pattern in [patterns] if isinstance(patterns, str) else patterns or ():
            named = isinstance(pattern, str) and not isinstance(patterns, str)
            if not named and not (isinstance(pattern, type) and issubclass(pattern, nn.Module)):
                raise SettingError(
                    "`convert(include=..., exclude=...)` must be sequences of name "
                    f"patterns and module classes, got {pattern!r}."
                )
            if isinstance(pattern, str) and not any(
                fnmatchcase(path, pattern) for path, _ in model.named_modules()
            ):
                raise SettingError(
                    "`convert(include=..., exclude=...)` must hold patterns of the names "
                    f"of modules, got {pattern!r}, which none has; `named_modules()` lists them."
                )

    def _matches(self, model: nn.Module, path: str, patterns: Sequence[Pattern]) -> bool:
        parts = path.split(".")
        around = [".".join(parts[: i + 1]) for i in range(len(parts))]
        return any(
            fnmatchcase(each, pattern)
            if isinstance(pattern, str)
            else isinstance(model.get_submodule(each), pattern)
            for each in around
            for pattern in patterns
        )
