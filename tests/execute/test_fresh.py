"""What a new process finds: the modules of the first one, whatever stands in a folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netwright.execute import Key, Processes, fresh
from netwright.testing.executors import gather, started

SHADOWS = ("random", "types", "numpy", "json", "torch", "socket", "cloudpickle", "enum")


def shadowed(folder: Path) -> Path:
    for name in SHADOWS:
        (folder / f"{name}.py").write_text("raise ImportError('the wrong one')\n", encoding="utf-8")
    (folder / "own_helper.py").write_text("ANSWER = 42\n", encoding="utf-8")
    return folder


def test_workers_start_in_a_folder_of_modules_with_known_names(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(shadowed(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))

    def work(job: object, report: object) -> int:
        import random

        import numpy as np
        import own_helper
        import torch

        return own_helper.ANSWER + int(torch.ones(1) + np.ones(1)) + random.Random(0).randrange(1)

    with started(Processes(1), work) as executor:
        executor.submit(Key(0), None)
        assert gather(executor, 1)[-1].body == 44


def test_a_process_has_the_path_the_text_and_the_warnings_of_the_first(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nprint(sys.path[-1], sys.argv[1:], sys.flags.utf8_mode, sys.warnoptions)\n"
        "print('__file__' in globals(), __name__)\n",
        encoding="utf-8",
    )
    code = (
        "import subprocess, sys; sys.path.append('/Übung')\n"
        "from netwright.execute import fresh\n"
        f"subprocess.run(fresh.command({str(script)!r}, 'ä', 1), check=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-c", code],
        capture_output=True,
        check=True,
        env=os.environ | {"LC_ALL": "C"},
    )
    assert done.stdout.decode().splitlines() == [
        "/Übung ['ä', '1'] 1 ['error']",
        "False __main__",
    ]


@pytest.mark.parametrize("name", ["json", "torch"])
def test_what_was_loaded_is_found_where_it_was(name) -> None:
    folders = {each: folder for folder, names in fresh._loaded().items() for each in names}
    spec = fresh.AsThere(folders).find_spec(name)
    assert spec is not None
    assert spec.origin == sys.modules[name].__file__
    assert fresh.AsThere(folders).find_spec(name, ["inside a package"]) is None
