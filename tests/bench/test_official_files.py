"""Files of published benchmarks, small ones written as their makers' code writes them."""

import bz2
import json
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from netwright.bench.hwnasbench import read_hardware
from netwright.bench.importers import import_table
from netwright.bench.natsbench import read_nats
from netwright.bench.pickles import read_pickle
from netwright.errors import DataError
from netwright.spaces import nasbench101, nasbench201, nats_size
from netwright.spaces.nasbench101 import from_graph
from netwright.spaces.nasbench201 import from_string, from_widths

NASBENCH = Path(__file__).parents[3] / "shared" / "data" / "nasbench"
CELLS = [
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
]
WIDTHS = ["64:8:16:24:32", "8:8:8:8:8"]
PARTS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("x-valid", "x-test", "ori-test"),
    "ImageNet16-120": ("x-valid", "x-test", "ori-test"),
}


# -- NATS-Bench ------------------------------------------------------------------------------------


def result(data, seed, epochs, accuracy):
    """The state of one `ResultsCount`."""
    curve = np.linspace(accuracy / 2, accuracy, epochs)
    keys = [(part, epoch) for part in PARTS[data] for epoch in range(epochs)]
    return {
        "name": "infer.tiny",
        "net_state_dict": None,
        "train_acc1es": OrderedDict((e, 100.0) for e in range(epochs)),
        "train_acc5es": None,
        "train_losses": OrderedDict((e, 0.1) for e in range(epochs)),
        "train_times": OrderedDict((e, 10.0) for e in range(epochs)),
        "arch_config": {"channel": 16, "num_cells": 5, "class_num": 10},
        "params": 0.073306,
        "flop": np.float64(7.78305),
        "seed": seed,
        "epochs": epochs,
        "latency": [0.02, 0.04] if data == "cifar10" else None,
        "eval_names": list(PARTS[data]),
        "eval_acc1es": {f"{part}@{e}": curve[e] for part, e in keys},
        "eval_times": {f"{part}@{e}": 3.0 for part, e in keys},
        "eval_losses": {f"{part}@{e}": 1.0 for part, e in keys},
    }


def trained(number, text):
    """What the file of one network holds."""
    made = OrderedDict()
    for epochs, seeds in (("12", (777,)), ("200", (777, 888, 999))):
        results = {
            (data, seed): result(data, seed, int(epochs), 80.0 + number + place + seed / 1000)
            for place, data in enumerate(PARTS)
            for seed in seeds
        }
        made[epochs] = {
            "arch_index": number,
            "arch_str": text,
            "all_results": results,
            "dataset_seed": {data: list(seeds) for data in PARTS},
            "clear_net_done": False,
        }
    return made


def packed(path, content):
    path.write_bytes(bz2.compress(pickle.dumps(content, protocol=4)))


def folder(path, texts):
    path.mkdir()
    packed(path / "meta.pickle.pbz2", {"meta_archs": texts, "total_archs": len(texts)})
    for number, text in enumerate(texts):
        packed(path / f"{number:06d}.pickle.pbz2", trained(number, text))
    return path


def whole(path, texts):
    infos = {number: trained(number, text) for number, text in enumerate(texts)}
    packed(
        path,
        {"meta_archs": texts, "arch2infos": infos, "evaluated_indexes": {*range(len(texts))}},
    )
    return path


@pytest.mark.parametrize("texts", [CELLS, WIDTHS], ids=["topology", "size"])
@pytest.mark.parametrize("written", [folder, whole])
def test_nats_bench(tmp_path, texts, written):
    found, columns = read_nats(written(tmp_path / "NATS-v1_0.pickle.pbz2", texts))
    assert found == texts
    assert columns["c10_val_12"] == pytest.approx([80.777, 81.777])
    assert columns["c10_val_200"] == pytest.approx([80.888, 81.888])  # the mean of three seeds
    assert columns["c10_test_200"] == pytest.approx([81.888, 82.888])
    assert columns["c100_val_200"] == columns["c100_test_200"] == pytest.approx([82.888, 83.888])
    assert columns["in16_test_12"] == pytest.approx([83.777, 84.777])
    assert columns["seconds_12"] == [12 * 10 + 3] * 2  # as `simulate_train_eval` charges
    assert columns["seconds_200"] == [200 * 10 + 3] * 2
    assert columns["params_c10"] == pytest.approx([73_306] * 2)
    assert columns["flops_c10"] == pytest.approx([7_783_050] * 2)
    assert columns["latency_ms_c10"] == pytest.approx([30, 30])
    assert np.isnan(columns["latency_ms_c100"]).all()


