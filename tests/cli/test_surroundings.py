"""What the command line is called in: another encoding, a folder of odd files, code that exits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def netwright(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "netwright", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys\nsys.exit(98)\n", "fails at line 2: SystemExit: 98"),
        ("def network(choose, i, o):\n    raise SystemExit(98)\n", "SystemExit: 98 (s.py, line 2)"),
        ("raise KeyboardInterrupt\n", "Interrupted."),
    ],
)
def test_a_space_that_exits_is_one_sentence(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "s.py").write_text(code, encoding="utf-8")
    call = ["--data", "digits", "--space", "s.py:network", "--trials", "1", "--store", "r.db"]
    done = netwright(tmp_path, "search", *call)
    assert done.returncode == (130 if said == "Interrupted." else 2)
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1 and said in lines[0], lines


def test_names_with_other_letters_where_text_is_ascii(tmp_path: Path) -> None:
    names = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = netwright(tmp_path, "status", "Übung", "--store", "Häuser.db", **names)
    assert done.returncode == 2
    assert "'Häuser.db'" in done.stderr.decode()
    code = "def network(choose, i, o):\n    raise ValueError('größer')\n"
    (tmp_path / "Räume.py").write_text(code, encoding="utf-8")
    call = ["--data", "digits", "--space", "Räume.py:network", "--trials", "1"]
    done = netwright(tmp_path, "search", *call, PYTHONIOENCODING="ascii:strict")
    assert done.returncode == 2
    assert "gr\\xf6\\xdfer" in done.stderr.decode()


def test_modules_of_known_names_in_the_folder_where_it_is_called(tmp_path: Path) -> None:
    for name in ("random", "numpy", "json", "torch", "typer"):  # Python itself reads types.py
        wrong = "raise ImportError('the wrong one')\n"
        (tmp_path / f"{name}.py").write_text(wrong, encoding="utf-8")
    done = netwright(tmp_path, "status", "--store", "none.db")
    assert done.returncode == 2
    assert "There is no store 'none.db'" in done.stderr.decode()
    (tmp_path / "types.py").write_text("raise ImportError('the wrong one')\n", encoding="utf-8")
    command = [Path(sys.executable).with_name("netwright"), "status", "--store", "none.db"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert "There is no store 'none.db'" in done.stderr.decode()
