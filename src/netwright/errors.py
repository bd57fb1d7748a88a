"""Every error netwright raises on purpose, one tree.

    NetwrightError
    ├── SettingError      a call was made with a value outside its rule
    ├── SpaceError        a declaration or an architecture does not fit its space
    ├── DataError         a data set cannot be used as it is; names the file or row
    ├── LimitError        a hard limit cannot be met; says the least that can
    ├── EvaluationError   a network could not be trained or measured
    ├── StoreError        a run cannot be read, written or continued
    │   └── Conflict      a run has events that its writer has not seen
    ├── ExportError       an exported form is missing or differs from the network
    └── MissingExtra      an optional package is needed; names the extra

A message says the call, the rule, what was got and the remedy.
"""

from __future__ import annotations

import sysconfig
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType

_NOT_OWN = (Path(__file__).parent, Path(sysconfig.get_path("stdlib")))
_INSTALLED = {"site-packages", "dist-packages"}
_SENT = "<dynamic-code>"  # what cloudpickle calls the file of a function


class NetwrightError(Exception):
    """Base of all errors raised on purpose; catching it catches them all."""


class SettingError(NetwrightError, ValueError):
    """A call was made with a value outside its rule."""


class SpaceError(NetwrightError, ValueError):
    """A declaration or an architecture does not fit its space."""


class DataError(NetwrightError, ValueError):
    """A data set cannot be used as it is; the message names the file or the row."""


class LimitError(NetwrightError, ValueError):
    """A hard limit cannot be met; the message says the least that can."""


class EvaluationError(NetwrightError, RuntimeError):
    """A network could not be trained or measured."""


class StoreError(NetwrightError, RuntimeError):
    """A run cannot be read, written or continued."""


class Conflict(StoreError):
    """A run has events that its writer has not seen; read them and try again."""


class ExportError(NetwrightError, RuntimeError):
    """An exported form is missing or differs from the trained network."""


class MissingExtra(NetwrightError, ImportError):
    """An optional package is needed; the message names the extra that brings it."""


def raised_at(error: BaseException) -> str:
    """The line of a user's own code that an error came from: " (mine.py, line 9)", or nothing.

    In a worker the file of what was sent there is not known, but its function is.
    """
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        path = Path(frame.f_code.co_filename)
        if path.name == _SENT:
            return f" ({frame.f_code.co_qualname}, line {line})"
        foreign = _INSTALLED & set(path.parts) or any(map(path.is_relative_to, _NOT_OWN))
        if path.suffix == ".py" and path.is_file() and not foreign:
            return f" ({path.name}, line {line})"
    return ""


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import an optional ``module``, or say in one sentence which extra brings it.

    Raises:
        MissingExtra: ``module`` is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtra(
            f"{purpose} needs the package '{package}': install it with "
            f"`pip install 'netwright[{extra}]'`."
        ) from error
