"""Files are written whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netwright.files import whole as files
from netwright.files.whole import PART, whole, write_whole


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


@pytest.mark.parametrize("kind", ["text", "bytes", "file", "stream"])
def test_what_a_file_is_written_from(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "source"
    source.write_bytes("naïve\r\n".encode())
    path = tmp_path / "notes.txt"
    with source.open("rb") as stream:
        given = {"text": "naïve\r\n", "bytes": source.read_bytes(), "file": source}
        write_whole(path, given.get(kind, stream))
    assert path.read_bytes() == source.read_bytes()


HALFWAY = """
import sys
from pathlib import Path
from netwright.files.whole import whole
with whole(Path(sys.argv[1])) as part:
    part.write_text("half", encoding="utf-8")
    print(part.name, flush=True)
    sys.stdin.read()
"""


def halfway(path: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that is writing a file, and its unfinished one."""
    process = subprocess.Popen(
        [sys.executable, "-c", HALFWAY, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    return process, path.with_name(process.stdout.readline().strip())


def test_the_next_writer_removes_what_the_dead_left(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    write_whole(path, "old")
    killed, left = halfway(path)
    living, kept = halfway(path)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    elsewhere = tmp_path / f"{PART}0a1b2c3d-{killed.pid}-00"  # of another machine
    elsewhere.touch()
    assert left.exists()
    files._looked.clear()
    write_whole(path, "new")
    assert {*tmp_path.iterdir()} == {path, kept, elsewhere}
    living.communicate("")
    assert living.returncode == 0
    assert path.read_text(encoding="utf-8") == "half"
    assert {*tmp_path.iterdir()} == {path, elsewhere}


def test_a_folder_is_looked_through_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    listing = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(path) or listing(path))
    for _ in range(3):
        write_whole(tmp_path / "notes.txt", "new")
    assert looked == [tmp_path]
    files._looked[tmp_path] -= 61
    write_whole(tmp_path / "notes.txt", "new")
    assert looked == [tmp_path] * 2
