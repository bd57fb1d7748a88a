"""Run as a script: becomes another script, and finds modules where the process that began it did.

Python looks for modules in the folder of a script, or in the one where it was called, before it
looks into its own library, so that a `random.py` there would end a new process at its start. Here
what was loaded in the first process is loaded from the same place, whatever stands before it in
`sys.path`; all else is found as there, by the same `sys.path`. Nothing of netwright is imported.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType


class AsThere:
    """A finder of the modules that another process had: `folders` by the names of modules."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = folders

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module outside packages in the folder where the other process found it."""
        folder = self._folders.get(name) if path is None else None
        return None if folder is None else PathFinder.find_spec(name, [folder])


def command(
    script: str | Path, *arguments: object, flags: Sequence[str] | None = None
) -> list[str]:
    """The command of a process that runs a script with the modules of this one.

    It runs in the same mode of text, and of warnings unless `flags` say otherwise. The script's
    `__main__` has no file, so that processes that it spawns do not begin as it did.
    """
    given = {"path": sys.path, "loaded": _loaded()}
    flags = [f"-W{each}" for each in sys.warnoptions] if flags is None else list(flags)
    if sys.flags.utf8_mode:
        flags += ["-X", "utf8"]
    told = [json.dumps(given), str(script), *map(str, arguments)]
    return [sys.executable, "-P", *flags, __file__, *told]


def _loaded() -> dict[str, list[str]]:
    """The names of the modules outside packages that were loaded, by their folders."""
    names = defaultdict(list)
    for name, module in sys.modules.copy().items():  # others may import meanwhile
        spec = vars(module).get("__spec__") if isinstance(module, ModuleType) else None
        if "." in name or spec is None or not spec.has_location or not spec.origin:
            continue
        file = Path(spec.origin)
        names[str(file.parent.parent if file.stem == "__init__" else file.parent)].append(name)
    return dict(names)


def main(given: str, script: str, *arguments: str) -> None:
    """Become `script`, called with `arguments`."""
    told = json.loads(given)
    sys.path[:] = told["path"]
    folders = {name: folder for folder, names in told["loaded"].items() for name in names}
    sys.meta_path.insert(0, AsThere(folders))
    sys.argv[:] = [script, *arguments]
    code = compile(Path(script).read_bytes(), script, "exec", dont_inherit=True)
    sys.modules["__main__"] = module = ModuleType("__main__")
    exec(code, vars(module))


if __name__ == "__main__":
    main(*sys.argv[1:])
