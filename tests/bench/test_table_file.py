import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import netwright as nw
from netwright.bench import Table
from netwright.bench.table_file import FORMAT
from netwright.errors import DataError, SettingError
from netwright.space import Space
from netwright.testing.spaces import READY, SPACES


@pytest.fixture
def table():
    space = SPACES["conditional"]()
    members = list(space.enumerate())
    values = np.random.default_rng(0).random(len(members))
    values[3] = np.nan
    return Table(space, members, {"accuracy": values, "seconds": np.ones(len(members))}, "mine")


def test_a_saved_table_is_the_same(table, tmp_path):
    table.save(tmp_path / "t.safetensors")
    again = Table.open(tmp_path / "t.safetensors", table.space)
    assert again.architectures == table.architectures and again.name == "mine"
    assert np.array_equal(again.column("accuracy"), table.column("accuracy"), equal_nan=True)
    assert [again.row(a) for a in table.architectures] == list(range(len(table)))
    assert [p.name for p in tmp_path.iterdir()] == ["t.safetensors"]


def test_a_ready_space_need_not_be_told(tmp_path):
    space = READY["forest"]()
    members = list(space.enumerate())
    Table(space, members, {"a": np.arange(len(members))}).save(tmp_path / "t.safetensors")
    again = Table.open(tmp_path / "t.safetensors")
    assert again.space.name == "forest"
    assert again.row(members[-1]) == len(members) - 1
    assert again.architecture(5) == members[5]


def test_a_table_of_another_space_is_refused(table, tmp_path):
    table.save(tmp_path / "t.safetensors")
    with pytest.raises(DataError, match="which is none of the ready ones"):
        Table.open(tmp_path / "t.safetensors")
    with pytest.raises(DataError, match="with other choices than those of 'nasbench201'"):
        Table.open(tmp_path / "t.safetensors", READY["nasbench201"]())


def test_what_is_no_saved_table_is_refused(table, tmp_path):
    save_file({"a": np.ones(2)}, tmp_path / "x.safetensors")
    with pytest.raises(DataError, match="lacks the mark 'netwright"):
        Table.open(tmp_path / "x.safetensors", table.space)
    (tmp_path / "y.safetensors").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be read as a table"):
        Table.open(tmp_path / "y.safetensors", table.space)
    with pytest.raises(DataError, match="cannot be read as a table"):
        Table.open(tmp_path / "none.safetensors", table.space)
    with pytest.raises(SettingError, match="must be told the space"):
        Table.open(tmp_path / "z.csv")
    taken = Table(table.space, table.architectures, {"answers": np.ones(len(table))})
    with pytest.raises(DataError, match="no column 'answers'"):
        taken.save(tmp_path / "z.safetensors")


def test_the_file_is_as_the_module_says(table, tmp_path):
    from safetensors import safe_open

    table.save(tmp_path / "t.safetensors")
    with safe_open(tmp_path / "t.safetensors", framework="numpy") as file:
        about = file.metadata()
        answers = file.get_tensor("answers")
        assert {*file.keys()} == {"answers", "accuracy", "seconds"}
    assert about["format"] == FORMAT and about["space"] == table.space.name
    for row, architecture in zip(answers, table.architectures, strict=True):
        for code, (name, options) in zip(row, json.loads(about["choices"]), strict=True):
            assert (code == 65_535) == (name not in architecture.answers)
            if code != 65_535:
                assert options[code] == architecture[name]


def test_a_table_is_an_evaluator(tmp_path):
    def network(choose, inputs, classes):
        width = choose.width("width", 4, 40, step=4)
        return nw_linear(inputs[0], width, classes)

    space = Space(network, (4,), 3)
    members = [a for a in space.enumerate() if a["width"] != 40]
    accuracy = np.array([a["width"] / 100 for a in members])
    accuracy[2] = np.nan
    made = Table(space, members, {"accuracy": accuracy})
    run = nw.search(space, made, trials=10, workers=1, refit=False, store=tmp_path / "r.db")
    tried = {t.architecture["width"]: t for t in run.record.history if t.proposal.stage.is_search}
    assert len(tried) == 10
    assert tried[40].status == "invalid" and "not in the table" in tried[40].reason
    assert np.isnan(tried[12].metrics["accuracy"])
    assert run.best.metrics["accuracy"] == 0.36


def nw_linear(inputs, width, classes):
    from torch import nn

    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, classes))
