"""Whatever is wrong with data, `netwright data` reads them or says it in one sentence.

The cases are drawn at random: a sound table or a folder of pictures, and up to three things that
people's data have. What is odd may be accepted with a remark; what is refused names the file, and
nothing is taken for a bug.
"""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netwright.cli import app
from netwright.cli.exits import guarded
from netwright.cli.options import SEARCH

CASES = 2000  # of which every sixteenth is tried each time
BATCHES = 16
NAMES = "|".join(declared.name for declared in SEARCH)
PYTHON = re.compile(rf"search\(|load\(|Training\(|Plan\(|`({NAMES}|on)=|\bnp\.|\bdtype\(")

Table = list[list[str]]
Draw = random.Random


def sound_table(draw: Draw) -> Table:
    """A header and rows: numbers, words, dates, gaps, and a label of classes or numbers."""
    count = draw.choice([12, 40, 90])
    columns: dict[str, Callable[[int], str]] = {
        "size": lambda i: f"{draw.gauss(0, 1):.3f}",
        "count": lambda i: str(draw.randrange(9)),
        "city": lambda i: draw.choice(["Rome", "Oslo", "Lima"]),
        "day": lambda i: f"2024-0{1 + i % 9}-{10 + i % 18}",
        "share": lambda i: f"{draw.randrange(1000) / 10} %",
    }
    names = draw.sample(list(columns), draw.randint(1, len(columns)))
    label = draw.choice(["class", "number", "flag"])
    kinds: dict[str, Callable[[int], str]] = {
        "class": lambda i: ["red", "green", "blue"][i % 3],
        "number": lambda i: f"{draw.gauss(100, 20):.2f}",
        "flag": lambda i: str(i % 2),
    }
    rows = [[*(columns[name](i) for name in names), kinds[label](i)] for i in range(count)]
    return [[*names, "label"], *rows]


def a_column(draw: Draw, table: Table) -> int:
    return draw.randrange(len(table[0]))


def text_among_numbers(draw: Draw, table: Table) -> None:
    draw.choice(table[1:] or table)[a_column(draw, table)] = draw.choice(
        ["abc", "12,5", "1e999", "inf", "-inf", "nan", "--", "0x1f", "½", "1_000", "١٢", "\x00"]
    )


def all_missing(draw: Draw, table: Table) -> None:
    place, gap = a_column(draw, table), draw.choice(["", "?", "NA", "nan", " "])
    for row in table[1:]:
        row[place] = gap


def constant(draw: Draw, table: Table) -> None:
    place = a_column(draw, table)
    for row in table[1:]:
        row[place] = table[1][place]


def one_name_twice(draw: Draw, table: Table) -> None:
    table[0][a_column(draw, table)] = table[0][a_column(draw, table)]


def odd_name(draw: Draw, table: Table) -> None:
    table[0][a_column(draw, table)] = draw.choice(
        ["", " ", "größe", "a,b", 'quo"te', "new\nline", "{x}", "%s", "label ", "Label", "\ufeffid"]
    )


def no_label(draw: Draw, table: Table) -> None:
    for row in table:
        del row[-1]


def missing_labels(draw: Draw, table: Table) -> None:
    for row in draw.sample(table[1:], draw.randint(0, len(table) - 1)):
        row[-1] = ""


def a_class_of_one(draw: Draw, table: Table) -> None:
    draw.choice(table[1:] or table)[-1] = "lonely"


def too_many_classes(draw: Draw, table: Table) -> None:
    for place, row in enumerate(table[1:]):
        row[-1] = f"name {place}"


def short_row(draw: Draw, table: Table) -> None:
    row = table[draw.randrange(len(table))]
    if draw.random() < 0.5:
        row.append("more")
    else:
        row.pop()


def few_rows(draw: Draw, table: Table) -> None:
    del table[draw.randint(1, 4) :]


def no_header(draw: Draw, table: Table) -> None:
    del table[0]


def huge_numbers(draw: Draw, table: Table) -> None:
    place = a_column(draw, table)
    for row in table[1:]:
        row[place] = (
            f"{draw.choice(['9', '-7', '514000000.'])}{draw.randrange(10 ** draw.choice([3, 40]))}"
        )


def every_row_twice(draw: Draw, table: Table) -> None:
    table.extend(list(row) for row in table[1:])


def numbers_of_rows(draw: Draw, table: Table) -> None:
    for place, row in enumerate(table):
        row.insert(0, str(place - 1) if place else draw.choice(["", "Unnamed: 0", "id"]))


WRONGS = [
    text_among_numbers, all_missing, constant, one_name_twice, odd_name, no_label, missing_labels,
    a_class_of_one, too_many_classes, short_row, few_rows, no_header, huge_numbers,
    every_row_twice, numbers_of_rows,
]  # fmt: skip


def written(draw: Draw, table: Table, folder: Path) -> list[str]:
    """Write a table as people's programs do, and the arguments that read it."""
    path = folder / draw.choice(["rows.csv", "Zeilen mit ä.csv"])
    between = draw.choice([",", ",", ",", ";", "\t", "|"])
    quote = draw.random() < 0.3
    lines = (
        between.join(
            f'"{cell}"' if quote or between in cell or "\n" in cell else cell for cell in row
        )
        for row in table
    )
    text = draw.choice(["\n", "\r\n"]).join(lines) + draw.choice(["", "\n", "\n\n"])
    data = text.encode(draw.choice(["utf-8", "utf-8", "utf-8-sig", "latin-1", "utf-16"]), "replace")
    if draw.random() < 0.05:
        data = data[: draw.randrange(len(data))] if draw.random() < 0.5 else draw.randbytes(200)
    path.write_bytes(data)
    options = [
        [], [], [], ["--label", "label"], ["--label", "nothing"], ["--task", "regression"],
        ["--task", "classification"], ["--group", "city"], ["--time", "day"], ["--time", "city"],
        ["--size", "8x8"], ["--drop-rare"], ["--test", str(path)],
        ["--test", str(folder / "none.csv")],
    ]  # fmt: skip
    return [str(path), *draw.choice(options)]


