import numpy as np
import pytest
from torch import nn

from netwright.errors import SettingError, SpaceError
from netwright.space import CellGraph, Space
from netwright.spaces.nasbench101 import from_graph
from netwright.spaces.nasbench201 import from_string
from netwright.testing.spaces import READY

DEAR = ("enas_micro", "nasnet", "pnas")


def cheap(name: str) -> object:
    """A space by its name; those of larger cells than darts are for `make thorough`."""
    return pytest.param(name, marks=[pytest.mark.thorough] if name in DEAR else [])


CELLS = ("darts", "enas_micro", "nasbench101", "nasbench201", "nasnet", "pnas")


@pytest.fixture(scope="module", params=[*map(cheap, READY)])
def space(request) -> Space:
    return READY[request.param]()


@pytest.fixture(scope="module", params=[*map(cheap, CELLS)])
def celled(request) -> Space:
    return READY[request.param]()


@pytest.fixture(scope="module")
def nasbench101() -> Space:
    return READY["nasbench101"]()


@pytest.fixture(scope="module")
def nasbench201() -> Space:
    return READY["nasbench201"]()


def members(space, count=60):
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(count)]


@pytest.mark.parametrize("encoding", ["onehot", "unary"])
def test_rows_of_choices_go_back_to_their_architectures(space, encoding):
    drawn = members(space)
    rows = space.encode(drawn, encoding)
    assert rows.shape == (60, len(space.columns(encoding))) and rows.dtype == np.float32
    assert space.decode(rows, encoding) == drawn


def test_rows_of_cells_go_back_to_their_architectures(celled):
    drawn = members(celled)
    rows = celled.encode(drawn, "adjacency")
    assert rows.shape == (60, len(celled.columns("adjacency")))
    assert celled.decode(rows, "adjacency") == drawn


def test_unary_rows_of_near_numbers_are_near():
    space = Space(
        lambda choose, i, c: nn.Sequential(
            nn.Linear(i[0], w := choose.width("w", 4, 16, step=4)),
            nn.Linear(w, c, bias=choose.value("bias", [True, False])),
        ),
        3,
        2,
    )
    made = [space.architecture({"w": w, "bias": True}) for w in (4, 8, 12, 16)]
    rows = space.encode(made, "unary")
    assert space.columns("unary") == (
        *(("w", w) for w in (4, 8, 12, 16)), ("bias", True), ("bias", False)
    )  # fmt: skip
    assert rows[:, :4].tolist() == np.tril(np.ones((4, 4))).tolist()
    assert rows[:, 4:].tolist() == [[1, 0]] * 4
    assert [np.abs(rows[0] - row).sum() for row in rows] == [0, 1, 2, 3]


# -- cells -----------------------------------------------------------------------------------------


def test_columns_are_as_many_as_published(nasbench101, nasbench201):
    assert len(nasbench101.columns("adjacency")) == 21 + 5 * 3
    assert len(nasbench101.columns("path")) == 364  # arXiv 1910.11858: the sum of 3 ** i
    assert len(nasbench201.columns("path")) == 5 + 5**2 + 5**3
    assert len(nasbench101.columns("path", longest=3)) == 1 + 3 + 9 + 27


