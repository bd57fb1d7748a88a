"""What the import of a suite brings with it, in a fresh process."""

import json
import subprocess
import sys
from pkgutil import iter_modules

import pytest

from netwright import testing

SUITES = sorted(module.name for module in iter_modules(testing.__path__))
WITHOUT_TORCH = ("stores",)


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """Which large packages are there after each suite, in one process, the smallest first."""
    order = [*WITHOUT_TORCH, *(name for name in SUITES if name not in WITHOUT_TORCH)]
    code = (
        "import importlib, json, sys\n"
        "print(json.dumps({name: (importlib.import_module('netwright.testing.' + name), [large for "
        "large in ('torch', 'sklearn', 'pandas', 'onnxruntime') if large in sys.modules])[1] for "
        f"name in {order}}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_imports_no_more_than_it_needs(name: str, imported: dict[str, list[str]]) -> None:
    assert imported[name] == ([] if name in WITHOUT_TORCH else ["torch"])