def test_official_texts_are_members():
    space = nats_size()
    assert from_widths(WIDTHS[0], space).answers == {
        f"width{i}": width for i, width in enumerate((64, 8, 16, 24, 32))
    }
    for text in ("64:8:16:24", "a:8:16:24:32"):
        with pytest.raises(ValueError, match="must be a text such as"):
            from_widths(text, space)


@pytest.mark.parametrize(
    ("texts", "published"), [(CELLS, "15625, got 2"), (WIDTHS, "32768, got 2")]
)
def test_a_part_of_nats_bench_is_refused(tmp_path, texts, published):
    with pytest.raises(DataError, match=f"contradicts what is published: .* {published}"):
        import_table(folder(tmp_path / "NATS", texts))


def test_networks_without_results_are_named(tmp_path):
    made = folder(tmp_path / "NATS", CELLS)
    (made / "000001.pickle.pbz2").unlink()
    with pytest.raises(DataError, match=r"000001\.pickle\.pbz2 cannot be read: No such file"):
        read_nats(made)
    packed(made / "000001.pickle.pbz2", {"12": {"all_results": {("cifar10", 777): {}}}})
    with pytest.raises(DataError, match=r"network 1, is damaged \(KeyError"):
        read_nats(made)


# -- HW-NAS-Bench ----------------------------------------------------------------------------------


def hardware(path, texts, **changed):
    metrics = {
        "edgegpu_latency": [5.8, 6.0],
        "edgegpu_energy": [24.2, 25.0],
        "raspi4_latency": [10.48, np.float64(20.5)],
        "edgetpu_latency": [0.96, "N/A"],
        "eyeriss_arithmetic_intensity": [9.1, -1],
        "config": [{"name": "infer.tiny", "C": 16, "N": 5, "arch_str": t} for t in texts],
    }
    sets = {name: metrics | changed for name in ("cifar10", "cifar100", "ImageNet16-120")}
    content = {"nasbench201": sets, "fbnet": {"raspi4_latency": {"k3_e1": 1.0}}}
    path.write_bytes(pickle.dumps(content))
    return path


def test_hw_nas_bench(tmp_path):
    texts, columns = read_hardware(hardware(tmp_path / "HW-NAS-Bench-v1_0.pickle", CELLS))
    assert texts == CELLS
    assert columns["lat_raspi4_ms"] == [10.48, 20.5]
    assert columns["energy_edgegpu_mj_c100"] == [24.2, 25.0]
    assert columns["lat_edgetpu_ms_in16"][0] == 0.96
    for name in ("lat_edgetpu_ms", "eyeriss_arithmetic_intensity"):
        assert np.isnan(columns[name][1])


def test_columns_of_other_lengths_are_refused(tmp_path):
    file = hardware(tmp_path / "hw.pickle", CELLS, raspi4_latency=[1.0])
    with pytest.raises(DataError, match="2 cells and 1 values of lat_raspi4_ms"):
        read_hardware(file)
    with pytest.raises(DataError, match="cells of NAS-Bench-201 15625, got 2"):
        import_table(hardware(tmp_path / "hw.pickle", CELLS))
    file.write_bytes(pickle.dumps({"fbnet": {}}))
    with pytest.raises(DataError, match="is no file of HW-NAS-Bench"):
        import_table(file)


# -- pickles ---------------------------------------------------------------------------------------


class Calls:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "it was run")


@pytest.mark.parametrize("suffix", [".pickle", ".pickle.pbz2"])
def test_a_pickle_runs_nothing(tmp_path, suffix):
    victim, file = tmp_path / "victim", tmp_path / f"bad{suffix}"
    content = pickle.dumps({"meta_archs": Calls(victim)})
    file.write_bytes(bz2.compress(content) if suffix.endswith("pbz2") else content)
    with pytest.raises(DataError, match=r"names .*write_text, and only containers and numbers"):
        import_table(file)
    assert not victim.exists()


@pytest.mark.parametrize("name", ["builtins eval", "builtins getattr", "os system", "numpy load"])
def test_a_pickle_names_no_function(tmp_path, name):
    module, function = name.split()
    file = tmp_path / "bad.pickle"
    file.write_bytes(f"c{module}\n{function}\n(S'1'\ntR.".encode())
    with pytest.raises(DataError, match=f"it names {module}.{function}"):
        read_pickle(file)


def test_containers_and_numbers_are_read(tmp_path):
    content = OrderedDict(a=[1, 2.5, None], b={"x": (True, "text", b"bytes")}, c={3, 4})
    content["n"], content["v"] = np.float32(1.5), np.arange(3)
    for protocol in (2, 4, 5):
        file = tmp_path / "good.pickle"
        file.write_bytes(pickle.dumps(content, protocol=protocol))
        found = read_pickle(file)
        assert found["v"].tolist() == [0, 1, 2]
        assert {k: v for k, v in found.items() if k != "v"} == {
            k: v for k, v in content.items() if k != "v"
        }
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read as a benchmark's pickle"):
        read_pickle(file)