def test_paths_of_a_cell_with_skips(nasbench101):
    # input - conv3x3 - conv1x1 - output, with edges from the input to both ends.
    matrix = [[0, 1, 1, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    cell = from_graph(matrix, ["conv3x3-bn-relu", "conv1x1-bn-relu"], nasbench101)
    row = nasbench101.encode([cell], "path")[0]
    found = {nasbench101.columns("path")[i][1] for i in np.flatnonzero(row)}
    assert found == {(), ("conv1x1-bn-relu",), ("conv3x3-bn-relu", "conv1x1-bn-relu")}
    short = nasbench101.encode([cell], "path", longest=1)[0]
    assert short.sum() == 2 and row[: len(short)].tolist() == short.tolist()


def test_paths_of_nasbench201(nasbench201):
    text = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
    cell = from_string(text, nasbench201)
    row = nasbench201.encode([cell], "path")[0]
    assert {nasbench201.columns("path")[i][1] for i in np.flatnonzero(row)} == {
        ("skip_connect",),
        ("nor_conv_3x3", "none"),
        ("none", "avg_pool_3x3"),
        ("nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"),
    }


def test_isomorphic_matrices_have_one_row(nasbench101):
    # The same cell with its inner vertices in the other order.
    one = [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    names = ["conv3x3-bn-relu", "maxpool3x3"]
    made = [from_graph(one, order, nasbench101) for order in (names, names[::-1])]
    for encoding in ("onehot", "adjacency", "path"):
        first, second = nasbench101.encode(made, encoding)
        assert first.tolist() == second.tolist()


def test_paths_are_those_of_the_graph(celled):
    drawn = members(celled, 20)
    rows = celled.encode(drawn, "path", longest=2)
    for row, member in zip(rows, drawn, strict=True):
        graphs = celled.cells.read(member.answers)
        paths = {(n, place, p) for n, g in graphs.items() for place, p in g.paths(2)}
        assert row.sum() == len(paths)
    assert celled.encode(drawn, "path", longest=1).shape[1] < rows.shape[1]


def test_graphs_are_filled_up(celled):
    drawn = members(celled, 20)
    operations, edges = celled.graphs(drawn)
    assert operations.shape == edges.shape[:2] and edges.shape[1] == edges.shape[2]
    assert not np.tril(edges).any()  # edges go forward
    for row, matrix, member in zip(operations, edges, drawn, strict=True):
        graphs = celled.cells.read(member.answers).values()
        assert (row > 0).sum() == sum(len(graph.operations) for graph in graphs)
        assert matrix.sum() == sum(len(graph.edges) for graph in graphs)
        assert (row == 2).sum() == len(graphs) and not matrix[row == 0].any()
        named = {number: name for name, number in celled.cells.numbers.items()}
        first = next(iter(graphs)).operations
        assert [named[i] for i in row[: len(first)]] == list(first)


def test_a_graph_has_its_paths():
    graph = CellGraph(("input", "a", "b", "output"), frozenset({(0, 1), (1, 2), (2, 3), (0, 3)}))
    assert set(graph.paths(9)) == {(0, ()), (0, ("a", "b"))}
    assert set(graph.paths(1)) == {(0, ())}


# -- distance and errors ---------------------------------------------------------------------------


def test_distance_counts_answers(space):
    a, b = members(space, 2)
    assert a.distance(a) == 0
    assert a.distance(b) == b.distance(a) > 0
    assert all(a.distance(near) >= 1 for near in space.neighbours(a)[:20])


def test_what_cannot_be_encoded_is_refused(nasbench101):
    convnet, enas = READY["convnet"](), READY["enas_macro"]()
    with pytest.raises(SettingError, match=r"must be 'onehot', 'unary', .* got 'one-hot'"):
        convnet.encode([], "one-hot")
    with pytest.raises(SettingError, match=r"must have a space of cells, got one without"):
        convnet.encode([], "path")
    with pytest.raises(SettingError, match=r"must have a space of cells"):
        enas.graphs([])
    with pytest.raises(SettingError, match=r"at most 100,000 columns, got .*`longest=3`"):
        READY["nasnet"]().columns("path")
    rows = nasbench101.encode(members(nasbench101, 3), "path")
    with pytest.raises(SettingError, match="with an inverse, got 'path'"):
        nasbench101.decode(rows, "path")
    with pytest.raises(SettingError, match=r"must be n x 57, got shape \(3, 364\)"):
        nasbench101.decode(rows)
    row = nasbench101.encode(members(nasbench101, 1))
    with pytest.raises(SettingError, match="one answer to each choice"):
        nasbench101.decode(np.ones_like(row))
    with pytest.raises(SettingError, match=r"got \[0.[05], 0.[05]\] for"):
        nasbench101.decode(row / 2)
    with pytest.raises(SpaceError, match="lacks an answer"):
        nasbench101.decode(np.zeros_like(row))
