import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from netwright import spaces
from netwright.drawing.files import Sketch, draw_sketch, draw_svg, sketch, text_tree
from netwright.errors import SettingError


class Skip(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.conv(x))


def net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), Skip(), nn.Identity(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(4, 2),
    )  # fmt: skip


def test_a_sketch_is_what_a_person_would_draw() -> None:
    drawn = sketch(net(), (1, 6, 6))
    assert [(n.label, n.sources) for n in drawn.nodes] == [
        ("Conv 3x3, 4 · BN · ReLU", (-1,)),
        ("Conv 3x3, 4 · BN · ReLU", (0,)),
        ("Add · Relu", (0, 1)),
        ("Global average pool", (2,)),
        ("Flatten · Dropout 0.2", (3,)),
        ("Linear 2", (4,)),
    ]
    assert [n.shape for n in drawn.nodes][-3:] == [(4, 1, 1), (4,), (2,)]
    assert sum(n.params for n in drawn.nodes) == sum(p.numel() for p in net().parameters())


def test_a_sketch_survives_json() -> None:
    drawn = sketch(net(), (1, 6, 6))
    assert Sketch.from_json(json.loads(json.dumps(drawn.to_json()))) == drawn


def test_every_member_of_the_ready_spaces_can_be_drawn() -> None:
    rng = np.random.default_rng(0)
    for space in (spaces.convnet((1, 14, 14), 10), spaces.mlp((5,), 2)):
        for _ in range(10):
            model = space.build(space.sample(rng), seed=0)
            drawn = sketch(model, space.inputs)
            assert drawn.nodes[-1].shape == (space.outputs,)
            assert sum(n.params for n in drawn.nodes) == sum(p.numel() for p in model.parameters())
            ElementTree.fromstring(draw_svg(drawn))


def test_a_network_that_cannot_be_traced_is_a_chain() -> None:
    class Picky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.a(x)) if x.sum() >= 0 else x

    assert [n.label for n in sketch(Picky(), (4,)).nodes] == ["Linear 3", "Linear 2"]


def test_the_text_is_aligned_and_names_what_is_added() -> None:
    lines = text_tree(sketch(net(), (1, 6, 6))).splitlines()
    assert "<- 1" in lines[3]
    assert lines[-1].endswith("214 parameters")


def test_files(tmp_path: Path) -> None:
    drawn = sketch(net(), (1, 6, 6))
    draw_sketch(drawn, tmp_path / "a.svg")
    ElementTree.parse(tmp_path / "a.svg")
    draw_sketch(drawn, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(SettingError, match=r"\.svg or \.png"):
        draw_sketch(drawn, tmp_path / "a.gif")