def pictures(draw: Draw, folder: Path) -> list[str]:
    """A folder of pictures with something wrong, and the arguments that read it."""
    top = folder / "pictures"
    sizes = draw.choice([[(8, 8)], [(8, 8)], [(8, 8), (9, 8)], [(1, 1)], [(8, 300)]])
    modes = draw.choice([["RGB"], ["L"], ["L", "RGB"], ["RGBA"], ["P"], ["1"], ["I;16"], ["CMYK"]])
    for label in ("cat", "dog", "eel")[: draw.choice([1, 2, 3, 3])]:
        (top / label).mkdir(parents=True)
        for place in range(draw.choice([1, 4, 8])):
            mode = draw.choice(modes)
            image = Image.new("L", draw.choice(sizes), draw.randrange(256)).convert(mode[:4])
            image.save(top / label / f"{place}.{'tif' if mode in ('CMYK', 'I;16') else 'png'}")
    somewhere = draw.choice(sorted(top.iterdir()))
    what = draw.randrange(8)
    if what == 0:
        (somewhere / "broken.png").write_bytes(draw.choice([b"", b"\x89PNG", draw.randbytes(90)]))
    elif what == 1:
        (somewhere / "notes.txt").write_text("hello", encoding="utf-8")
    elif what == 2:
        (top / "empty").mkdir()
    elif what == 3:
        (top / "loose.png").write_bytes(b"x")
    elif what == 4:
        (somewhere / "inner").mkdir()
    elif what == 5:
        (somewhere / "link.png").symlink_to(folder / "nowhere.png")
    return [str(top), *draw.choice([[], [], ["--size", "8x8"], ["--label", "x"], ["--size", "8"]])]


def arrays(draw: Draw, folder: Path) -> list[str]:
    """An .npz with something wrong."""
    rng = np.random.default_rng(draw.randrange(10**6))
    shape = draw.choice(
        [(30, 4), (30, 8, 8), (30, 3, 8, 8), (30, 8, 8, 3), (30,), (30, 2, 2, 2, 2)]
    )
    kind = draw.choice(["f4", "u1", "i8", "f2", "?", "c8", "U3", "O"])
    x = rng.integers(0, 99, shape).astype(kind)
    y = draw.choice([
        rng.integers(0, 3, 30), rng.normal(size=30), np.zeros(30), rng.integers(0, 3, 29),
        np.array(["a", "b"] * 15), np.arange(30), rng.normal(size=(30, 2)),
    ])  # fmt: skip
    if x.dtype.kind == "f" and draw.random() < 0.3:
        x.reshape(-1)[draw.randrange(x.size)] = draw.choice([np.nan, np.inf])
    names = draw.choice(
        [("x", "y"), ("X", "y"), ("x", "label"), ("a", "b"), ("x_train", "y_train")]
    )
    path = folder / "arrays.npz"
    np.savez(path, **dict(zip(names, (x, y), strict=True)))
    return [str(path), *draw.choice([[], ["--label", "y"], ["--task", "multilabel"]])]


def case(number: int, folder: Path) -> list[str]:
    draw = Draw(number)
    what = draw.random()
    if what < 0.15:
        return pictures(draw, folder)
    if what < 0.3:
        return arrays(draw, folder)
    table = sound_table(draw)
    wrongs = draw.sample(WRONGS, draw.randint(0, 3))
    for wrong in sorted(wrongs, key=lambda wrong: wrong is short_row):  # the others need all cells
        if table and all(table):
            wrong(draw, table)
    return written(draw, table, folder)


def mistake(arguments: list[str], capsys) -> str | None:
    """What is wrong with how a case is taken; None if nothing is."""
    status = guarded(app, ["data", *arguments, "--json"])
    said = capsys.readouterr()
    if status not in (0, 2) or "this is a bug" in said.err or "Traceback" in said.err:
        return f"ended with {status}: {said.err}"
    if status == 0:
        looked = json.loads(said.out)
        return None if looked["rows"] >= looked["parts"]["train"] > 0 else "no rows were read"
    sentence = said.err.removeprefix("netwright: ").strip()
    if PYTHON.search(sentence) or "Errno" in sentence:
        return f"the words of Python: {sentence}"
    if "\n" in sentence:  # of the call itself, as is usual there
        return None
    if not sentence.endswith(".") or len(sentence) > 600:
        return f"no sentence: {sentence}"
    named = (arguments[0], Path(arguments[0]).name, "--", "none.csv")
    return None if any(name in sentence for name in named) else f"names nothing: {sentence}"


def tried(numbers: range, folder: Path, capsys) -> None:
    mistakes = {}
    for number in numbers:
        own = folder / str(number)
        own.mkdir()
        arguments = case(number, own)
        if (told := mistake(arguments, capsys)) is not None:
            mistakes[number] = (arguments[1:], told)
    assert not mistakes


def test_some_of_them(tmp_path: Path, capsys) -> None:
    tried(range(0, CASES, BATCHES * 2), tmp_path, capsys)


@pytest.mark.thorough
@pytest.mark.parametrize("batch", range(BATCHES))
def test_all_of_them(batch: int, tmp_path: Path, capsys) -> None:
    tried(range(batch, CASES, BATCHES), tmp_path, capsys)
