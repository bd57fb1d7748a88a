"""What is drawn of two networks: exactly the answers and rows that differ."""

from pathlib import Path

import numpy as np
import pytest
from torch import nn

from declared import topology
from netwright import Choose, Space, spaces
from netwright.drawing import draw
from netwright.drawing.difference import changes
from netwright.errors import SettingError, SpaceError
from netwright.space import Architecture
from pictures import check_readable, see


def nested(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 4, 16, step=4)
    kind = choose.one_of(
        "kind",
        plain=lambda: [nn.ReLU()],
        deep=lambda: [nn.Linear(width, width), *([nn.ReLU()] * choose.value("depth", [1, 2]))],
    )
    return nn.Sequential(nn.Linear(inputs[0], width), *kind, nn.Linear(width, classes))


SPACE = Space(nested, (5,), 3)
PLAIN = SPACE.architecture({"width": 4, "kind": "plain"})
DEEP = SPACE.architecture({"width": 8, "kind": "deep", "depth": 2})


def test_exactly_the_answers_that_differ_are_listed() -> None:
    found = changes(PLAIN, DEEP, list(SPACE.choices))
    assert [(c.name, c.mark.sign, c.first, c.second) for c in found] == [
        ("width", "≠", "4", "8"), ("kind", "≠", "plain", "deep"), ("depth", "+", "", "2"),
    ]  # fmt: skip
    back = changes(DEEP, PLAIN, list(SPACE.choices))
    assert [c.mark.sign for c in back] == ["≠", "≠", "−"]
    assert changes(DEEP, DEEP, list(SPACE.choices)) == []


def test_answers_in_the_picture_are_those_that_differ() -> None:
    space, rng = spaces.convnet((1, 14, 14), 10), np.random.default_rng(0)
    for _ in range(20):
        a, b = space.sample(rng), space.sample(rng)
        names = {c.name for c in changes(a, b, list(space.choices))}
        either = a.answers.keys() | b.answers.keys()
        missing = object()
        assert names == {
            n for n in either if a.answers.get(n, missing) != b.answers.get(n, missing)
        }


def test_rows_that_differ_have_a_sign(tmp_path: Path) -> None:
    draw(SPACE, PLAIN, other=DEEP, path=tmp_path / "a.svg")
    seen = see(tmp_path / "a.svg")
    check_readable(seen)
    assert "Answers: 2 differ (≠), 1 only in the second (+)" in seen.words
    assert {"width", "kind", "depth", "plain", "deep"} <= set(seen.words)
    signs = [word for word in seen.words if word in ("≠", "+", "−")]
    assert signs == [*"≠≠+", *"≠≠", *"≠+≠"]  # the table, the first network, the second


def test_equal_networks_have_no_signs(tmp_path: Path) -> None:
    draw(SPACE, PLAIN, other=PLAIN, path=tmp_path / "a.svg")
    words = see(tmp_path / "a.svg").words
    assert "All answers are the same." in words
    assert not {"≠", "+", "−"} & set(words)


def test_pairs_of_networks_can_be_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for space in (spaces.convnet((1, 14, 14), 10), Space(topology, (3, 16, 16), 10)):
        for _ in range(6):
            a = space.sample(rng)
            for b in (space.mutate(a, rng), space.sample(rng)):
                draw(space, a, other=b, path=tmp_path / "a.svg")
                check_readable(see(tmp_path / "a.svg"))


def test_cells_are_named_alike_in_both(tmp_path: Path) -> None:
    space = Space(topology, (3, 16, 16), 10)
    names = [name for name in space.choices if name != "edge0to1"]
    a = space.architecture({**dict.fromkeys(names, "conv1x1"), "edge0to1": "conv3x3"})
    b = space.architecture({**dict.fromkeys(names, "conv1x1"), "edge0to1": "avgpool"})
    draw(space, a, other=b, path=tmp_path / "a.svg")
    words = see(tmp_path / "a.svg").words
    assert "only in the first (−)" in words and "only in the second (+)" in words
    assert words.count("Cell A") == words.count("Cell B") == 3 + 1
    draw(space, a, other=a, path=tmp_path / "b.svg")
    assert "in both" in see(tmp_path / "b.svg").words


def test_one_architecture_and_png(tmp_path: Path) -> None:
    draw(SPACE, DEEP, path=tmp_path / "a.svg")
    seen = see(tmp_path / "a.svg")
    check_readable(seen)
    assert "Linear 8 · ReLU · ReLU" in seen.words
    draw(SPACE, PLAIN, other=DEEP, path=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="must have an architecture to compare with"):
        draw(SPACE, other=DEEP, path=tmp_path / "a.svg")
    with pytest.raises(SettingError, match=r"\.svg or \.png"):
        draw(SPACE, DEEP, path=tmp_path / "a.gif")
    with pytest.raises(SpaceError, match="no choice 'colour'"):
        draw(SPACE, Architecture({"colour": 1}), path=tmp_path / "a.svg")