# -- NAS-Bench-Suite-Zero --------------------------------------------------------------------------


def scores(path, networks, data="cifar10"):
    body = {
        text: {
            "id": 3,
            "val_accuracy": 90.0 + place,
            "nwot": {"score": 700.0 + place, "time": 0.5},
            "synflow": {"score": -1.0, "time": 0.1},
        }
        for place, text in enumerate(networks)
    }
    path.write_text(json.dumps({data: body, "ninapro": dict([*body.items()][:1])}))
    return path


def test_zero_cost_scores_of_nasbench201(tmp_path):
    file = scores(tmp_path / "zc_nasbench201.json", ["(4, 3, 3, 0, 0, 0)", "(2, 2, 0, 4, 2, 2)"])
    table = import_table(file)
    space = nasbench201()
    assert [table.row(from_string(text, space)) for text in CELLS] == [0, 1]
    assert table.column("nwot_c10").tolist() == [700, 701]
    assert table.column("val_accuracy_c10").tolist() == [90, 91]
    assert table.column("synflow_ninapro")[0] == -1 and np.isnan(table.column("synflow_ninapro")[1])


def test_zero_cost_scores_of_nasbench101(tmp_path):
    matrix = np.zeros((7, 7), dtype=int)
    matrix[[0, 0, 1, 2], [1, 2, 3, 3]] = 1
    code = (*matrix.ravel().tolist(), 0, 3, 2, 1, 0, 0, 0)
    table = import_table(scores(tmp_path / "zc_nasbench101.json", [str(code)]))
    cell = from_graph(matrix[:4, :4].tolist(), ["conv1x1-bn-relu", "maxpool3x3"], nasbench101())
    assert table.row(cell) == 0


@pytest.mark.parametrize(
    ("network", "data"),
    [("(1, 2)", "cifar10"), ("(9, 0, 0, 0, 0, 0)", "cifar10"), ("(1, 0, 0, 2, 1, 0)", "jigsaw")],
)
def test_scores_of_other_spaces_are_refused(tmp_path, network, data):
    with pytest.raises(DataError, match="networks of no space that is read"):
        import_table(scores(tmp_path / "zc.json", [network], data))


# -- several files ---------------------------------------------------------------------------------


def test_columns_of_several_files_stand_side_by_side(tmp_path):
    one = scores(tmp_path / "a.json", ["(4, 3, 3, 0, 0, 0)", "(2, 2, 0, 4, 2, 2)"])
    two = scores(tmp_path / "b.json", ["(2, 2, 0, 4, 2, 2)"], "cifar100")
    table = import_table(one, two)
    assert len(table) == 2
    assert table.column("nwot_c100")[1] == 700 and np.isnan(table.column("nwot_c100")[0])
    assert table.column("nwot_ninapro_suitezero")[1] == 700  # both have it
    other = scores(tmp_path / "c.json", ["(1, 1, 1, 1, 1, 1)"])
    with pytest.raises(DataError, match="No network of"):
        import_table(one, other)
    matrix = (0, 1, *[0] * 47, 0, 1, *[0] * 5)
    with pytest.raises(DataError, match="only files of one space are put together"):
        import_table(one, scores(tmp_path / "d.json", [str(matrix)]))


def test_the_compact_tables_together():
    pytest.importorskip("pandas", reason="needs pandas and pyarrow")
    files = [NASBENCH / f"{n}.parquet" for n in ("nb201", "nb201_hw", "zero_cost_proxies")]
    if not all(file.is_file() for file in files):
        pytest.skip("the compact tables are not here")
    table = import_table(*files)
    # The example in the README of HW-NAS-Bench: its row 0.
    first = [table.column(f"lat_{d}_ms")[0] for d in ("raspi4", "pixel3", "fpga", "eyeriss")]
    assert first == pytest.approx([10.48198, 3.60585, 2.57296, 3.64562], abs=1e-5)
    fpga = table.column("lat_fpga_ms")
    assert table.column("energy_fpga_mj") == pytest.approx(7 * fpga, rel=1e-4)
    # NAS-Bench-Suite-Zero calls a test accuracy of NAS-Bench-201 val_accuracy.
    known = np.isfinite(table.column("nwot_c10"))
    same = table.column("val_accuracy_c10")[known] - table.column("c10v_test_200_runA")[known]
    assert known.sum() == 724 and not same.any()
