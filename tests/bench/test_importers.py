import base64
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from netwright.bench.importers import import_table
from netwright.errors import DataError
from netwright.spaces import nasbench101, nasbench201
from netwright.spaces.nasbench101 import from_graph, to_graph
from netwright.spaces.nasbench101_graphs import graph_hash
from netwright.spaces.nasbench201 import from_string

NASBENCH = Path(__file__).parents[3] / "shared" / "data" / "nasbench"
CHAIN = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
DIAMOND = [[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
CONV3, CONV1, POOL = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"
CELLS = [(CHAIN, [CONV3]), (DIAMOND, [CONV1, POOL])]


def varint(value):
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def double(number, value):
    return varint(number << 3 | 1) + struct.pack("<d", value)


def inner(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def record(matrix, operations, epochs, validation):
    """One training as the official code writes it."""
    evaluations = b"".join(
        inner(1, double(1, epoch) + double(2, 10.0 * epoch) + double(3, 0.5 + validation / 2)
              + double(4, validation * epoch / epochs) + double(5, validation - 0.01)
              + inner(6, b"model.ckpt"))
        for epoch in (0, epochs / 2, epochs)
    )  # fmt: skip
    metrics = evaluations + varint(2 << 3) + varint(2_694_282) + double(3, 99.0)
    content = json.dumps(
        [
            graph_hash(matrix, operations),
            epochs,
            "".join(str(edge) for row in matrix for edge in row),
            ",".join(["input", *operations, "output"]),
            base64.b64encode(metrics).decode(),
        ]
    ).encode()
    return struct.pack("<Q", len(content)) + b"\0\0\0\0" + content + b"\0\0\0\0"


def written(path, keep=None):
    content = b"".join(
        record(*cell, epochs, 0.9 + 0.01 * place + 0.001 * repeat)
        for place, cell in enumerate(CELLS)
        for epochs in (4, 108)
        for repeat in range(3)
    )
    path.write_bytes(content[:keep])
    return path


def test_the_official_file_of_nasbench101(tmp_path):
    table = import_table(written(tmp_path / "nasbench_full.tfrecord"))
    space = nasbench101()
    assert [table.row(from_graph(*cell, space)) for cell in CELLS] == [0, 1]
    assert table.column("val_108").tolist() == pytest.approx([90.1, 91.1])
    assert table.column("test_4").tolist() == pytest.approx([89.1, 90.1])
    assert table.column("train_108").tolist() == pytest.approx([95.05, 95.55])
    assert table.column("val_108_run2").tolist() == pytest.approx([90.2, 91.2])
    assert table.column("seconds_108").tolist() == [1080, 1080]
    assert table.column("params").tolist() == [2_694_282, 2_694_282]


@pytest.mark.parametrize("keep", [5, 40, -3])
def test_a_file_that_is_cut_off_is_refused(tmp_path, keep):
    with pytest.raises(DataError, match="is cut off"):
        import_table(written(tmp_path / "x.tfrecord", keep))


def test_what_is_no_official_file_is_refused(tmp_path):
    (tmp_path / "x.tfrecord").write_bytes(b"PK\3\4" * 50)
    with pytest.raises(DataError, match="is cut off or no TFRecord"):
        import_table(tmp_path / "x.tfrecord")
    (tmp_path / "y.tfrecord").write_bytes(struct.pack("<Q", 2) + b"\0\0\0\0[]\0\0\0\0")
    with pytest.raises(DataError, match="record 0, is damaged"):
        import_table(tmp_path / "y.tfrecord")
    (tmp_path / "z.tfrecord").write_bytes(b"")
    with pytest.raises(DataError, match="has no record"):
        import_table(tmp_path / "z.tfrecord")
    with pytest.raises(DataError, match="cannot be read"):
        import_table(tmp_path / "none.tfrecord")


def test_a_table_that_is_not_known_is_refused(tmp_path):
    pytest.importorskip("pandas")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="is no published table that is known"):
        import_table(tmp_path / "t.csv")
    (tmp_path / "few.csv").write_text("arch_str,a\n|none~0|+|none~0|none~1|+"
                                      "|none~0|none~1|none~2|,1\n")  # fmt: skip
    with pytest.raises(DataError, match="cells of NAS-Bench-201 15625, got 1"):
        import_table(tmp_path / "few.csv")


@pytest.fixture(scope="module")
def compact():
    pytest.importorskip("pandas", reason="needs pandas and pyarrow")
    if not (NASBENCH / "nb201.parquet").is_file():
        pytest.skip("the tables of NAS-Bench are not here")
    return NASBENCH


def test_the_compact_table_of_nasbench201(compact):
    table = import_table(compact / "nb201.parquet")
    space = nasbench201()
    text = ("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
            "+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|")  # fmt: skip
    best = table.row(from_string(text, space))
    assert best == 6111 == int(np.argmax(table.column("c10_test_200")))
    assert table.column("c10_val_200")[best] == pytest.approx(91.6067, abs=1e-4)
    assert 140 < table.column("seconds_12").mean() < 155


def test_the_compact_table_of_nasbench101(compact, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(compact / "nb101_sample20k.parquet").head(60)
    frame.to_parquet(tmp_path / "few.parquet")
    table = import_table(tmp_path / "few.parquet")
    assert len(table) == 60 and table.space.name == "nasbench101"
    hashes = [graph_hash(*to_graph(a)) for a in table.architectures]
    assert hashes == frame["module_hash"].tolist()
