from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data import ArrayData, load
from netwright.errors import DataError
from netwright.testing.data import DATA_CHECKS

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


def frame(n=40):
    rows = np.arange(n)
    return pandas.DataFrame(
        {
            "row": rows,
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
def test_numbers_booleans_and_text_become_float_features(tmp_path, name):
    data = load(write(frame(), tmp_path / name), label="kind")
    assert data.shape == (4,) and data.class_names == ("a", "b")
    x, y = data.train.x, data.train.y
    assert x.dtype == torch.float32
    row = x[:, 0].long()
    assert x[:, 1].equal((row % 2 == 1).float())  # blue
    assert x[:, 2].equal((row % 2 == 0).float())  # red
    assert x[:, 3].equal((row % 3 == 0).float())
    assert y.equal(row // 2 % 2)


def test_csv_and_parquet_give_the_same_data(tmp_path):
    csv = load(write(frame(), tmp_path / "t.csv"))
    assert csv.digest == load(write(frame(), tmp_path / "t.parquet")).digest


def test_categories_of_parquet_are_text(tmp_path):
    table = frame().astype({"color": "category", "kind": "category"})
    want = load(write(frame(), tmp_path / "t.csv")).digest
    assert load(write(table, tmp_path / "c.parquet")).digest == want


def test_a_category_that_train_lacks_is_all_zeros(tmp_path):
    table = frame()
    plain = load(write(table[["row", "kind"]], tmp_path / "p.csv"), seed=3)
    row = int(plain.test.x[0, 0])
    table.loc[row, "color"] = "green"
    data = load(write(table, tmp_path / "t.csv"), seed=3)
    assert data.shape == (4,)
    assert data.test.x[0].tolist()[:3] == [row, 0, 0]


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
    assert data.class_names == (f"{chosen}0", f"{chosen}1")


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
    assert load(path, label="label").shape == (7,)
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
    table = pandas.DataFrame(np.arange(160).reshape(40, 4) // 4, columns=header.split(","))
    name = next((name for name in ("label", "no", "yes") if name in table), table.columns[-1])
    table[name] = ["no", "maybe"] * 20
    data = load(write(table, tmp_path / "t.csv"), label=name)
    assert data.shape == (3,)
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
            changed("row", 7, None),
            "row 7 (counted from 0, without the header) has no value in column 'row' "
            "(1 missing in this column); fill it or remove the row.",
        ),
        (
            changed("kind", 9, None),
            "row 9 (counted from 0, without the header) has no value in column 'kind' "
            "(1 missing in this column); fill it or remove the row.",
        ),
        (
            changed("row", 5, np.inf),
            "row 5 (counted from 0, without the header) holds inf in column 'row', which is not a "
            "finite float32; remove the row or replace the value.",
        ),
        (
            changed("row", 4, "?"),
            "row 4 (counted from 0, without the header) holds the text '?' in column 'row', which "
            "holds numbers elsewhere; replace the value or remove the row.",
        ),
    ],
)
def test_a_bad_value_is_named_by_row_and_column(tmp_path, table, message):
    path = write(table, tmp_path / "t.csv")
    with pytest.raises(DataError) as error:
        load(path)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as a table"),
        ("a,b\n", "is empty: it has a header and no rows"),
        ("a;b\n1;2\n", "got the columns: a;b"),
        ("a,b\n1,2\n1,2,3\n", "cannot be read as a table: .*line 3"),
        ("a,b\n1,2,3\n1,2,3\n", "cannot be read as a table: "),
        ("a,y\n" + "1,0\n" * 9, "must have at least 2 classes, got only '0'"),
        ("a,y\n" + "1,0.5\n2,1\n" * 9, "holds the number 0.5 at row 0 .* netwright classifies"),
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
        f"{path} has no column 'kin' for `label=...`; it has: row, color, hot, kind."
    )


def test_columns_of_no_usable_kind_are_named(tmp_path):
    table = frame()
    table["when"] = pandas.Timestamp("2020-01-01")
    with pytest.raises(DataError, match="column 'when' must hold numbers, booleans or text, got"):
        load(write(table, tmp_path / "t.parquet"), label="kind")


def test_an_id_column_is_not_spread_over_thousands_of_features(tmp_path):
    table = pandas.DataFrame({"id": [f"n{row}" for row in range(3000)], "y": np.arange(3000) % 2})
    with pytest.raises(DataError, match=r"column 'id' has 1,800 different texts, more than 1,000"):
        load(write(table, tmp_path / "t.csv"))


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_column_of_texts_that_hardly_recur_is_no_category(tmp_path, name):
    rows = np.arange(40)
    table = pandas.DataFrame({"id": [f"n{row}" for row in np.maximum(rows - 3, 0)], "y": rows % 2})
    path = write(table, tmp_path / name)
    with pytest.raises(DataError) as error:
        load(path)
    assert str(error.value) == (
        f"{path}: column 'id' has 37 different texts in 40 rows, as a name or an id has; remove it "
        f"or turn it into numbers."
    )
    table["id"] = [f"n{row}" for row in np.maximum(rows - 4, 0)]
    assert len(load(write(table, path), test=0).train) == 32
    few = table.assign(id=[f"n{row}" for row in rows])[:20]
    assert len(load(write(few, path), test=0).train) == 16


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
    frame = pandas.DataFrame({"colour": ["red", "green", "blue"], "size": [1.5, 2.5, 3.5]})
    expected = torch.tensor([[1.5, 0, 1], [2.5, 0, 0], [3.5, 1, 0]])
    assert torch.equal(data.encode(frame)[0], expected)
    by_column = {name: frame[name].tolist() for name in frame}
    assert torch.equal(data.encode(by_column)[0], expected)
    assert data.encoding["columns"] == [
        {"name": "size", "categories": None},
        {"name": "colour", "categories": ["blue", "red"]},
    ]
    with pytest.raises(DataError, match=r"row 0 .* has no column 'colour'"):
        data.encode([{"size": 1.0}])
    with pytest.raises(DataError, match=r"row 1 .* holds nan in the column 'size'"):
        data.encode([{"size": v, "colour": "red"} for v in (1.0, float("nan"))])
    data.save(tmp_path / "t.safetensors")
    opened = ArrayData.open(tmp_path / "t.safetensors")
    assert torch.equal(opened.encode(frame)[0], expected)
