from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data import load
from netwright.errors import DataError, SettingError
from netwright.testing.data import DATA_CHECKS

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


def frame(n=40):
    rows = np.arange(n)
    return pandas.DataFrame(
        {
            "size": (rows + 3) / 4,
            "color": np.array(["red", "blue"])[rows % 2],
            "hot": rows % 3 == 0,
            "kind": np.array(["a", "b"])[rows // 2 % 2],
        }
    )


def write(table, path):
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_numbers_booleans_and_text_become_numbers_and_codes(tmp_path, name):
    data = load(write(frame(), tmp_path / name), label="kind")
    assert data.task.names == ("a", "b") and data.signature.input.shape == (4,)
    assert [(s.name, s.shape, s.dtype) for s in data.raw] == [
        ("numbers", (2,), "float32"),
        ("categories", (1,), "int64"),
    ]
    (numbers, codes), y = data.train.batch(slice(None))
    place = (numbers[:, 0] * 4 - 3).long()
    assert codes[:, 0].equal(2 - place % 2)  # blue is 1, red 2
    assert numbers[:, 1].equal((place % 3 == 0).float())
    assert y.equal(place // 2 % 2)
    features = data.normalise(numbers, codes)
    assert features[:, 2:].equal(torch.stack([codes[:, 0] == 1, codes[:, 0] == 2], 1).float())


def test_csv_and_parquet_give_the_same_data(tmp_path):
    csv = load(write(frame(), tmp_path / "t.csv"))
    assert csv.digest == load(write(frame(), tmp_path / "t.parquet")).digest
    assert csv.digest == load(frame()).digest
    assert csv.digest != load(frame()[::-1]).digest


def test_categories_of_parquet_are_text(tmp_path):
    table = frame().astype({"color": "category", "kind": "category"})
    want = load(write(frame(), tmp_path / "t.csv")).digest
    assert load(write(table, tmp_path / "c.parquet")).digest == want


def test_a_category_that_train_lacks_is_all_zeros(tmp_path):
    table = frame()
    plain = load(write(table[["size", "kind"]], tmp_path / "p.csv"), seed=3)
    row = int(plain.test.x[0][0, 0] * 4 - 3)
    table.loc[row, "color"] = "green"
    data = load(write(table, tmp_path / "t.csv"), seed=3)
    numbers, codes = data.test.x
    assert codes[0].tolist() == [0] and codes[1:].min() > 0
    assert data.normalise(numbers, codes)[0, 2:].tolist() == [0, 0]


def test_levels_that_are_rare_count_as_one_with_unseen_ones():
    words = [*["a", "b"] * 60, *(f"once {n}" for n in range(9))]
    table = pandas.DataFrame({"w": words, "y": np.arange(len(words)) % 2})
    data = load(table, test=0, validation=0.2)
    assert data.columns.categories[0].levels == ("a", "b")
    rare = int((data.train.x[0] == 0).sum())
    assert 1 < rare <= 9
    assert f"column 'w': {rare} rare texts count as one, other" in data.remarks
    assert data.encode([{"w": "once 1"}, {"w": "never"}, {"w": " a "}])[0].tolist() == [
        [0],
        [0],
        [1],
    ]


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [
        (["a", "Target", "b"], "Target"),
        (["label", "a", "b"], "label"),
        (["a", "y", "b"], "y"),
        (["a", "b", "c"], "c"),
    ],
)
def test_the_label_column_by_default(tmp_path, columns, chosen):
    table = pandas.DataFrame({name: [f"{name}{row % 2}" for row in range(20)] for name in columns})
    data = load(write(table, tmp_path / "t.csv"))
    assert data.task.names == (f"{chosen}0", f"{chosen}1")


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_second_column_called_as_a_label_is_no_feature_unasked(tmp_path, name):
    table = frame().assign(Target=np.arange(40) % 2, label=np.arange(40) % 2)
    path = write(table, tmp_path / name)
    with pytest.raises(DataError) as error:
        load(path)
    assert str(error.value) == (
        f"{path} must have one label column, but 'Target' and 'label' are all called as one; say "
        f"which it is by `label=...`, and remove the others if "
        f"they tell the answer."
    )
    assert load(path, label="label").signature.input.shape == (7,)
    write(table.assign(y=1), path)
    with pytest.raises(DataError, match="but 'Target', 'label' and 'y' are all called as one"):
        load(path)


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        (["5.1,3.5,setosa", "4.9,3.0,virginica"], "5.1, 3.5, setosa"),
        (["5.1,3.5,0", "4.9,3.0,1"], "5.1, 3.5, 0"),
        (
            ["0,0,0,0,-1e3,0,0,0,0,0,7", "0,0,0,0,1,0,0,0,0,0,8"],
            "0, 0, 0, 0, -1e3, 0, 0, 0, 0, 0, ...",
        ),
        (["M,17.99,10", "B,13.54,14"], "M, 17.99, 10"),
        (["39, Private, 77516, <=50K", "50, Local, 83311, >50K"], "39, Private, 77516, <=50K"),
        (["p,x,TRUE", "e,b,FALSE"], "p, x, TRUE"),
    ],
)
def test_a_csv_without_a_header_does_not_lose_its_first_row(tmp_path, rows, shown):
    path = tmp_path / "t.csv"
    path.write_text("\n".join(rows * 10))
    with pytest.raises(DataError) as error:
        load(path)
    assert str(error.value) == (
        f"{path} must begin with a header, but its first row looks like data: {shown}. Add a "
        f"header row with a name for each column above it; if it is the header, rename the columns."
    )
    path.write_text("\n".join([",".join("abcdefghijk"[: rows[0].count(",") + 1]), *rows * 10]))
    data = load(path)
    assert len(data.train) + len(data.validation) + len(data.test) == 20


