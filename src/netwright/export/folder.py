"""Where the files of an export go: into a folder that holds nothing they could destroy."""

from __future__ import annotations

import shutil
from pathlib import Path

from netwright.errors import ExportError

MARK = "card.json"  # says that the other files are of an export; placed first
FILES = (MARK, "card.md", "model.py", "model.safetensors", "model.onnx", "model.pt2")
"""What an export consists of."""


def check_folder(directory: Path) -> None:
    """Refuse a folder in which an export would write over somebody's own files.

    Raises:
        ExportError: It is a file, or holds a file of an export's names that is not of an export.
    """
    if directory.exists() and not directory.is_dir():
        raise ExportError(f"The export folder {str(directory)!r} is a file; name another.")
    if (directory / MARK).exists():
        return
    for file in FILES:
        if (directory / file).exists():
            raise ExportError(
                f"The export folder {str(directory)!r} holds a {file} that is not of an export "
                f"(there is no {MARK} beside it); name another folder."
            )


def place(made: Path, directory: Path) -> Path:
    """Copy the files of an export into a folder, each whole; those of an earlier one are replaced.

    Raises:
        ExportError: As `check_folder`.
    """
    check_folder(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        if (made / file).is_file():
            part = directory / f"{file}.part"
            shutil.copyfile(made / file, part)
            part.replace(directory / file)
        else:  # a form of an earlier export must not stand beside this network
            (directory / file).unlink(missing_ok=True)
    return directory
