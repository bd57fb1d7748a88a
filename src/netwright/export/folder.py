"""Where the files of an export go: into a folder that holds nothing they could destroy."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from netwright.errors import ExportError, SettingError
from netwright.files.whole import whole

MARK = "card.json"  # says that the other files are of an export; placed first
FILES = (MARK, "card.md", "model.py", "model.safetensors", "model.onnx", "model.pt2")
"""What an export consists of."""


def check_folder(directory: Path) -> None:
    """Refuse a folder that cannot be written, or where an export would destroy one's own files.

    Raises:
        SettingError: It is a file, cannot be made or written, or holds a file of an export's names
            that is not of an export.
    """
    if directory.exists() and not directory.is_dir():
        raise SettingError(f"The export folder {str(directory)!r} is a file; name another.")
    if not (directory / MARK).exists():
        for file in FILES:
            if (directory / file).exists():
                raise SettingError(
                    f"The export folder {str(directory)!r} holds a {file} that is not of an export "
                    f"(there is no {MARK} beside it); name another folder."
                )
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=directory).close()
    except OSError as error:
        raise SettingError(
            f"The export folder {str(directory)!r} cannot be written: {_reason(error)}; "
            "name another."
        ) from error
    finally:
        for path in missing:
            with suppress(OSError):
                path.rmdir()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def place(made: Path, directory: Path) -> Path:
    """Copy the files of an export into a folder, each whole; those of an earlier one are replaced.

    Raises:
        SettingError: As `check_folder`.
        ExportError: `made` is no export, or a file cannot be written.
    """
    if not is_export(made):
        raise ExportError(f"There is no export in {str(made)!r}: its files are gone or were moved.")
    check_folder(directory)
    try:
        _copy(made, directory)
    except OSError as error:
        raise ExportError(
            f"The network cannot be put into {str(directory)!r}: {_reason(error)}; name another "
            "folder."
        ) from error
    return directory


def is_export(directory: Path) -> bool:
    """Whether the folder holds an export, by its card and its weights."""
    return all((directory / file).is_file() for file in (MARK, "model.safetensors"))


def _copy(made: Path, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        if (made / file).is_file():
            with whole(directory / file) as part:
                shutil.copyfile(made / file, part)
        else:  # a form of an earlier export must not stand beside this network
            (directory / file).unlink(missing_ok=True)