@pytest.mark.parametrize(
    "header",
    [
        "0,1,2,3",
        "1,2,3,4",
        "0,1,2,label",
        "0,1,2,no",
        "label,0,1,2",
        "0,label,2,3",
        ",0,1,2",
        "400.5,402.5,404.5,label",
        "yes,2019,2020,2021",
        "a,b,2,no",
    ],
)
def test_headers_with_numbers_are_no_data(tmp_path, header):
    table = pandas.DataFrame(np.arange(160).reshape(40, 4) / 8, columns=header.split(","))
    name = next((name for name in ("label", "no", "yes") if name in table), table.columns[-1])
    table[name] = ["no", "maybe"] * 20
    data = load(write(table, tmp_path / "t.csv"), label=name)
    assert data.signature.input.shape == (3,)
    assert len(data.train) + len(data.validation) + len(data.test) == 40


def test_a_parquet_file_has_its_header_apart(tmp_path):
    table = pandas.DataFrame({"5.1": np.arange(40) / 7, "0": np.arange(40) % 2})
    assert len(load(write(table, tmp_path / "t.parquet"), test=0).train) == 32


def changed(column, row, value):
    table = frame().astype(object)
    table.loc[row, column] = value
    return table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            changed("size", 5, np.inf),
            "row 5 (counted from 0, without the header) holds inf in column 'size', which is not a "
            "finite float32; remove the row or replace the value.",
        ),
        (
            changed("size", 4, "none"),
            "row 4 (counted from 0, without the header) holds the text 'none' in column 'size', "
            "which holds numbers elsewhere; replace the value or remove the row; an empty cell is "
            "a missing value.",
        ),
    ],
)
def test_a_bad_value_is_named_by_row_and_column(tmp_path, table, message):
    path = write(table, tmp_path / "t.csv")
    with pytest.raises(DataError) as error:
        load(path)
    assert str(error.value) == f"{path}: {message}"


def test_a_label_that_is_missing_is_named(tmp_path):
    path = write(changed("kind", 9, None), tmp_path / "t.csv")
    with pytest.raises(
        DataError, match=r"column 'kind': row 9 \(counted from 0\) has an empty label"
    ):
        load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as a table"),
        ("a,b\n", "is empty: it has a header and no rows"),
        ("a b\n1 2\n", "got the columns: a b"),
        ("a,a,y\n1,2,3\n", "two columns called 'a'"),
        ("a,b\n1,2\n1,2,3\n", "cannot be read as a table: .*line 3"),
        ("a,b\n1,2,3\n1,2,3\n", "cannot be read as a table: "),
        ("a,y\n" + "1,0\n" * 9, "must have at least 2 classes, got only '0'"),
    ],
)
def test_bad_tables_are_named(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message) as error:
        load(tmp_path / "t.csv")
    assert str(tmp_path / "t.csv") in str(error.value)


def test_a_label_that_is_no_column_is_named(tmp_path):
    path = write(frame(), tmp_path / "t.csv")
    with pytest.raises(DataError) as error:
        load(path, label="kin")
    assert str(error.value) == (
        f"{path} has no column 'kin' for `label=...`; it has: size, color, hot, kind."
    )


def test_columns_of_no_usable_kind_are_named(tmp_path):
    table = frame()
    table["span"] = [[1, 2]] * len(table)
    with pytest.raises(DataError, match="column 'span' must hold numbers, booleans, dates or text"):
        load(write(table, tmp_path / "t.parquet"), label="kind")


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_names_ids_and_constants_are_left_out_and_said(tmp_path, name):
    table = frame(60).assign(
        name=[f"n{row}" for row in range(60)], one=1, same="x", none=None, id=np.arange(60)[::-1]
    )
    data = load(write(table, tmp_path / name), label="kind")
    assert [c.name for c in data.columns.columns] == ["size", "color", "hot"]
    for column, reason in {
        "name": "60 different texts in 60 rows",
        "one": "one value, 1",
        "same": "one value, 'x'",
        "none": "no value in the train part",
        "id": "numbers the rows",
    }.items():
        (remark,) = (text for text in data.remarks if f"'{column}' is left out: " in text)
        assert reason in remark
    with pytest.raises(DataError, match="no column that can be learned from: column 'name'"):
        load(table[["name", "kind"]])


