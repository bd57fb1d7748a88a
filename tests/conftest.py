"""What all tests share.

One thread a process, as netwright's workers have: small networks do not gain from more. And the
forms of an export are compared in the process of the test, since a fresh one takes seconds; the
tests of exports and of the command line have the fresh process. Nor is the export rehearsed before
each of the many small searches; `rehearsed_here` is for the tests of that.
"""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # also of new processes

import pytest
import torch
from hypothesis import settings

from netwright.export import check_forms, verify
from netwright.run.rehearsal import rehearse

search = import_module("netwright.run.search")  # which is a function's name, too

torch.set_num_threads(1)
settings.register_profile("some", max_examples=30)  # `make thorough` takes the hundred of "default"
settings.load_profile("some")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that at the end no worker waits for another."""
    longest = {"test_guide.py", "test_kill.py", "test_contract.py", "test_pages.py"}
    items.sort(key=lambda item: item.path.name not in longest)


@pytest.fixture(scope="session", autouse=True)
def compared_here():
    """Compare the forms of an export in this process; gives what does it in a fresh one."""
    fresh = verify._run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "_run", check_forms.compared)
        yield fresh


@pytest.fixture(scope="session", autouse=True)
def not_rehearsed():
    """Begin searches without a rehearsal of the export; gives what does it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "rehearse", lambda plan, costs: None)
        yield rehearse


@pytest.fixture
def rehearsed_here(monkeypatch, not_rehearsed):
    """Begin the searches of a test with a rehearsal, as users' are."""
    monkeypatch.setattr(search, "rehearse", not_rehearsed)


@pytest.fixture(scope="session")
def printed_twice() -> Callable[[str], list[str]]:
    """What code prints here, and in a process with another hash seed."""

    def run(code: str) -> list[str]:
        with redirect_stdout(io.StringIO()) as here:
            exec(code, {})
        seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
        there = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return [here.getvalue(), there.stdout]

    return run
