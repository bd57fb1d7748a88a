"""What a reader of the guide does runs as it stands, with less to train (see `pages`)."""

import pytest

from pages import ROOT, run_page


@pytest.mark.snippets
def test_the_guide(reader) -> None:
    names = run_page(ROOT / "docs" / "guide.md")
    assert names["again"].status == "done" and len(names["again"].trials) == 3  # one a refit
    assert {path.name for path in reader.glob("best/*")} >= {"model.py", "model.onnx", "card.md"}
