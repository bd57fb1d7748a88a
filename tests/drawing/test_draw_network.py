"""What is drawn of a network: folds, stages, cells."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from declared import Cell, Darts, Zero, operation, topology
from netwright import Space, spaces
from netwright.drawing.branches import find_cells
from netwright.drawing.cell import parts_of
from netwright.drawing.files import draw_svg, picture_of, sketch, text_tree
from netwright.drawing.marks import measure, shorten, wrap
from netwright.drawing.placement import arrange
from netwright.drawing.rows import outline
from netwright.drawing.runs import Fold, fold_runs
from netwright.drawing.sketch import Sketch
from pictures import check_readable, see

RNG = np.random.default_rng(0)
MIXED = {
    **{"edge0to1": "conv3x3", "edge0to2": "skip", "edge1to2": "conv1x1"},
    **{"edge0to3": "conv3x3", "edge1to3": "avgpool", "edge2to3": "conv3x3"},
}


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.body(x))


class Encoder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 32), nn.GELU(), nn.Linear(32, width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        x = x + self.attention(y, y, y)[0]
        return x + self.mlp(self.second(x))


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, 8, 2, 2)
        self.position = nn.Parameter(torch.zeros(1, 9, 8))
        self.body = nn.Sequential(*(Encoder(8) for _ in range(3)))
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2) + self.position
        return self.head(self.body(x).mean(1))


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(10, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.table(x).mean(1))


def residual_net() -> nn.Module:
    blocks = [Residual(4, 4) for _ in range(3)]
    blocks += [Residual(4, 8, 2), Residual(8, 8), Residual(8, 8)]
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), *blocks,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10),
    )  # fmt: skip


def params(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def topology_sketch(answers: dict[str, str]) -> Sketch:
    space = Space(topology, (3, 16, 16), 10)
    return sketch(space.build(space.architecture(answers), seed=0), space.inputs)


# -- reading networks -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "inputs"),
    [(residual_net(), (3, 16, 16)), (Transformer(), (1, 6, 6)), (Tokens(), (7,))],
    ids=["residual", "transformer", "tokens"],
)
def test_every_parameter_is_in_a_row(model: nn.Module, inputs: tuple[int, ...]) -> None:
    drawn = sketch(model, inputs)
    assert sum(node.params for node in drawn.nodes) == params(model)
    assert all(source < i for i, node in enumerate(drawn.nodes) for source in node.sources)
    assert Sketch.from_json(drawn.to_json()) == drawn
    assert model.training  # as it was


def test_attention_and_position_are_named() -> None:
    labels = [node.label for node in sketch(Transformer(), (1, 6, 6)).nodes]
    assert labels[:3] == ["Conv 2x2, 8, stride 2", "Add position", "LN · Attention, 2 heads"]
    assert "Mean" in text_tree(sketch(Transformer(), (1, 6, 6)))


def test_a_sketch_of_an_older_version_can_be_read() -> None:
    node = {"label": "Linear 2", "kind": "linear", "shape": [2], "params": 6, "sources": [-1]}
    old = Sketch.from_json({"inputs": [2], "nodes": [{**node, "group": "0"}]})
    assert "Linear 2" in draw_svg(old)


def test_zeros_and_sums_of_sums_are_as_a_person_draws_them() -> None:
    edges = [operation(n, 2) for n in ("conv1x1", "none", "skip", "skip", "conv1x1", "avgpool")]
    nodes = sketch(nn.Sequential(Cell(edges)), (2, 4, 4)).nodes
    assert [(n.label, n.sources) for n in nodes] == [
        ("ReLU · Conv 1x1, 2 · BN", (-1,)),
        ("ReLU · Conv 1x1, 2 · BN", (0,)),
        ("Average pool 3", (0,)),
        ("Add", (-1, 1, 2)),
    ]


def test_sums_of_one_module_are_not_those_of_the_next() -> None:
    names = ("none", "skip", "none", "conv3x3", "none", "skip")
    cells = [Cell([operation(n, 2) for n in names]) for _ in range(3)]
    drawn = outline(sketch(nn.Sequential(*cells), (2, 4, 4)))
    assert [(run.period, run.copies) for run in drawn.runs] == [(2, 3)]


def test_a_cell_of_zeros_only_can_be_drawn() -> None:
    model = nn.Sequential(Cell([Zero() for _ in range(6)]))
    assert sketch(model, (2, 4, 4)).nodes[-1].label == "Zero"


# -- folding --------------------------------------------------------------------------------------


def test_short_units_are_folded_before_long_ones() -> None:
    assert fold_runs("abc") == [0, 1, 2]
    assert fold_runs("aab") == [Fold(0, 1, 2, (0,)), 2]
    assert fold_runs("aabaabc") == [Fold(0, 3, 2, (Fold(0, 1, 2, (0,)), 2)), 6]
    assert fold_runs("aa", lambda fold: False) == [0, 1]


def test_equal_blocks_are_rows_once() -> None:
    drawn = outline(sketch(residual_net(), (3, 16, 16)))
    assert [(run.first, run.period, run.copies) for run in drawn.runs] == [(1, 3, 3), (8, 3, 2)]
    assert [stage.title for stage in drawn.stages] == ["4x16x16", "8x8x8"]
    assert (drawn.stages[0].first, drawn.stages[0].last) == (0, 3)
    assert drawn.params == params(residual_net())
    seen = see(draw_svg(sketch(residual_net(), (3, 16, 16))))
    assert [w for w in seen.words if w.startswith("×")] == ["×3", "×2"]
    assert f"{drawn.params:,} parameters in all" in seen.words


def test_layers_beside_each_other_are_not_folded() -> None:
    class Twins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = torch.relu(x)
            return torch.cat([self.a(x), self.b(x)], 1)

    assert outline(sketch(Twins(), (4,))).runs == ()


def test_an_encoder_is_folded() -> None:
    drawn = outline(sketch(Transformer(), (1, 6, 6)))
    assert [(run.period, run.copies) for run in drawn.runs] == [(5, 3)]
    assert not drawn.cells


# -- cells ----------------------------------------------------------------------------------------


def test_a_cell_is_drawn_once_and_is_one_row_in_the_network() -> None:
    drawn = outline(topology_sketch(MIXED))
    cells = [row for row in drawn.rows if row.kind == "cell"]
    assert [(cell.label, cell.shape) for cell in cells] == [
        ("Cell", (4, 16, 16)), ("Cell", (8, 8, 8)), ("Cell", (16, 4, 4)),
    ]  # fmt: skip
    assert [run.copies for run in drawn.runs] == [2, 2, 2]
    assert [(cell.name, cell.uses) for cell in drawn.cells] == [("Cell", 6)]
    parts = parts_of(drawn.cells[0])
    texts = [" / ".join(part.lines) for part in parts]
    assert texts[0] == "input" and texts[-1] == "output"
    assert texts.count("ReLU · Conv 3x3 · BN") == 3 and "Average pool 3" in texts
    assert sum(row.params for row in drawn.rows) < drawn.params  # folded rows are there once


def test_chains_and_residuals_are_no_cells() -> None:
    only = dict.fromkeys(MIXED, "none") | {"edge0to3": "conv3x3"}
    assert outline(topology_sketch(only)).cells == ()
    assert outline(sketch(residual_net(), (3, 16, 16))).cells == ()


def test_cells_that_read_two_are_a_stack_of_rows() -> None:
    space = Space(Darts, (1, 8, 8), 3)
    member = space.completed(dict.fromkeys(("node1", "node2"), (0, 1)))
    drawn = outline(sketch(space.build(member, seed=0), space.inputs))
    labels = [row.label for row in drawn.rows if row.kind == "cell"]
    assert labels[0] == "Node A" and set(labels[1:]) == {"Node B"}
    assert [cell.inputs for cell in drawn.cells] == [1, 2]


def test_a_branch_that_nobody_reads_is_said_to_be_so() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ways = nn.ModuleList(nn.Linear(4, 4) for _ in range(5))

        def forward(self, x: Tensor) -> Tensor:
            made = [way(x) for way in self.ways]
            return torch.cat([*made[:4], made[4] * 0.0 + made[0]], 1)

    _, (cell,) = find_cells(sketch(nn.Sequential(Branches()), (4,)).nodes)
    assert [part.lines for part in parts_of(cell) if "(not read)" in part.lines] == [
        ("Linear", "(not read)")
    ]


# -- layers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("down", [True, False])
def test_nodes_of_a_graph_stand_apart_and_edges_go_onward(down: bool) -> None:
    for _ in range(20):
        count = int(RNG.integers(2, 14))
        pairs = [(a, b) for b in range(1, count) for a in range(b) if RNG.random() < 0.4]
        edges = sorted({*pairs, *((b - 1, b) for b in range(1, count) if RNG.random() < 0.5)})
        sizes = [(float(RNG.integers(20, 150)), float(RNG.integers(20, 60))) for _ in range(count)]
        found = arrange(sizes, edges, down=down)
        boxes = [
            (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            for (x, y), (w, h) in zip(found.middles, sizes, strict=True)
        ]
        for i, (a, b, c, d) in enumerate(boxes):
            assert a >= -1e-6 and b >= -1e-6
            assert c <= found.width + 1e-6 and d <= found.height + 1e-6
            for e, f, g, h in boxes[i + 1 :]:
                assert c <= e + 1e-6 or g <= a + 1e-6 or d <= f + 1e-6 or h <= b + 1e-6
        for a, b in edges:
            axis = 1 if down else 0
            steps = [point[axis] for point in found.routes[a, b]]
            assert all(q >= p - 1e-6 for p, q in pairwise(steps))


# -- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "members"),
    [
        (spaces.convnet((1, 14, 14), 10), 6),
        (spaces.mlp((20,), 3), 4),
        (Space(topology, (3, 16, 16), 10), 10),
        (Space(Darts, (1, 8, 8), 3), 10),
    ],
    ids=["convnet", "mlp", "topology", "darts"],
)
def test_pictures_of_members_can_be_read(space: Space, members: int) -> None:
    for _ in range(members):
        model = space.build(space.sample(RNG), seed=0)
        drawn = sketch(model, space.inputs)
        assert sum(node.params for node in drawn.nodes) == params(model)
        check_readable(see(picture_of(drawn).svg()))
        check_readable(see(draw_svg(drawn)))


def test_other_networks_can_be_read() -> None:
    for model, inputs in ((residual_net(), (3, 16, 16)), (Transformer(), (1, 6, 6))):
        check_readable(see(draw_svg(sketch(model, inputs))))


def test_a_long_row_is_wrapped() -> None:
    layers = [nn.Linear(3, 3), *(nn.LeakyReLU() for _ in range(30))]
    seen = see(picture_of(sketch(nn.Sequential(*layers), (3,))).svg())
    check_readable(seen)
    assert " ".join(seen.words).count("LeakyReLU") == 30


def test_text_takes_the_colour_of_the_page() -> None:
    assert 'fill="currentColor"' in draw_svg(sketch(residual_net(), (3, 16, 16)))
    assert "<style" not in draw_svg(sketch(residual_net(), (3, 16, 16)))


def test_long_texts_are_shortened_in_their_middle() -> None:
    text = shorten("a" * 30 + "b" * 30, 100)
    assert text.startswith("a") and "…" in text and text.endswith("b")
    assert measure(text) <= 100.5
    assert wrap(["one", "two", "three"], " · ", measure("one · two")) == ["one · two", "three"]
    assert wrap(["Depthwise, stride 2"], " · ", measure("Depthwise,")) == ["Depthwise,", "stride 2"]
