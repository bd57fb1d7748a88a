"""The code of a page, run as a reader would: Python, shell lines and files, block after block.

Python blocks of a page share their names. A shell line is a call of netwright, of pip or of make:
netwright's are parsed by the real command line as they stand, and then run; pip's may only name
extras that there are, make's only targets. A block with a title is also a file of that name.

What takes long is cut by `shorter` before it is run: budgets, epochs and seeds become small, a
bound on a latency becomes one that any machine keeps, a search from the command line has a limit on
params, and workers are this process.
"""

import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from packaging.requirements import Requirement

from netwright.cli.app import app
from netwright.cli.exits import guarded
from netwright.run.workers import executor_of

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
RUN = ("python", "sh", "toml")

IN_PYTHON = (
    (r"\bminutes=\d+", "trials=2"),
    (r"\btrials=\d+", "trials=2"),
    (r"\b(full_)?epochs=\d+", r"\1epochs=1"),
    (r"\bbudgets=\(1, 3, 9\)", "budgets=(1, 2)"),
    (r"nw\.Training\((\w+)\)", r"nw.Training(\1, epochs=1, full_epochs=1)"),
    (r"(nw\.Training\(nw\.data\.load\(.*\))\)(?=  #)", r"\1, epochs=1, full_epochs=1)"),
    (r'("latency_ms@onnxruntime": )[\d.]+', r"\g<1>1000.0"),
    (r"\bseconds=[\d_]+", "seconds=1000"),
)
"""What is cut in Python: a pattern, and what is put in its place."""

IN_SHELL = {
    "search": {
        "--minutes": None,
        "--trials": "2",
        "--trial-epochs": "1",
        "--full-epochs": "1",
        "--workers": "0",
    },
    "resume": {"--trials": "3"},
    "retrain": {"--epochs": "1"},
    "bench run": {"--seeds": "2", "--seconds": "200", "--evaluations": "12", "--processes": "1"},
}
"""What is cut in calls: the option and its value, which `search` is given in any case; None takes
the option away. Of other commands only what is said is cut; `retrain` takes the full schedule
of the search, which was cut."""


class Block(NamedTuple):
    """A block of a page: its language, its file's name, the line before it, and its text."""

    kind: str
    title: str | None
    line: int
    text: str


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that are run, in order."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(block[1], block[2], text.count("\n", 0, block.start(3)), block[3])
        for block in FENCE.finditer(text)
    ]
    unknown = {block.kind for block in found} - {*RUN}
    assert not unknown, f"{page}: blocks of {unknown} are not run"
    return found


def run_page(page: Path, *, whole: bool = False) -> dict[str, Any]:
    """The names that a page's blocks define, run here, in order; errors name the page's lines.

    `whole` runs them as they stand.
    """
    names: dict[str, Any] = {"__name__": page.stem}
    with nullcontext() if whole else in_this_process():
        for block in blocks(page):
            _run(block, page, names, whole)
    return names


@contextmanager
def in_this_process() -> Iterator[None]:
    """Runs have no worker processes, however many they ask for."""

    def inline(store: Any, name: str, given: Any) -> Any:
        return executor_of(store, name, 0 if isinstance(given, int) else given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netwright.run.search.executor_of", inline)
        yield


def _run(block: Block, page: Path, names: dict[str, Any], whole: bool) -> None:
    text = block.text
    if block.title is not None:
        Path(block.title).write_text(text, encoding="utf-8")
    if block.kind == "python":
        text = text if whole else shorter(text)
        exec(compile("\n" * block.line + text, str(page), "exec"), names)
    if block.kind == "sh":
        for number, words in calls(block):
            run_call(words, f"{page.name}:{number}", whole=whole)


def shorter(text: str) -> str:
    """Python with less to do."""
    for pattern, instead in IN_PYTHON:
        text = re.sub(pattern, instead, text)
    return text


def calls(block: Block) -> Iterator[tuple[int, list[str]]]:
    """The calls of a shell block, each with its line in the page."""
    for found in re.finditer(r"(?:.*\\\n)*.*\n", block.text):
        words = shlex.split(found[0].replace("\\\n", " "), comments=True)
        if words:
            yield block.line + block.text.count("\n", 0, found.start()) + 1, words


def run_call(words: Sequence[str], where: str, *, whole: bool = False) -> None:
    """Parse a call by the program that it is for, and run it if that is netwright."""
    program, *arguments = words
    if program == "netwright":
        parse(arguments)
        arguments = arguments if whole else shorter_call(arguments)
        status = guarded(app, arguments)
        assert status == 0, f"{where}: netwright {shlex.join(arguments)} gave {status}"
    elif program == "pip":
        check_pip(arguments)
    elif program in ("make", "bash", "python"):
        check_tool(program, arguments)
    else:
        raise AssertionError(f"{where}: nothing is known of {program}")


def parse(arguments: Sequence[str]) -> None:
    """Read a call by the real command line, without running it; what is wrong is raised."""
    command: Any = typer.main.get_command(app)
    context, rest, name = None, list(arguments), "netwright"
    with suppress(typer.Exit):  # of --version and --help
        while hasattr(command, "resolve_command"):
            context = command.make_context(name, rest, parent=context)
            rest = [*context._protected_args, *context.args]
            name, command, rest = command.resolve_command(context, rest)
        command.make_context(name, rest, parent=context)


def shorter_call(arguments: Sequence[str]) -> list[str]:
    """A call with less to do."""
    for command, options in IN_SHELL.items():
        names = command.split()
        if list(arguments[: len(names)]) != names:
            continue
        kept = list(arguments[len(names) :])
        for option, value in options.items():
            said = option in kept
            if said:
                place = kept.index(option)
                del kept[place : place + 2]
            if value is not None and (said or command == "search" or option == "--processes"):
                kept += [option, value]
        if command == "search" and "params=" not in " ".join(kept):
            kept += ["--limit", "params=200000"]
        kept = [re.sub(r"^(latency_ms@onnxruntime)=[\d.]+$", r"\1=1000", word) for word in kept]
        return [*names, *kept]
    return list(arguments)


def check_pip(arguments: Sequence[str]) -> None:
    """`pip install` of this folder, with extras and constraints that there are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    words = list(arguments)
    assert words.pop(0) == "install"
    if "-c" in words:
        place = words.index("-c")
        assert (ROOT / words[place + 1]).is_file()
        del words[place : place + 2]
    words = [word for word in words if word != "-e"]
    assert len(words) == 1
    folder, _, extras = words[0].partition("[")
    assert folder == "."
    asked = Requirement(f"netwright[{extras}") if extras else Requirement("netwright")
    assert asked.extras <= {*project["optional-dependencies"]}


def check_tool(program: str, arguments: Sequence[str]) -> None:
    """A target that the Makefile has, or a script that is there."""
    if program == "make":
        call = ["make", "--dry-run", "--directory", str(ROOT), *arguments]
        subprocess.run(call, check=True, capture_output=True)
        return
    script = next(word for word in arguments if not word.startswith("-"))
    assert (ROOT / script).is_file(), script
