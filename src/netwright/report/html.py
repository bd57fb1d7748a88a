"""Pages made of jinja2 templates, which escape every text they are given, and open offline."""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_SHARED = "netwright.report"


class Pages:
    """The templates in the folder `templates` of a package, over those that all pages share."""

    def __init__(self, package: str = _SHARED) -> None:
        loaders = [PackageLoader(name) for name in dict.fromkeys((package, _SHARED))]
        self._templates = Environment(
            loader=ChoiceLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, **values: object) -> Markup:
        """A piece of a page; only values that are Markup go in as they are."""
        return Markup(self._templates.get_template(template).render(values))

    def document(self, title: str, parts: Iterable[Markup]) -> str:
        """A whole page."""
        return str(self.render("document.html", title=title, parts=parts))
