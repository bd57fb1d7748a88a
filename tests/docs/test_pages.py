"""The pages on writing one's own: their code runs as it stands, block after block."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "write-your-own"
PAGES = sorted(FOLDER.glob("*.md"))


def code(page: Path) -> list[tuple[int, str]]:
    """The Python blocks of a page, each with the line that it begins on."""
    text = page.read_text(encoding="utf-8")
    blocks = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, block.start(1)), block[1]) for block in blocks]


def run(page: Path) -> dict[str, object]:
    """The names that a page's blocks define, in one namespace; errors name the page's lines."""
    names: dict[str, object] = {"__name__": page.stem}
    for line, text in code(page):
        exec(compile("\n" * line + text, str(page), "exec"), names)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert code(page)
    run(page)


def test_blocks_share_names_and_errors_name_the_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\na = 1\n```\n\nAnd:\n\n```python\nb = a\n1 / 0\n```\n")
    assert code(page) == [(3, "a = 1\n"), (9, "b = a\n1 / 0\n")]
    with pytest.raises(ZeroDivisionError) as error:
        run(page)
    assert error.traceback[-1].lineno == 10  # counted from 0
