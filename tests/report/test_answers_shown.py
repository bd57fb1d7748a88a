"""The section of the report on what the network answers."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

import netwright as nw
from netwright.data.shown import shown_numbers, shown_picture
from netwright.report.answers import _png, answers


def network(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    width = choose.width("width", 4, 8, step=4)
    count = int(np.prod(inputs))
    return nn.Sequential(
        nn.Flatten(), nn.Linear(count, width), nn.ReLU(), nn.Linear(width, outputs)
    )


def searched(data: nw.Data, out: Path) -> nw.Run:
    training = nw.Training(data, epochs=2, full_epochs=2, folds=1)
    return nw.search(
        nw.Space(network, data), training, strategy="random", trials=1, finals=[], workers=0,
        store=nw.MemoryStore(), out=out, rehearse=False,
    )  # fmt: skip


def test_a_table_has_its_classes_and_its_worst_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"size": rng.normal(size=60), "<city>": rng.choice(["Rome", "Oslo"], 60)})
    table["day"] = pd.date_range("2024-01-01", periods=60)
    table["label"] = rng.choice(["left", "right"], 60)
    run = searched(nw.data.load(table), tmp_path / "out")
    examined = run.record.examined[run.record.best.number]
    assert sum(rows for rows, _, _ in examined["by_class"]) == 12
    right = sum(found for _, found, _ in examined["by_class"])
    assert right / 12 == pytest.approx(run.best.metrics["test_accuracy"])
    shown = examined["worst"][0]["shown"]
    assert shown["<city>"] in ("Rome", "Oslo") and shown["day"].startswith("2024-0")
    assert abs(table["size"] - float(shown["size"])).min() < 1e-4
    page = answers(run.record)
    assert "&lt;city&gt;" in page and "<city>" not in page and "Calibration" in page
    card = json.loads((tmp_path / "out" / "card.json").read_text(encoding="utf-8"))
    assert [row["class"] for row in card["answers"]] == ["left", "right"]
    assert "## Test part by class" in (tmp_path / "out" / "card.md").read_text(encoding="utf-8")


def test_pictures_are_shown_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 3, 9, 8), np.uint8), rng.integers(0, 3, 60)
    data = nw.data.load((x, y))
    run = searched(data, tmp_path / "out")
    worst = run.record.examined[run.record.best.number]["worst"]
    addresses = re.findall(r'src="data:image/png;base64,([^"]+)"', answers(run.record))
    assert len(addresses) == len(worst) > 0
    for row, address in zip(worst, addresses, strict=True):
        seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(address))))
        assert np.array_equal(seen.transpose(2, 0, 1), data.test.x[row["row"]].numpy())


def test_numbers_have_residuals(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"size": rng.normal(size=60)})
    table["price"] = 100 + 10 * table["size"]
    run = searched(nw.data.load(table, label="price"), tmp_path / "out")
    page = answers(run.record)
    assert "residual of price" in page and "said less is" in page
    assert run.record.examined[run.record.best.number]["numbers"][0]["name"] == "answer"


def test_other_pictures_are_made_visible() -> None:
    dark = shown_picture(torch.tensor([[[0, 16], [8, 4]]], dtype=torch.uint8))
    assert list(base64.b64decode(dark["picture"]["bytes"])) == [0, 255, 128, 64]
    floats = shown_picture(torch.linspace(-1, 1, 5 * 200 * 100).reshape(5, 200, 100))
    assert floats["picture"]["shape"] == [50, 25, 1]
    grey = np.asarray(Image.open(io.BytesIO(base64.b64decode(_png(floats["picture"])[22:]))))
    assert grey.shape == (50, 25) and grey.max() > grey.min()
    same = shown_picture(torch.full((1, 2, 2), 3.0))
    assert set(base64.b64decode(same["picture"]["bytes"])) == {0}
    assert list(shown_numbers(torch.arange(20.0)))[-1] == "..."
