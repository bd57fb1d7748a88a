"""Exported networks open files of pictures, and all forms answer them as Python does."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from test_answers import deployed, exported, written
from torch import nn

from netwright.data import from_arrays, load
from netwright.reuse import open_exported, predict

Image = pytest.importorskip("PIL.Image")


def gray16(rng):
    return Image.fromarray(rng.integers(0, 65536, (8, 6)).astype(np.uint16))


def alpha(rng):
    return Image.fromarray(rng.integers(0, 256, (8, 6, 4), np.uint8))


@pytest.mark.parametrize(("make", "channels"), [(gray16, 1), (alpha, 4)])
def test_files_are_answered_alike_by_every_form(make, channels, tmp_path):
    rng = np.random.default_rng(0)
    for row in range(100):
        file = tmp_path / "photos" / "ab"[row % 2] / f"{row:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        make(rng).save(file)
    data = load(tmp_path / "photos", size=6, fit="crop")
    assert data.shape == (channels, 6, 6)
    network = nn.Sequential(nn.Flatten(), nn.Linear(channels * 36, 2)).eval()
    assert exported(data, network, tmp_path / "o") == []
    same_answers(data, network, sorted((tmp_path / "photos").rglob("*.png")), tmp_path / "o")
    found = predict(open_exported(tmp_path / "o"), tmp_path / "photos")
    net = written(tmp_path / "o").load()
    names = [str(tmp_path / "photos" / row[0]) for row in found.rows]
    assert [row[1] for row in found.rows] == net.predict(names)
    one = (tmp_path / "photos" / found.rows[7][0]).read_bytes()
    assert net.predict([one]) == net.predict(names[7]) == [found.rows[7][1]]


def test_bands_are_answered_alike_by_every_form(tmp_path):
    x = np.random.default_rng(0).normal(size=(100, 6, 6, 5)).astype(np.float32)
    data = from_arrays(x, np.arange(100) % 2)
    network = nn.Sequential(nn.Flatten(), nn.Linear(180, 2)).eval()
    assert exported(data, network, tmp_path / "o") == []
    same_answers(data, network, x, tmp_path / "o")


def same_answers(data, network, rows, folder):
    """Python, model.py, model.pt2 and model.onnx give the same probabilities for raw rows."""
    (raw,) = data.encode(rows)
    with torch.no_grad():
        wanted = deployed(data).raw(network)(raw).softmax(1)
    net = written(folder).load()
    program = torch.export.load(folder / "model.pt2").module()(raw)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    graph = torch.from_numpy(session.run(None, {"input": raw.numpy()})[0])
    for found in (net.predict_proba(rows), program.softmax(1), graph.softmax(1)):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