def test_an_index_that_was_saved_is_left_out(tmp_path):
    table = frame().sample(frac=1, random_state=0)
    table.to_csv(tmp_path / "t.csv")  # with its numbers of rows, out of order, and no name for them
    data = load(tmp_path / "t.csv")
    assert "the column without a name is left out: it numbers the rows" in data.remarks
    assert [c.name for c in data.columns.columns] == ["size", "color", "hot"]


def test_what_tells_the_class_and_what_counts_rows_is_said():
    table = pandas.DataFrame(
        {"n": np.arange(40) / 7, "v": np.arange(40) % 7, "y": np.arange(40) > 19}
    )
    table["word"] = np.where(table["y"], "x", "z")
    table["week"] = np.arange(40)
    said = load(table.assign(y=table["y"].map({True: "a", False: "b"})), label="y").remarks
    assert [text.split(";")[0] for text in said[1:]] == [
        "column 'n' alone tells the class",
        "column 'word' alone tells the class",
        "column 'week' alone tells the class",
        "column 'week' counts the rows",
    ]


def test_numbers_with_signs_and_commas_and_dates(tmp_path):
    lines = [
        f"{n},{n % 9} %;{n % 5}.000,25;{1 + n % 28:02}.03.2024;{'ab'[n % 2]}" for n in range(40)
    ]
    (tmp_path / "t.csv").write_text("share;sum;day;label\n" + "\n".join(lines))
    data = load(tmp_path / "t.csv", test=0.5, validation=0.1)
    (x,), _ = data.train.batch(slice(None))
    assert data.raw[0].shape == (5,) and x.dtype == torch.float32
    encoded = data.encode([{"share": "7,5 %", "sum": "-1.234,5", "day": "09.03.2024"}])[0][0]
    offset = data.columns.numbers[2].offset
    assert encoded.tolist() == [7.5, -1234.5, 19791 - offset, 3, 5]
    assert data.encode([{"share": 7.5, "sum": None, "day": ""}])[0][0, :2].isnan().tolist() == [
        False,
        True,
    ]
    with pytest.raises(DataError, match=r"holds '31.02.2024' in the column 'day', which must be a"):
        data.encode([{"share": 1, "sum": 1, "day": "31.02.2024"}])


