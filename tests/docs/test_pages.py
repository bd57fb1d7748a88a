"""The code of the other pages runs as it stands, with less to train (see `pages`)."""

from pathlib import Path

import pytest

from pages import ROOT, Block, blocks, calls, parse, run_call, run_page, shorter, shorter_call

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
WITH_CODE = [page for page in PAGES if blocks(page)]
OWN = {"guide.md": "test_guide.py", "bench.md": "test_the_page_of_comparisons"}
"""Pages with a test of their own."""

OTHERS = [page for page in WITH_CODE if page.name not in OWN]


@pytest.mark.snippets
@pytest.mark.parametrize("page", OTHERS, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page: Path, reader: Path) -> None:
    run_page(page, whole=page.parent.name == "write-your-own")


def test_the_calls_of_the_page_of_comparisons_are_right() -> None:
    found = [
        words
        for block in blocks(DOCS / "bench.md")
        if block.kind == "sh"
        for _, words in calls(block)
    ]
    assert len(found) > 4
    for program, *arguments in found:
        assert program == "netwright"
        parse(arguments)


@pytest.mark.thorough
@pytest.mark.usefixtures("published")
def test_the_page_of_comparisons() -> None:
    run_page(DOCS / "bench.md")


@pytest.mark.thorough
def test_the_readme_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (python,) = [block for block in blocks(ROOT / "README.md") if block.kind == "python"]
    Path("python.md").write_text(f"```python\n{python.text}```\n", encoding="utf-8")
    run = run_page(Path("python.md"), whole=True)["run"]
    assert run.best.metrics["test_accuracy"] > 0.85


def test_every_page_on_ones_own_parts_has_code() -> None:
    assert {page for page in DOCS.glob("write-your-own/*.md")} <= {*WITH_CODE}


def test_blocks_share_names_and_errors_name_the_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\na = 1\n```\n\nAnd:\n\n```python\nb = a\n1 / 0\n```\n")
    assert [(block.line, block.text) for block in blocks(page)] == [
        (3, "a = 1\n"),
        (9, "b = a\n1 / 0\n"),
    ]
    with pytest.raises(ZeroDivisionError) as error:
        run_page(page)
    assert error.traceback[-1].lineno == 10  # counted from 0


def test_a_language_that_is_not_run_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\nnetwright\n```\n")
    with pytest.raises(AssertionError, match="console"):
        blocks(page)


def test_calls_are_read_as_a_shell_reads_them() -> None:
    text = "pip install '.[all]'  # here\nnetwright search \\\n    --data x\n\nmake test\n"
    assert list(calls(Block("sh", None, 10, text))) == [
        (11, ["pip", "install", ".[all]"]),
        (12, ["netwright", "search", "--data", "x"]),
        (15, ["make", "test"]),
    ]


@pytest.mark.parametrize(
    "call",
    [
        ["netwright", "search", "--dta", "digits"],
        ["netwright", "find"],
        ["netwright", "status", "no-such-run", "--store", "no-such.db"],
        ["pip", "install", ".[al]"],
        ["make", "no-such-target"],
        ["bash", "scripts/no_such.sh"],
        ["curl", "example.org"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_fails(call: list[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception):  # noqa: B017, PT011 - of each program its own
        run_call(call, "here")


def test_less_is_done() -> None:
    assert shorter("nw.search(space, nw.Training(data), minutes=5, workers=2)") == (
        "nw.search(space, nw.Training(data, epochs=1, full_epochs=1), trials=2, workers=2)"
    )
    call = ["search", "--data", "digits", "--minutes", "5", "--limit", "latency_ms@onnxruntime=0.1"]
    assert shorter_call(call) == [
        *("search", "--data", "digits", "--limit", "latency_ms@onnxruntime=1000"),
        *("--trials", "2", "--trial-epochs", "1", "--full-epochs", "1", "--workers", "0"),
        *("--limit", "params=200000"),
    ]
    resumed = ["resume", "first", "--trials", "100"]
    assert shorter_call(resumed) == ["resume", "first", "--trials", "3"]
    assert shorter_call(["resume", "first"]) == ["resume", "first"]
    assert shorter_call(["bench", "run", "--seeds", "50"]) == [
        *("bench", "run", "--seeds", "2", "--processes", "1"),
    ]
