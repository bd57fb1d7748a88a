"""Pictures that are too large for memory: one mapped file, found again, written whole or not."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from torch.utils.data import Dataset

from netwright.data import cache, load, picture_data
from netwright.data.folds import folds_of
from netwright.errors import DataError
from netwright.evaluate.training import Training
from netwright.tasks import Classification, Regression

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NETWRIGHT_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(cache, "MOST_BYTES", 100)
    for row in range(40):
        file = tmp_path / "pets" / ("cat", "dog")[row % 2] / f"{row:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 5), (row, row, 9)).save(file)
    return tmp_path / "pets"


def kept(folder):
    return sorted((folder.parent / "kept").glob("*"))


def test_rows_are_mapped_and_equal_those_in_memory(folder, monkeypatch):
    mapped = load(folder)
    monkeypatch.setattr(cache, "MOST_BYTES", 2**28)
    plain = load(folder, fit="pad")  # another name for the file
    assert mapped.file is not None and plain.file is None
    assert mapped.digest == plain.digest and mapped.mean.equal(plain.mean)
    for name in ("train", "validation", "test"):
        ours, theirs = getattr(mapped, name), getattr(plain, name)
        assert ours.x.equal(theirs.x) and ours.y.equal(theirs.y)
    assert str(mapped.file) in mapped.remarks[0] and "NETWRIGHT_CACHE" in mapped.remarks[0]


def test_workers_get_the_path_and_no_rows(folder):
    data = load(folder)
    for view in (data, data.without_test(), data.without_test().with_validation_in_train()):
        sent = pickle.dumps(view)
        assert len(sent) < 600
        there = pickle.loads(sent)  # noqa: S301 - our own
        assert len(there.train) == len(view.train) and len(there.test) == len(view.test)
        assert there.train.x.equal(view.train.x)
    both = data.with_validation_in_train().train.x
    assert both.untyped_storage().data_ptr() == data.train.x.untyped_storage().data_ptr()
    learnt, held = folds_of(data, 2)[0]
    assert len(learnt) + len(held) == 32


def test_the_next_run_decodes_nothing_until_a_file_changes(folder, monkeypatch):
    first = load(folder)
    decoded = []
    monkeypatch.setattr(picture_data, "decode", lambda *given: decoded.append(1) or first)
    assert load(folder).digest == first.digest and not decoded
    monkeypatch.undo()
    monkeypatch.setenv("NETWRIGHT_CACHE", str(folder.parent / "kept"))
    Image.new("RGB", (6, 5), (200, 0, 9)).save(folder / "cat" / "00.png")
    assert load(folder).digest != first.digest


def test_nothing_is_left_where_a_picture_is_broken_and_a_damaged_file_is_made_anew(folder):
    data = load(folder)
    data.file.write_bytes(data.file.read_bytes()[:100])
    assert load(folder).digest == data.digest
    before = kept(folder)
    file = folder / "dog" / "01.png"
    file.write_bytes(file.read_bytes()[:45])
    with pytest.raises(DataError, match=r"01\.png cannot be read"):
        load(folder)
    assert kept(folder) == before


def test_a_full_disk_is_told_of_with_the_remedy(folder, monkeypatch):
    monkeypatch.setattr(cache, "_SPARE", 2**62)
    with pytest.raises(DataError, match="set NETWRIGHT_CACHE to a folder on another disk"):
        load(folder)


def test_exported_forms_are_compared_on_some_of_a_large_test_part(folder, monkeypatch):
    training = Training(load(folder))
    assert len(training.test_examples[1]) == 8
    monkeypatch.setattr("netwright.evaluate.training._TEST_BYTES", 300)
    assert len(training.test_examples[1]) == 3


class Items(Dataset):
    """Rows that are made when they are wanted, and never all at once."""

    def __len__(self):
        return 40

    def __getitem__(self, row):
        return np.full((3, 5, 5), row, np.uint8), row % 2


def test_a_torch_dataset_goes_to_disk_row_by_row(folder, monkeypatch):
    mapped = load(Items())
    monkeypatch.setattr(cache, "MOST_BYTES", 2**28)
    plain = load(Items())
    assert mapped.file is not None and plain.file is None
    assert mapped.digest == plain.digest and mapped.train.x.equal(plain.train.x)
    assert [file.suffix for file in kept(folder)] == [".safetensors"]


def test_large_arrays_are_mapped_too(folder):
    x = np.random.default_rng(0).normal(size=(60, 4, 4, 3)).astype(np.float32)
    data = load((x, np.arange(60) % 2))
    assert data.file is not None and data.shape == (3, 4, 4)
    assert load((x, np.arange(60) % 2)).digest == data.digest and len(kept(folder)) == 1
    numbers = load((x, np.arange(60) % 2), task="regression")  # of the same rows
    assert isinstance(numbers.task, Regression) and isinstance(data.task, Classification)
    other = load((x, np.arange(60) % 2), channels="first")
    assert other.shape == (4, 4, 3) and other.file != data.file
    rows = load((x.reshape(60, -1), np.arange(60) % 2))
    assert rows.file is not None and rows.shape == (48,)
    assert pickle.loads(pickle.dumps(rows)).mean.equal(rows.mean)  # noqa: S301 - our own


LOAD = """
import sys
from netwright.data import cache, load
cache.MOST_BYTES = 100
print("ready", flush=True)
print(load(sys.argv[1]).digest)
"""


@pytest.mark.thorough
def test_a_kill_leaves_no_file_and_two_at_once_make_one(folder):
    call = [sys.executable, "-c", LOAD, str(folder)]
    killed = subprocess.Popen(
        [sys.executable, "-c", SLOW + LOAD, str(folder)], stdout=subprocess.PIPE
    )
    assert killed.stdout.readline() == b"writing\n"
    killed.kill()
    killed.communicate()
    assert [file.name[:6] for file in kept(folder)] == [".part-"]
    both = [subprocess.Popen(call, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    digests = {process.communicate()[0].split()[1] for process in both}
    assert digests == {load(folder).digest}
    assert [file.suffix for file in kept(folder)] == [".safetensors"]


SLOW = """
import time
from netwright.data import picture_data
def decode(*given):
    print("writing", flush=True)
    time.sleep(60)
picture_data.decode = decode
print = lambda *given, print=print, **settings: given == ("ready",) or print(*given, **settings)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_workers_hold_no_copy(tmp_path, monkeypatch):
    monkeypatch.setenv("NETWRIGHT_CACHE", str(tmp_path / "kept"))
    monkeypatch.setattr(cache, "MOST_BYTES", 2**20)
    x = np.zeros((600, 3, 256, 256), np.uint8)  # 113 MiB
    x[::2, 0] = 1
    data = load((x, np.arange(600) % 2)).without_test()
    code = """
import pickle, sys
view = pickle.load(sys.stdin.buffer).with_validation_in_train().train
print(open("/proc/self/smaps_rollup").read())
print(sum(int(view.batch(slice(i, i + 10))[0][0].sum()) for i in range(0, 480, 10)))
print(open("/proc/self/smaps_rollup").read())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(data), capture_output=True, check=True
    )
    lines = done.stdout.decode().splitlines()
    dirty = [int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")]
    assert str(240 * 256 * 256) in lines and dirty[1] - dirty[0] < 50_000  # KiB
