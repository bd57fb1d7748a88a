"""Folders for a moment leave nothing, also where their process was killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from netwright.files.temporary import temporary

KILLED = """
import sys, time
from pathlib import Path
from netwright.files.temporary import temporary
with temporary(parent=Path(sys.argv[1])) as folder:
    (folder / "weights").write_bytes(b"x")
    print("ready", flush=True)
    time.sleep(600)
"""


def test_what_the_dead_left_is_removed_by_the_next_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "netwright-notes").mkdir()
    with temporary(parent=tmp_path) as mine:
        call = [sys.executable, "-c", KILLED, str(tmp_path)]
        process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert len(list(tmp_path.iterdir())) == 3
        later = mine.name.rpartition("-")[0]  # of a process of the same number, begun later
        earlier = tmp_path / f"{later.rpartition('-')[0]}-1-left"
        earlier.mkdir()
        with temporary(parent=tmp_path) as other:
            names = {folder.name for folder in tmp_path.iterdir()}
            assert names == {"netwright-notes", mine.name, other.name}
    assert [folder.name for folder in tmp_path.iterdir()] == ["netwright-notes"]
