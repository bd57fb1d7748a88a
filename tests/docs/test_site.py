"""The reference of the site has every public name, and a new one appears by itself."""

import importlib.util
import re
from types import ModuleType

import pytest

import netwright
from pages import ROOT


@pytest.fixture
def site() -> ModuleType:
    """The hook that makes the pages."""
    spec = importlib.util.spec_from_file_location("site_pages", ROOT / "scripts" / "site_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(pages: dict[str, str]) -> set[str]:
    return set(re.findall(r"^::: netwright\.(.*)$", "\n".join(pages.values()), re.MULTILINE))


def test_every_public_name_is_on_a_page(site) -> None:
    named = {path.rpartition(".")[2] for path in shown(site.reference())}
    rooms = {"bench", "data", "space", "spaces"}
    assert {*netwright.__all__} - rooms - {"__version__"} <= named
    assert "spaces.vit" in shown(site.reference())
    assert "testing.strategies.STRATEGY_CHECKS" in shown(site.reference())


def test_a_new_name_of_a_room_appears(site, tmp_path) -> None:
    before = site.names_of("stopping")
    room = tmp_path / "stopping"
    room.mkdir()
    (room / "__init__.py").write_text(f"__all__ = {[*before, 'Planted']!r}\n", encoding="utf-8")
    site.PACKAGE = tmp_path
    page = site.page_of(site.GROUPS["stoppers"])
    assert "::: netwright.stopping.Planted" in page


def test_a_public_module_that_no_page_shows_is_refused(site) -> None:
    site.GROUPS = {name: group for name, group in site.GROUPS.items() if name != "targets"}
    with pytest.raises(ValueError, match="targets"):
        site.reference()


def test_links_of_the_root_hold_on_the_site(site) -> None:
    text = "[a](docs/guide.md#x) [b](CONTRIBUTING.md#y) [c](https://example.org)"
    assert site.linked(text) == "[a](guide.md#x) [b](contributing.md#y) [c](https://example.org)"
    assert site.on_page_markdown("[d](../CHANGELOG.md)") == "[d](changelog.md)"
