"""Series from .ts and .tsv files."""

from pathlib import Path

import numpy as np
import pytest

import netwright as nw
from netwright.errors import DataError

HEAD = "#x\n@problemName X\n@timeStamps false\n@univariate {}\n@classLabel true a b\n@data\n"


def write(path: Path, lines: list[str], head: str = HEAD.format("true")) -> Path:
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def lines(count: int, channels: int = 1) -> list[str]:
    rng = np.random.default_rng(0)
    found = []
    for row in range(count):
        parts = [
            ",".join(f"{v:.3f}" for v in rng.normal(size=9 + row % 4)) for _ in range(channels)
        ]
        found.append(":".join([*parts, "ab"[row % 2]]))
    return found


def test_ts_with_a_test_file_of_its_own(tmp_path: Path) -> None:
    train = write(tmp_path / "X_TRAIN.ts", lines(20, 2))
    test = write(tmp_path / "X_TEST.ts", lines(8, 2))
    data = nw.data.load(train, test=test)
    assert (data.name, data.raw[0].shape) == ("X", (2, None))
    assert (len(data.train), len(data.validation), len(data.test)) == (16, 4, 8)
    assert data.task.names == ("a", "b")
    assert any("X_TEST.ts is beside it" in remark for remark in nw.data.load(train).remarks)


def test_missing_values_and_targets_of_a_regression(tmp_path: Path) -> None:
    head = "@timeStamps false\n@targetlabel true\n@data\n"
    rows = [f"1,?,{n},2:{n / 7:.2f}" for n in range(20)]
    data = nw.data.load(write(tmp_path / "r.ts", rows, head))
    assert data.masked
    assert data.raw[0].shape == (1, 4)
    assert data.task.names == ()
    assert data.task.outputs[0].shape == (1,)


def test_tsv_has_the_label_first(tmp_path: Path) -> None:
    rows = [f"{n % 2}\t0.5\t{n}\t1.5" + ("\tNaN" if n % 3 else "\t2") for n in range(20)]
    data = nw.data.load(write(tmp_path / "X_TRAIN.tsv", rows, ""))
    assert data.raw[0].shape == (1, None)
    assert data.task.names == ("0", "1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@timestamps true\n@classLabel true a b\n@data\n(0,1):a\n", "has time stamps"),
        ("1,2:a\n", "line 1 stands before `@data`"),
        ("@classLabel true a b\n", "has no line `@data`"),
        ("@classLabel true a b\n@data\n1,2:a\n1,x:b\n", "line 4 holds 'x' at value 2"),
        ("@classLabel true a b\n@data\n1,2:1,2:a\n1,2:b\n", "line 4 must have 2 channels, got 1"),
        ("@classLabel false\n@data\n1,2\n", "has no labels"),
        ("@classLabel true a b\n@data\n", "has no series"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.ts").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        nw.data.load(tmp_path / "bad.ts")
