"""Files are written whole or not at all."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load

from netwright.network.files import tensor_bytes, whole, write_whole


def test_what_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "notes.txt"
    write_whole(path, "naïve\n")

    def half() -> None:
        with whole(path) as part:
            part.write_text("half", encoding="utf-8")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        half()
    assert path.read_bytes() == "naïve\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    write_whole(path, "old")
    with path.open(encoding="utf-8") as reader, whole(path) as part:
        part.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
        assert part.parent == path.parent  # so that it can take its place at once
    assert path.read_text(encoding="utf-8") == "new"
    assert reader.closed


def test_tensors_that_share_memory_are_saved() -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    tensors = {"a": weight, "b": weight, "c": weight.t()}
    read = load(tensor_bytes(tensors))
    assert all(torch.equal(read[name], value) for name, value in tensors.items())
