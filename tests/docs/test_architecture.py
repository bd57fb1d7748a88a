"""The picture of the rooms and the tables beside it are those of the source."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "draw_architecture.py"
HELD = ["docs/architecture.md", "docs/pictures/architecture.svg", "CONTRIBUTING.md"]


def check(root: Path) -> tuple[int, list[str]]:
    call = [sys.executable, str(root / "scripts" / SCRIPT.name), "--check"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_picture_and_tables_are_current() -> None:
    assert check(ROOT) == (0, [])


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small copy: the documents, and the code that they are made from and point to."""
    code = [
        path for folder in ("src", "tests", "scripts") for path in (ROOT / folder).rglob("*.py")
    ]
    for path in [*map(ROOT.joinpath, HELD), *code]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return tmp_path


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_what_is_out_of_date_is_named(house: Path) -> None:
    source = house / "src" / "netwright"
    changed(source / "record" / "events.py", 'kind = "created"', 'kind = "made"')
    changed(source / "run" / "finals.py", "def promoted(", "def advanced(")
    assert check(house) == (
        1,
        [
            "docs/architecture.md is not current",
            "architecture.md: run/finals.py has no promoted",
        ],
    )


def test_a_new_import_of_a_room_changes_the_picture(house: Path) -> None:
    text = "from netwright.store.base import Store\n"
    with (house / "src/netwright/surrogates/parts.py").open("a", encoding="utf-8") as file:
        file.write(text)
    assert check(house) == (1, ["docs/pictures/architecture.svg is not current"])
