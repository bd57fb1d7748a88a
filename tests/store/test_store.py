import sqlite3
from pathlib import Path

import pytest

from netwright.errors import StoreError
from netwright.store import Store
from netwright.testing import STORE_CHECKS


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_conformance(check, tmp_path: Path) -> None:
    check(lambda: Store(tmp_path / "runs.db"))


def test_files_that_are_no_store_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello " * 300)
    foreign = tmp_path / "other.db"
    base = sqlite3.connect(foreign)
    base.execute("create table cat (name text)")
    base.close()
    for path, part in ((text, "cannot be opened"), (foreign, "another program")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=part):
            Store(path)
        assert path.read_bytes() == before


def test_a_store_of_a_later_schema_is_refused(tmp_path: Path) -> None:
    Store(tmp_path / "a.db").close()
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("pragma user_version=99")
    base.close()
    with pytest.raises(StoreError, match="schema 99"):
        Store(tmp_path / "a.db")


def test_reading_does_not_make_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store"):
        Store(tmp_path / "none.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "file" / "runs.db")
