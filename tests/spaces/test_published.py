"""The ready spaces against what their papers and tables say."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from netwright import spaces
from netwright.errors import SettingError, SpaceError
from netwright.spaces import nasbench101 as make_nasbench101
from netwright.spaces.nasbench101 import from_graph, to_graph
from netwright.spaces.nasbench101_graphs import COUNT, graph_hash, graphs
from netwright.spaces.nasbench201 import OPERATIONS, canonical_string, from_string, to_string
from netwright.spaces.nasnet import member as pair_cell
from netwright.spaces.nasnet import normal_form

TABLES = Path(__file__).parents[3] / "shared" / "data" / "nasbench"
IMAGES = (3, 8, 8)


def params(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def on_meta(space, answers) -> nn.Module:
    with torch.device("meta"):
        return space.build(space.architecture(answers))


def table(name: str):
    pandas = pytest.importorskip("pandas", reason="needs pandas and pyarrow")
    path = TABLES / name
    if not path.is_file():
        pytest.skip(f"the table {name} is not here")
    return pandas.read_parquet(path)


@pytest.mark.parametrize(
    ("made", "count"),
    [
        (lambda: spaces.nasbench101(IMAGES, 4, 8, 2, 1), 423_624),
        (lambda: spaces.nasbench201(IMAGES, 4, 4, 1), 15_625),
        (lambda: spaces.nats_size(IMAGES, 4), 32_768),
        (lambda: spaces.darts(IMAGES, 4, 4, 3), (180 * 7**8) ** 2),  # "10 ** 18"
        (lambda: spaces.pnas(IMAGES, 4, 4, 3), 136 * 300 * 528 * 820 * 1176),  # first node: 136
        (lambda: spaces.enas_macro(IMAGES, 4, 4, 12), 6**12 * 2**66),  # "1.6 * 10 ** 29"
        (lambda: spaces.mobilenet_v3(IMAGES, 4, width=0.25), (9**2 + 9**3 + 9**4) ** 5),  # "2e19"
    ],
    ids=["nasbench101", "nasbench201", "nats_size", "darts", "pnas", "enas_macro", "mobilenet_v3"],
)
def test_the_published_number_of_members(made, count):
    assert made().count() == count


def test_anynet_has_as_many_members_as_published():
    # A quarter of the depths and an eighth of the widths, so that it is quick to build.
    assert (
        spaces.regnet((3, 32, 32), 4, most_depth=4, most_width=128).count()
        == ((16 // 4) * (128 // 8) * 3 * 6) ** 4
    )


# -- NAS-Bench-201 ---------------------------------------------------------------------------------


def test_nasbench201_has_6466_cells_up_to_isomorphism():
    space = spaces.nasbench201(IMAGES, 4, 4, 1)
    members = list(space.enumerate())
    assert len(members) == len(set(members)) == 15_625
    assert len({canonical_string(member) for member in members}) == 6_466


def test_nasbench201_agrees_with_its_table():
    rows = table("nb201.parquet")
    space = spaces.nasbench201(IMAGES, 4, 4, 1)
    members = [from_string(text, space) for text in rows["arch_str"]]
    assert len(set(members)) == 15_625
    assert [to_string(member) for member in members] == list(rows["arch_str"])
    groups = rows.groupby("iso_id").indices.values()
    names = [canonical_string(member) for member in members]
    assert len(groups) == 6_466
    for places in groups:  # the published classes, one by one
        assert len({names[i] for i in places}) == 1


def test_nasbench201_networks_have_the_published_params_and_macs():
    rows = table("nb201.parquet")
    space = spaces.nasbench201()
    for i in (0, 6111, 9930, 15_624):
        model = on_meta(space, from_string(rows["arch_str"][i], space).answers)
        assert params(model) / 1e6 == pytest.approx(rows["params_c10_m"][i], abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "|nor_conv_3x3~0|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|nothing~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~3|",
        "|none~0|+|none~0|none~1|none~0|none~1|none~2|",
    ],
)
def test_nasbench201_refuses_other_strings(text):
    space = spaces.nasbench201(IMAGES, 4, 4, 1)
    with pytest.raises(SettingError, match="must be a string such as"):
        from_string(text, space)


def test_zeroed_and_skipped_cells_compute_what_they_say():
    space = spaces.nasbench201(IMAGES, 4, 4, 1)
    (x,) = space.example(np.random.default_rng(0))
    zero = space.build(space.architecture(dict.fromkeys(space.choices, "none")), seed=0).eval()
    assert zero(x)[0].equal(zero(x)[1])  # the cell gives zeros for any image
    skips = {name: "none" for name in space.choices} | {"edge03": "skip_connect"}
    cell = space.build(space.architecture(skips), seed=0)[2]
    y = torch.randn(2, 4, 8, 8)
    assert cell(y).equal(y)
    assert set(space.choices["edge01"].options) == set(OPERATIONS)


# -- NAS-Bench-101 ---------------------------------------------------------------------------------

# The cell of the benchmark's README, with its hash in the published data.
INCEPTION = (
    [
        [0, 1, 1, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0],
    ],
    ["conv1x1-bn-relu", "conv3x3-bn-relu", "conv3x3-bn-relu", "conv3x3-bn-relu", "maxpool3x3"],
)


def test_nasbench101_has_the_published_number_of_cells_of_each_size():
    sizes = np.zeros(8, dtype=int)
    for matrix, _ in graphs():
        sizes[len(matrix)] += 1
    assert np.cumsum(sizes)[2:].tolist() == [1, 7, 91, 2_532, 64_542, COUNT]


@pytest.mark.thorough
def test_nasbench101_enumerates_each_cell_once():
    space = make_nasbench101(IMAGES, 4, 8, 2, 1)
    assert len({made.id for made in space.enumerate()}) == COUNT


@pytest.mark.thorough
def test_nasbench101_has_the_published_hashes():
    hashes = sorted({graph_hash(matrix, operations) for matrix, operations in graphs()})
    assert len(hashes) == COUNT
    digest = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    assert digest == "a7f10bf770c1b5b8a221e37824e42b3b1a237a5d21ccf545bbe8e23abd933403"


def test_nasbench101_hash_is_that_of_the_table():
    rows = table("nb101_sample20k.parquet").iloc[::2000]
    names = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
    for _, row in rows.iterrows():
        n = int(row["n_vertices"])
        matrix = np.zeros((n, n), dtype=int)
        pairs = [(i, j) for j in range(1, n) for i in range(j)]
        for place, (i, j) in enumerate(pairs):
            matrix[i, j] = (int(row["edge_bits"]) >> place) & 1
        operations = [names[int(row[f"op_{v}"])] for v in range(1, n - 1)]
        assert graph_hash(matrix.tolist(), operations) == row["module_hash"]


def test_nasbench101_networks_have_the_published_params():
    space = spaces.nasbench101()
    model = on_meta(space, from_graph(*INCEPTION, space).answers)
    assert params(model) == 2_694_282  # of the cell in the benchmark's README


def test_equal_cells_are_one_architecture_and_left_over_vertices_vanish():
    space = make_nasbench101(IMAGES, 4, 8, 2, 1)
    matrix, operations = INCEPTION
    order = [0, 2, 1, 3, 4, 5, 6]
    other = np.array(matrix)[np.ix_(order, order)].tolist()
    swapped = [operations[i - 1] for i in order[1:-1]]
    one, same = from_graph(matrix, operations, space), from_graph(other, swapped, space)
    assert one == same and one.id == same.id
    assert graph_hash(*to_graph(one)) == graph_hash(matrix, operations)
    loose = np.array(matrix)
    loose[4, 6] = 0  # vertices 3 and 4 lead nowhere
    small = from_graph(loose.tolist(), operations, space)
    assert len(to_graph(small)[0]) == 5
    assert space.contains(small)


def test_nasbench101_refuses_what_is_no_cell():
    space = make_nasbench101(IMAGES, 4, 8, 2, 1)
    with pytest.raises(SpaceError, match="has no network of these answers"):
        from_graph([[0, 0, 0], [0, 0, 1], [0, 0, 0]], ["maxpool3x3"], space)
    full = np.triu(np.ones((7, 7), dtype=int), 1).tolist()
    with pytest.raises(SpaceError, match="forbid"):
        from_graph(full, ["maxpool3x3"] * 5, space)  # 21 edges
    with pytest.raises(SettingError, match="upper-triangular"):
        from_graph([[0, 1], [1, 0]], [], space)
    with pytest.raises(SettingError, match="n x n matrix"):
        from_graph([[0, 1], [0, 0]], ["maxpool3x3"], space)


def test_members_of_nasbench101_keep_the_rules():
    space = make_nasbench101(IMAGES, 4, 8, 2, 1)
    rng = np.random.default_rng(0)
    member = space.sample(rng)
    for _ in range(200):
        other = space.sample(rng)
        child, crossed = space.mutate(member, rng), space.cross(member, other, rng)
        for made in (other, child, crossed):
            matrix, _ = to_graph(made)
            assert sum(map(sum, matrix)) <= 9 and space.contains(made)
        assert child != member
        member = child
    assert all(space.contains(near) and near != member for near in space.neighbours(member))


# -- networks of published sizes -------------------------------------------------------------------


def test_deit_tiny_is_a_member_of_vit():
    space = spaces.vit(
        (3, 224, 224), 1000, patch=16, widths=(192, 192, 24), depths=(12, 12), heads=(3, 3),
        head_size=64,
    )  # fmt: skip
    answers = dict(space.smallest().answers) | {f"layer{i}.ratio": 4 for i in range(12)}
    assert params(on_meta(space, answers)) == 5_717_416


def test_gpt2_is_a_member_of_language_model():
    space = spaces.language_model(
        1024, 50257, widths=(768, 768, 1), depths=(12, 12), heads=(12, 12), head_size=64
    )
    answers = dict(space.smallest().answers) | {f"layer{i}.ratio": 4 for i in range(12)}
    assert params(on_meta(space, answers | {"head": "tied"})) == 124_439_808


def test_convnext_tiny_is_a_member_of_convnext():
    space = spaces.convnext(
        (3, 224, 224), 1000, patch=4, widths=(96, 192, 384, 768), most_depths=(3, 3, 9, 3),
        shares=(1.0,),
    )  # fmt: skip
    answers = dict(space.largest().answers)
    assert answers["stage2.depth"] == 9 and answers["stage0.kernel"] == 7
    assert params(on_meta(space, answers)) == 28_589_128


@pytest.mark.thorough
def test_darts_v2_has_the_size_that_its_authors_give():
    """3.3 million parameters with 36 channels and 20 cells (the paper's table 1)."""
    space = spaces.darts((3, 32, 32), 10, channels=36, cells=20)
    cells = {
        "normal": [(0, "sep3"), (1, "sep3"), (0, "sep3"), (1, "sep3"),
                   (1, "sep3"), (0, "skip"), (0, "skip"), (2, "dil3")],
        "reduction": [(0, "max"), (1, "max"), (2, "skip"), (1, "max"),
                      (0, "max"), (2, "skip"), (2, "skip"), (1, "max")],
    }  # fmt: skip
    names = {"sep3": "sep_conv_3x3", "dil3": "dil_conv_3x3", "skip": "skip_connect"}
    names["max"] = "max_pool_3x3"
    answers = {}
    for kind, edges in cells.items():
        for node in range(4):
            pair = dict(edges[2 * node : 2 * node + 2])
            answers[f"{kind}.node{node}.inputs"] = tuple(sorted(pair))
            answers |= {f"{kind}.node{node}.from{i}": names[op] for i, op in pair.items()}
    assert params(on_meta(space, answers)) == pytest.approx(3.3e6, rel=0.025)


# -- NASNet ----------------------------------------------------------------------------------------


def test_the_cells_of_pairs_are_numbered_without_gap():
    count = 3 * 6 * 10 * 15 * 21  # unordered pairs of two to six inputs, with one operation
    made = [pair_cell(place, ["skip_connect"], ["cell"]) for place in range(count)]
    assert len({tuple(sorted(answers.items())) for answers in made}) == count
    for answers in made[::7]:
        assert normal_form(answers, ["skip_connect"], ["cell"]) == answers


def test_what_no_node_reads_is_the_output_of_the_cell():
    space = spaces.pnas(IMAGES, 4, 4, 3)
    first = {name: choice.options[0] for name, choice in space.choices.items()}
    alone = space.build(space.architecture(first))  # all nodes read the inputs of the cell
    assert sum(isinstance(m, nn.Conv2d) for m in alone.cells[0].outputs) == 5
    chained = first | {f"cell.node{n}.left.input": (n + 1,) for n in range(1, 5)}
    ends = space.build(space.architecture(chained)).cells[0].outputs
    assert [isinstance(m, nn.Conv2d) for m in ends] == [False] * 4 + [True]
