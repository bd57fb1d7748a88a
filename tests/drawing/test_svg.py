from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from netwright.drawing.marks import Box, Label
from netwright.drawing.picture import Picture
from netwright.drawing.svg import element, path, through
from netwright.report.charts import Chart, Line, Points

EVIL = "<script>\"&' x=1"


def test_an_element_escapes_texts_and_keeps_elements() -> None:
    inner = element("title", EVIL)
    made = element("text", inner, "a < b", class_="tick", font_size=12.34, x=3, fill=None)
    assert isinstance(made, Markup)
    assert made.startswith('<text class="tick" font-size="12.3" x="3"><title>&lt;script&gt;')
    assert made.endswith("a &lt; b</text>")
    read = ElementTree.fromstring(element("g", inner, id=EVIL))
    assert read.attrib == {"id": EVIL}
    assert read[0].text == EVIL


def test_the_data_of_paths() -> None:
    curve = [("M", [(0, 1)]), ("C", [(1, 2), (3, 4), (5, 6.25)])]
    assert path(curve) == "M0.0 1.0C1.0 2.0 3.0 4.0 5.0 6.2"
    assert through([(0, 0), (1.5, 2), (3, 0)]) == "M0.0 0.0L1.5 2.0L3.0 0.0"
    assert through([(0, 0), (1, 2)], closed=True) == "M0.0 0.0L1.0 2.0Z"


@pytest.mark.parametrize("drawn", ["chart", "picture"])
def test_what_a_user_named_is_text_in_a_picture(drawn: str) -> None:
    if drawn == "chart":
        lines, points = [Line([(1, 2), (2, 3)], "s0", label=EVIL)], [Points([(1, 2, EVIL)], "on")]
        made, times = Chart(EVIL, EVIL, lines, points).svg(), 5  # the screen reader hears two
    else:
        made, times = Picture(EVIL), 2
        made.add(Box(0, 0, 9, 9), Label(0, 0, EVIL))
        made = made.svg()
    read = ElementTree.fromstring(made)
    words = [text for e in read.iter() for text in (e.text or "", *e.attrib.values())]
    assert sum(text.count(EVIL) for text in words) == times
    assert "<script" not in made