def test_large_numbers_are_held_apart_by_an_offset():
    cells = 514_000_000 + np.arange(60) * 3
    data = load(pandas.DataFrame({"north": np.roll(cells, 7), "y": np.arange(60) // 3 % 2}))
    values = torch.cat([data.train.x[0], data.validation.x[0], data.test.x[0]]).ravel()
    assert len(values.unique()) == 60 and data.columns.numbers[0].offset != 0
    assert (
        data.encode([{"north": 514_000_003}])[0].item()
        == 514_000_003 - data.columns.numbers[0].offset
    )


def test_gaps_are_told_and_a_missing_word_is_a_level():
    table = frame(60)
    table.loc[::5, "size"] = None
    table.loc[::7, "color"] = None
    data = load(table)
    assert data.columns.categories[0].levels == ("", "blue", "red")
    numbers, codes = data.encode([{"size": None, "color": float("nan"), "hot": True}])
    assert numbers[0].isnan().tolist() == [True, False] and codes.tolist() == [[1]]
    features = data.normalise(numbers, codes)[0]
    assert features[0] == 0 and features[2:].tolist() == [1, 1, 0, 0] and features.isfinite().all()


def test_a_test_table_of_its_own(tmp_path):
    train, test = write(frame(40), tmp_path / "a.csv"), write(frame(12)[::-1], tmp_path / "b.csv")
    data = load(train, test=test)
    assert len(data.test) == 12 and len(data.train) + len(data.validation) == 40
    assert data.test.x[0][0, 0] == 3.5
    write(frame(12).drop(columns="hot"), test)
    with pytest.raises(DataError, match=r"b.csv must have the columns of .*a.csv, got none called"):
        load(train, test=test)


def test_rows_are_divided_by_groups_or_by_time():
    table = frame(80).assign(who=[f"p{n % 16}" for n in range(80)], when=np.arange(80)[::-1] * 1.5)
    data = load(table, label="kind", group="who")
    parts = [{(v * 4 - 3).int().item() % 16 for v in part.x[0][:, 0]} for part in (
        data.train, data.validation, data.test)]  # fmt: skip
    assert all(parts) and len(set.union(*parts)) == sum(map(len, parts))
    assert "who" not in [c.name for c in data.columns.columns]
    data = load(table, label="kind", time="when")
    times = [part.x[0][:, 2] for part in (data.train, data.validation, data.test)]
    assert times[0].max() < times[1].min() and times[1].max() < times[2].min()
    with pytest.raises(DataError, match="has no column 'whom' for `group"):
        load(table, label="kind", group="whom")
    with pytest.raises(SettingError, match="must have `group` or `time`, got both"):
        load(table, label="kind", group="who", time="when")


def test_a_rare_class_is_learned_and_said_or_left_out():
    table = frame(60)
    table.loc[7, "kind"] = "d"
    data = load(table)
    assert data.task.names == ("a", "b", "d") and 2 in data.train.y
    assert 2 not in data.validation.y and 2 not in data.test.y
    assert data.remarks[-2] == (
        "class 'd' has 1 row, in the train part alone; `drop_rare=True` leaves such classes out"
    )
    data = load(table, drop_rare=True)
    assert data.task.names == ("a", "b") and "rare classes are left out: 'd'" in data.remarks[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


CELL = st.sampled_from(
    ["0", "1", "a", "b", "", "nan", "inf", "1e999", "-3.5", "true", '"', "é", "?"]
)


@settings(max_examples=200, deadline=None)
@given(
    table=st.lists(st.lists(CELL | st.text(max_size=4), min_size=1, max_size=4), max_size=8),
    repeat=st.integers(1, 5),
)
def test_any_cells_load_or_are_refused(folder, table, repeat):
    lines = [",".join(row) for row in table[:1] + table[1:] * repeat]
    (folder / "any.csv").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    load_or_refuse(folder / "any.csv")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([".csv", ".parquet"]))
def test_any_bytes_load_or_are_refused(folder, content, suffix):
    path = folder / f"bytes{suffix}"
    path.write_bytes(content)
    load_or_refuse(path)


def load_or_refuse(path):
    try:
        data = load(path)
    except DataError as error:
        message = str(error)
    else:
        message = f"{path}: {data}"
    assert str(path) in message


@pytest.mark.parametrize("check", DATA_CHECKS, ids=lambda check: check.__name__)
def test_conformance(check, tmp_path):
    rows = [{"size": n / 4, "colour": ("red", "blue", "new")[n % 3]} for n in range(4)]
    check(lambda: coloured(tmp_path), rows)
    check(lambda: coloured(tmp_path), pandas.DataFrame(rows))


def coloured(folder):
    path = folder / "t.csv"
    lines = [f"{n / 8},{('red', 'blue')[n % 2]},{n // 3 % 2}" for n in range(40)]
    path.write_text("\n".join(["size,colour,label", *lines]), encoding="utf-8")
    return load(path)


def test_rows_are_encoded_by_their_columns(tmp_path):
    data = coloured(tmp_path)
    frame = pandas.DataFrame({"colour": ["red", "green", "blue"], "size": [1.5, None, 3.5]})
    numbers, codes = data.encode(frame)
    assert numbers[:, 0].nan_to_num(-1).tolist() == [1.5, -1, 3.5]
    assert codes.tolist() == [[2], [0], [1]]
    by_column = {name: frame[name].tolist() for name in frame}
    assert all(map(torch.equal, data.encode(by_column)[1:], (codes,)))
    assert data.encoding["columns"] == [
        {"name": "size", "kind": "number", "offset": 0.0, "decimal": ".", "gaps": False},
        {"name": "colour", "kind": "category", "levels": ["blue", "red"]},
    ]
    with pytest.raises(DataError, match=r"row 0 .* has no column 'colour'"):
        data.encode([{"size": 1.0}])
    with pytest.raises(DataError, match=r"row 1 .* holds inf in the column 'size'"):
        data.encode([{"size": v, "colour": "red"} for v in (1.0, float("inf"))])


CELLS = st.sampled_from(
    ["1.5", "-2", "7", "", "?", "NA", "blue", "red ", " red", "x", "3 %", "true"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, st.sampled_from("ab")), min_size=12, max_size=40))
def test_rows_in_plain_python_are_encoded_as_whole_columns_are(folder, rows):
    path = folder / "rows.csv"
    path.write_text("\n".join(",".join(row) for row in [("u", "v", "label"), *rows]))
    try:
        data = load(path, test=0, validation=0.2)
    except DataError:
        return
    encoded = data.encode(pandas.read_csv(path).drop(columns="label"))
    parts = (data.train, data.validation)
    for place, tensor in enumerate(encoded):
        given = torch.cat([part.x[place] for part in parts]).nan_to_num(-99)
        assert sorted(given.tolist()) == sorted(tensor.nan_to_num(-99).tolist())
