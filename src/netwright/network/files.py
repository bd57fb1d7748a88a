"""Files that are written whole or not at all, also where the process is killed meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors.torch import save
from torch import Tensor


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write, which takes its place when the block ends well.

    Folders that are missing are made. After an error `path` is as it was, and nothing is left.
    A process that has the old file open goes on reading the old content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def tensor_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Return tensors by name as safetensors; those that share memory too."""
    return save({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()})
