"""What follows from the exports is current; a new plug-in is one file and one line of export."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import netwright as nw
from netwright.settings.exports import by_names

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "generate_exports.py"

PLANTED = '''"""Planted: always the smallest network; arXiv 2601.00001."""

from dataclasses import dataclass
from typing import ClassVar

from netwright.strategies.base import Search, Strategy
from netwright.trial import Proposal


@dataclass(frozen=True)
class Planted(Strategy):
    """Proposes the smallest network, and again."""

    cli_name: ClassVar = "planted"
    times: int = 3

    def start(self, space, objectives):
        return _Planted(space)


class _Planted(Search):
    def __init__(self, space):
        self._space = space

    def propose(self, rng, pending):
        return Proposal(self._space.smallest())

    def observe(self, trial):
        pass
'''


def generate(*arguments: object) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True)


def test_what_is_generated_is_current() -> None:
    done = generate("--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of the package with one more strategy: one file, and one line of export."""
    root = tmp_path_factory.mktemp("house")
    left_out = shutil.ignore_patterns("*.npz", "__pycache__")
    shutil.copytree(ROOT / "src", root / "src", ignore=left_out)
    (root / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "guide.md", root / "docs")
    room = root / "src" / "netwright" / "strategies"
    (room / "planted.py").write_text(PLANTED, encoding="utf-8")
    init = room / "__init__.py"
    text = init.read_text(encoding="utf-8").replace('    "PNAS",', '    "PNAS",\n    "Planted",')
    line = "from netwright.strategies.planted import Planted\n"
    init.write_text(text.replace("\n\n__all__", f"\n{line}\n__all__"), encoding="utf-8")
    return root


def test_a_planted_strategy_is_known_everywhere(house: Path) -> None:
    stale = generate("--check", house)
    assert stale.returncode == 1
    assert stale.stdout.splitlines() == [
        "src/netwright/__init__.py is not current",
        "src/netwright/cli/exported.py is not current",
        "docs/guide.md is not current",
    ]
    assert generate(house).returncode == 0
    assert generate("--check", house).returncode == 0
    row = "| `nw.Planted()` | `planted` | Proposes the smallest network, and again | `times=3` | "
    assert row + "[2601.00001]" in (house / "docs" / "guide.md").read_text(encoding="utf-8")
    code = (
        "import netwright as nw; from netwright.cli import exported;"
        "from netwright.testing.exports import STRATEGIES;"
        "from netwright.oneshot.names import search_named;"
        "assert 'planted' in exported.STRATEGIES and nw.Planted in STRATEGIES;"
        "assert search_named('--strategy', 'planted') == nw.Planted(times=3); print('known')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(house / "src"), "PATH": ""},
    )
    assert done.stdout == "known\n", done.stderr


def test_a_class_without_a_name_of_its_own_is_refused() -> None:
    class Nameless(nw.RandomSearch):
        """It inherits one."""

    class Same(nw.RandomSearch):
        cli_name = "auto"

    with pytest.raises(TypeError, match="Nameless is exported and must have its own `cli_name`"):
        by_names([nw.RandomSearch, Nameless])
    with pytest.raises(TypeError, match="Same and Auto have the same name 'auto'"):
        by_names([nw.Auto, Same])


def test_a_planted_option_of_a_run_is_known_everywhere(house: Path) -> None:
    source = house / "src" / "netwright" / "run" / "plan.py"
    field = '    patience: int = option(3, "trials without gain.", rule=whole(1), fixed=True)\n'
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("    targets: ", f"{field}    targets: ", 1), encoding="utf-8")
    assert generate(house).returncode == 0
    code = (
        "from netwright.cli import app, options; from netwright.cli.exits import guarded;"
        "assert guarded(app, ['search', '--help']) == 0;"
        "from netwright.run.fingerprint import _FIXED; assert 'patience' in _FIXED;"
        "assert options.KNOWN['patience'].types == (int,); print('known')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(house / "src"), "PATH": "", "COLUMNS": "200"},
    )
    assert done.stdout.endswith("known\n"), done.stderr
    assert "--patience" in done.stdout and "Trials without gain. [default: 3]" in done.stdout
    docstring = (house / "src" / "netwright" / "run" / "search.py").read_text(encoding="utf-8")
    assert "        patience: trials without gain." in docstring
