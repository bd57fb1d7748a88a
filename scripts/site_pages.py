"""Pages of the site that no file in `docs` is: a hook of mkdocs, see `mkdocs.yml`.

README, CONTRIBUTING and CHANGELOG are taken as they stand, with their links made those of the site.
The reference follows from the exports: each group of public names is a page, and a name that is
exported appears there without more. Nothing of netwright is imported.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "netwright"
sys.path.insert(0, str(ROOT / "scripts"))

from generate_exports import PUBLIC, SEAMS  # noqa: E402

TAKEN = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Files of the root, and what they are on the site."""


class Group(NamedTuple):
    """A page of the reference: its title, what it is about, and the modules that it shows."""

    title: str
    about: str
    modules: tuple[str, ...]


GROUPS = {
    "search": Group(
        "Searching",
        "What a search is called with and gives back. The [guide](../guide.md) shows its use.",
        ("run.search", "run.result", "objective", "trial", "errors"),
    ),
    "estimators": Group(
        "Estimators",
        "A whole search as an estimator of scikit-learn. [The guide](../guide.md) shows their use.",
        ("estimators",),
    ),
    "spaces": Group(
        "Spaces",
        "What can be built. [Spaces](../spaces.md) has the words.",
        ("space", "spaces", "conversion", "supernet", "drawing"),
    ),
    "data": Group("Data", "Examples to learn from.", ("data",)),
    "tasks": Group("Tasks", "What outputs mean.", ("tasks",)),
    "training": Group(
        "Training",
        "How a candidate becomes metrics and a network.",
        ("evaluate.base", "evaluate.function", "evaluate.training"),
    ),
    "strategies": Group("Strategies", "What to try next.", ("strategies",)),
    "stoppers": Group("Stoppers", "Which trials go on, over any strategy.", ("stopping",)),
    "predictors": Group(
        "Predictors", "Scores of networks, and ends of curves, that are learnt.", ("surrogates",)
    ),
    "one-shot": Group(
        "One-shot searches", "All networks of a space trained at once.", ("oneshot",)
    ),
    "proxies": Group("Proxies", "Scores of networks that were not trained.", ("proxies",)),
    "targets": Group("Targets", "What a network costs where it will run.", ("targets",)),
    "stores": Group(
        "Stores and executors", "Where runs are kept, and where jobs run.", ("store", "execute")
    ),
    "bench": Group(
        "Comparing strategies",
        "Tables of trained networks. [Comparing strategies](../bench.md) shows their use.",
        ("bench",),
    ),
    "testing": Group(
        "Conformance suites",
        "What a part of your own is tested with. Each suite is a tuple of functions.",
        tuple(f"testing.{path.stem}" for path in sorted((PACKAGE / "testing").glob("[!_]*.py"))),
    ),
}


def on_files(files: Any, *, config: Any) -> Any:
    """Add the pages to the `Files` of mkdocs."""
    from mkdocs.structure.files import File  # here, so that what is written can be tested without

    for source, page in TAKEN.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=linked(text)))
    for name, text in reference().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page with its links to files of the root made those of the site."""
    return linked(markdown)


def linked(text: str) -> str:
    """A text, of the root or of `docs`, with the links that hold on the site."""
    text = text.replace("](docs/", "](")
    for source, page in TAKEN.items():
        text = re.sub(rf"\]\((\.\./)?{re.escape(source)}", f"]({page}", text)
    return text


def reference() -> dict[str, str]:
    """The text of each page of the reference, by its name.

    Raises:
        ValueError: A public name is on no page.
    """
    shown = {module for group in GROUPS.values() for module in group.modules}
    lost = {*PUBLIC, *SEAMS} - shown
    if lost:
        raise ValueError(f"scripts/site_pages.py: no group of the reference has {sorted(lost)}.")
    return {name: page_of(group) for name, group in GROUPS.items()}


def page_of(group: Group) -> str:
    """The page of a group: each public name of its modules."""
    lines = [f"# {group.title}", "", group.about, ""]
    for module in group.modules:
        lines += [
            line for name in names_of(module) for line in (f"::: netwright.{module}.{name}", "")
        ]
    return "\n".join(lines)


def names_of(module: str) -> list[str]:
    """What is public of a module: its `__all__`, or what the package exports of it, or a suite."""
    path = PACKAGE.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assigned = {
        target.id: node.value
        for node in tree.body
        for target in targets_of(node)
        if isinstance(target, ast.Name)
    }
    if module.startswith("testing."):
        return [name for name in assigned if re.fullmatch(r"[A-Z_]+_CHECKS|SPACES", name)]
    if "__all__" in assigned:
        return list(ast.literal_eval(assigned["__all__"]))
    return PUBLIC[module]


def targets_of(node: ast.stmt) -> list[ast.expr]:
    """The names that a statement assigns to."""
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) and node.value else []
