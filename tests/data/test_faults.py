"""What is said of rows in two parts, of blank pictures and of rare classes."""

from pathlib import Path

import numpy as np
import pytest

import netwright as nw
from netwright.data.faults import shared_rows

RNG = np.random.default_rng(0)


def remarks(data: nw.Data, about: str) -> list[str]:
    return [remark for remark in data.remarks if about in remark]


def test_rows_of_two_parts_are_counted(tmp_path: Path) -> None:
    x, y = RNG.normal(size=(40, 3)).astype(np.float32), np.arange(40) % 2
    x[3, 1] = 0.0
    other, again = RNG.normal(size=(10, 3)).astype(np.float32), x[[3, 3, 7]]
    np.savez(
        tmp_path / "a.npz",
        x_train=x,
        y_train=y,
        x_val=other,
        y_val=np.arange(10) % 2,
        x_test=np.concatenate([other[:4] + 1, again]),
        y_test=np.arange(7) % 2,
    )
    data = nw.data.load(tmp_path / "a.npz")
    assert shared_rows(data) == {"validation": 0, "test": 3}
    assert remarks(data, "3 of the 7 rows of the test part are in the train part too")
    assert not remarks(nw.data.load("digits"), "in the train part too")


def test_rows_with_gaps_and_words_are_compared_too(tmp_path: Path) -> None:
    rows = [f"{place % 9 or ''},{'ab'[place % 2]},{'xyz'[place % 3]}" for place in range(200)]
    (tmp_path / "a.csv").write_text("\n".join(["n,w,label", *rows]) + "\n", encoding="utf-8")
    data = nw.data.load(tmp_path / "a.csv")
    assert shared_rows(data) == {"validation": 40, "test": 40}
    said = "40 of the 40 rows of the validation part and 40 of the 40 rows of the test part are in"
    assert remarks(data, said)


def test_pictures_of_one_colour_are_counted() -> None:
    x = RNG.integers(0, 256, (40, 3, 4, 4)).astype(np.uint8)
    x[5] = 255
    x[9] = np.array([200, 10, 3], np.uint8)[:, None, None]
    x[11, 0] = 7  # two of its channels are no blank
    data = nw.data.load((x, np.arange(40) % 2))
    assert remarks(data, "2 pictures have one colour all over")
    assert nw.data.look(data)["pictures"]["one_colour"] == 2


@pytest.mark.parametrize(
    ("counts", "told"),
    [((90, 10), False), ((91, 9), True), ((50, 50, 12), False), ((60, 60, 10), True)],
)
def test_a_rare_class_is_told_with_remedies(counts: tuple[int, ...], told: bool) -> None:
    y = np.repeat([f"class {place}" for place in range(len(counts))], counts)
    x = RNG.normal(size=(len(y), 2))
    found = remarks(nw.data.load((x, y)), "accuracy says little of it")
    assert len(found) == told
    if told:
        assert f"class {f'class {len(counts) - 1}'!r} has {counts[-1] / len(y):.2%}" in found[0]
        assert "balanced_accuracy" in found[0]
        assert "weights='balanced'" in found[0]
        weighed = nw.data.load((x, y), task=nw.Classification(weights="balanced"))
        assert "weights=" not in remarks(weighed, "accuracy says little of it")[0]
