"""What is drawn of a space: every choice, folded where choices are alike."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from torch import nn

from declared import Darts, topology
from netwright import Choose, Space, spaces
from netwright.drawing import draw
from netwright.drawing.space import draw_space, number
from netwright.drawing.space_rows import (
    ChoiceRow,
    ConditionRow,
    option_texts,
    pattern,
    space_rows,
)
from netwright.errors import SettingError
from pictures import check_readable, see


def blocks(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 8, 32, step=8)

    def block(i: int) -> nn.Module:
        def conv() -> nn.Module:
            kernel = choose.value(f"kernel{i}", [1, 3])
            return nn.Conv2d(width, width, kernel, padding="same")

        made: nn.Module = choose.one_of(f"block{i}", conv=conv, wide=conv, skip=nn.Identity)
        return made

    body = choose.repeat("depth", 1, 4, block)
    return nn.Sequential(
        nn.Conv2d(inputs[0], width, 3), body, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(width, classes),
    )  # fmt: skip


def many(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    for stage in range(5):
        for i in range(30):
            choose.value(f"stage{stage}.block{i}.kernel", [3, 5, 7])
            choose.value(f"stage{stage}.block{i}.expand", list(range(1, 6 + stage)))
    choose.value("names", ["a" * 80, *(f"option{i}" for i in range(40))])
    choose.inputs("picks", 5, 1, 2)
    choose.value("mixed", [True, None, 0.25, "yes"])

    def tail(i: int) -> nn.Module:
        return nn.Linear(3, 3, bias=choose.value(f"bias{i}", [True, False] if i else [True]))

    return nn.Sequential(choose.repeat("tail", 2, 4, tail), nn.Linear(3, classes))


def choice_rows(space: Space) -> list[ChoiceRow]:
    return [row for row in space_rows(space.members.root) if isinstance(row, ChoiceRow)]


def conditions(space: Space) -> list[str]:
    return [row.text for row in space_rows(space.members.root) if isinstance(row, ConditionRow)]


@pytest.mark.parametrize(
    "space",
    [
        spaces.convnet((1, 14, 14), 10),
        spaces.mlp((20,), 3),
        Space(blocks, (1, 8, 8), 3),
        Space(many, (3,), 3),
        Space(topology, (3, 16, 16), 10),
        Space(Darts, (1, 8, 8), 3),
    ],
    ids=["convnet", "mlp", "blocks", "many", "topology", "darts"],
)
def test_every_choice_is_there_and_can_be_read(space: Space, tmp_path: Path) -> None:
    assert sum(row.copies for row in choice_rows(space)) == len(space.choices)
    draw(space, path=tmp_path / "space.svg")
    seen = see(tmp_path / "space.svg")
    check_readable(seen)
    assert space.name in seen.words
    assert any(word.startswith(f"{number(space.count())} members") for word in seen.words)
    for row in choice_rows(space):
        assert row.name in seen.words
        for text in option_texts(row.choice)[0]:
            assert text in seen.words or len(text) > 40


def test_steps_and_options_that_ask_alike_are_one() -> None:
    rows = space_rows(Space(blocks, (1, 8, 8), 3).members.root)
    shown = [(r.depth, r.name if isinstance(r, ChoiceRow) else r.text) for r in rows]
    assert shown == [
        (0, "width"), (0, "depth"), (1, "in each step"), (2, "block{0..3}"),
        (3, "if conv or wide"), (4, "kernel{0..3}"),
    ]  # fmt: skip
    assert [row.copies for row in rows if isinstance(row, ChoiceRow)] == [1, 1, 4, 4]


def test_steps_that_ask_differently_are_apart() -> None:
    assert conditions(Space(many, (3,), 3)) == ["in step 1", "in steps 2..4, if there are so many"]


def test_a_cell_asked_in_every_stage_is_shown_once() -> None:
    (row,) = choice_rows(Space(topology, (3, 16, 16), 10))
    assert row.copies == 6 and row.name == "edge{0..2}to{1..3}"


def test_edges_hang_on_the_inputs_that_are_picked() -> None:
    assert conditions(Space(Darts, (1, 8, 8), 3)) == ["on each edge that is picked"] * 3


def test_hundreds_of_choices_are_few_rows() -> None:
    space = Space(many, (3,), 3)
    assert len(space.choices) > 300
    assert len(space_rows(space.members.root)) < 25


def test_a_late_choice_of_a_recipe_is_marked() -> None:
    space = spaces.convnet((1, 14, 14), 10)
    picture = draw_space(space.members.root, "s", 1, space.signature)
    assert "late" in see(picture.svg()).words


def test_options_are_ranges_where_they_are_even() -> None:
    space = Space(many, (3,), 3)
    assert option_texts(space.choices["stage0.block0.kernel"]) == (["3", "5", "7"], "")
    assert option_texts(space.choices["stage1.block0.expand"]) == (["1..6"], "6 options")
    assert option_texts(space.choices["picks"]) == (["1..2 of 5 inputs"], "15 options")
    assert option_texts(space.choices["mixed"])[0] == ["yes", "none", "0.25", "yes"]
    assert option_texts(space.choices["tail"]) == (["2..4 steps"], "3 options")
    texts, remark = option_texts(space.choices["names"])
    assert "…" in texts and texts[-1] == "option39" and remark == "41 options"
    width = Space(blocks, (1, 8, 8), 3).choices["width"]
    assert option_texts(width) == (["8..32 by 8"], "4 options")


def test_names_that_differ_in_numbers_are_one_name() -> None:
    assert pattern(["a"]) == "a"
    assert pattern(["s0.b1.k", "s0.b2.k"]) == "s0.b{1..2}.k"
    assert pattern(["s0", "s4", "s9"]) == "s{0,4,9}"


def test_numbers_are_exact_as_long_as_they_can_be_read() -> None:
    assert number(15_625) == "15,625"
    assert number(12_345_678_901) == "1.23 × 10¹⁰"


def test_a_space_without_choices_is_drawn(tmp_path: Path) -> None:
    draw(
        Space(lambda choose, inputs, classes: nn.Linear(3, 2), (3,), 2, name="fixed"),
        path=tmp_path / "a.svg",
    )
    assert "It has no choice: one network." in see(tmp_path / "a.svg").words


def test_the_same_picture_as_png(tmp_path: Path) -> None:
    space = Space(blocks, (1, 8, 8), 3, name="cost$ & <names>")
    draw(space, path=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    draw(space, path=tmp_path / "a.svg")
    ElementTree.parse(tmp_path / "a.svg")
    with pytest.raises(SettingError, match=r"must end in \.svg or \.png"):
        draw(space, path=tmp_path / "a.pdf")
    with pytest.raises(SettingError, match="cannot be written"):
        draw(space, path=tmp_path / "none" / "a.svg")
