"""Writing a file whole or not at all, whatever kills the process on the way."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

PART = ".part-"
"""How the names of unfinished files begin."""


def write_whole(path: Path, content: bytes | Path | BinaryIO) -> None:
    """Write bytes, or what a file holds, to `path`; others see the old file or the new one.

    Raises:
        OSError: It cannot be written; then nothing is left of the attempt.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(PART + secrets.token_hex(8))
    try:
        with part.open("xb") as file:
            if isinstance(content, bytes):
                file.write(content)
            elif isinstance(content, Path):
                with content.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)
            else:
                shutil.copyfileobj(content, file, 1 << 20)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
