"""Networks as graphs, read off what was built."""

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from netwright.space import Space
from netwright.space.cells import INPUT, OUTPUT, CellGraph, Cells, CellSize
from netwright.spaces.nasbench201 import canonical_string, from_string
from netwright.surrogates import features_of
from netwright.surrogates.graph_numbers import outline
from netwright.surrogates.graphs import Skeletons, plain_choices
from netwright.surrogates.parts import describe
from netwright.testing.spaces import READY, SPACES

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
CONV3, CONV1, POOL = (
    "ReLU() Conv2d((3, 3),(1, 1),(1, 1)) BatchNorm2d()",
    "ReLU() Conv2d((1, 1),(1, 1),(1, 1)) BatchNorm2d()",
    "AvgPool2d(3,1)",
)


def traced(space):
    """Without what the space says of its cells."""
    made = Skeletons(space)
    made._operations = {}
    return made


def test_the_outline_of_a_cell_is_what_is_left_of_it():
    space = READY["nasbench201"]()
    found = outline(Skeletons(space).network(from_string(CELL, space)))
    assert found.sequences == {(CONV3, CONV1, "$"), (POOL, "$")}
    assert found.numbers["number of " + CONV3] == 1
    assert found.numbers["longest path"] == 2 and found.numbers["shortest path"] == 1
    assert found.numbers["longest path of weights"] == 2
    assert found.numbers["mean path"] == 1.5
    assert found.numbers["paths"] == pytest.approx(np.log(3))


@pytest.mark.parametrize("name", ["nasbench201", "nasbench101", "darts"])
def test_what_a_space_says_of_its_cells_is_what_forward_does(name):
    space, rng = READY[name](), np.random.default_rng(0)
    said, seen = Skeletons(space), traced(space)
    assert said.is_cheap
    pairs = []
    for _ in range(12):
        member = space.sample(rng)
        pairs.append([outline(s.network(member)) for s in (said, seen)])
    if name == "darts":  # its cells stand one after the other, not side by side
        for a, b in pairs:
            total = [sum(v for k, v in o.numbers.items() if k.startswith("number")) for o in (a, b)]
            assert 0.7 * total[1] < total[0] <= total[1]  # a skip that halves the image passes here
        return
    for a, b in pairs:
        assert a.sequences == b.sequences
        numbers = [{k: v for k, v in o.numbers.items() if k != "paths"} for o in (a, b)]
        assert numbers[0] == pytest.approx(numbers[1])  # a stack has the paths of all its cells


def test_a_stack_of_cells_has_the_outline_of_one():
    from netwright.spaces import nasbench201

    one, five = nasbench201((3, 8, 8), 10, 4, 1), nasbench201((3, 8, 8), 10, 4, 3)
    rng = np.random.default_rng(0)
    for _ in range(6):
        member = one.sample(rng)
        found = [outline(traced(space).network(member)) for space in (one, five)]
        kept = [{s for s in o.sequences if s != ("$",)} for o in found]
        assert kept[0] == kept[1]


def test_equal_keys_are_equal_cells():
    space, rng = READY["nasbench201"](), np.random.default_rng(1)
    skeletons = Skeletons(space)
    by_string: dict[tuple[str, float], set[str]] = {}
    for _ in range(1500):
        member = space.sample(rng)
        found = outline(skeletons.network(member))
        parts = sum(v for k, v in found.numbers.items() if k.startswith("number"))
        # the string does not tell a part that is read twice from two equal parts
        by_string.setdefault((canonical_string(member), parts), set()).add(found.key)
    assert all(len(keys) == 1 for keys in by_string.values())
    assert len(set.union(*by_string.values())) > 700


@pytest.mark.parametrize("name", [n for n in SPACES if n != "one_point"])
def test_every_space_can_be_read(name):
    space, rng = SPACES[name](), np.random.default_rng(0)
    skeletons = Skeletons(space)
    for _ in range(10):
        assert skeletons.network(space.sample(rng)) is not None


def test_plain_options_ask_nothing_within():
    assert plain_choices(SPACES["cells"]()) == {"op0", "op1", "op2"}
    assert {"activation0", "activation1", "activation2"} == plain_choices(SPACES["conditional"]())


class Branching(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x) if x.sum() >= 0 else x[:, :3]


def test_a_network_that_cannot_be_traced_has_no_graph():
    def network(choose, inputs, classes):
        act = choose.one_of("act", relu=nn.ReLU, tanh=nn.Tanh)
        return Branching(nn.Sequential(nn.Linear(4, classes), act))

    space = Space(network, (4,), 3)
    assert Skeletons(space).network(space.smallest()) is None


def test_options_that_are_no_modules_are_no_parts():
    def network(choose, inputs, classes):
        act = choose.one_of("act", relu=lambda: nn.ReLU, tanh=lambda: nn.Tanh)
        body = choose.repeat("depth", 1, 3, lambda i: nn.Sequential(nn.Linear(4, 4), act()))
        return nn.Sequential(body, nn.Linear(4, classes))

    space = Space(network, (4,), 3)
    skeletons = Skeletons(space)
    found = outline(skeletons.network(space.architecture({"act": "tanh", "depth": 2})))
    assert found.numbers["number of Linear() Tanh()"] == 2
    assert found.sequences == {("Linear() Tanh()", "Linear() Tanh()", "$")}


def test_an_option_that_depends_on_other_answers_is_described_with_them():
    def network(choose, inputs, classes):
        wide = choose.value("wide", [False, True])
        op = choose.one_of(
            "op", skip=lambda: nn.Linear(4, 4) if wide else nn.Identity(), relu=nn.ReLU
        )
        return nn.Sequential(op, nn.Linear(4, classes))

    space = Space(network, (4,), 3)
    skeletons = Skeletons(space)
    found = [
        skeletons.network(space.architecture({"op": "skip", "wide": wide})).parts[0].effect
        for wide in (False, True)
    ]
    assert found == ["passes", "works"]


class Zero(nn.Module):
    def forward(self, x):
        return x * 0.0


@pytest.mark.parametrize(
    ("module", "effect"),
    [
        (nn.Identity(), "passes"),
        (nn.Dropout(0.3), "passes"),
        (Zero(), "kills"),
        (nn.Sequential(nn.ReLU(), Zero()), "kills"),
        (nn.ReLU(), "works"),
        (nn.AvgPool2d(3, 1, 1), "works"),
        (nn.Conv2d(4, 4, 3), "works"),
        (nn.Sequential(nn.Identity(), nn.Dropout(0.1)), "passes"),
    ],
)
def test_what_a_part_does_is_found_out_by_trying(module, effect):
    module.train()
    assert describe(module).effect == effect
    assert module.training


def test_labels_leave_sizes_out_and_keep_kinds():
    narrow, wide = (describe(nn.Conv2d(c, c, 3, groups=c)) for c in (4, 8))
    assert narrow.label == wide.label == "Conv2d((3, 3),(1, 1),(1, 1),depthwise)"
    assert narrow.exact != wide.exact
    assert narrow.weighted and not describe(nn.BatchNorm2d(4)).weighted


def with_cells(operations, vocabulary):
    """A cell of eight operations in a row, of which one has an option that few members have."""
    kinds = {"conv": lambda: nn.Linear(4, 4), "skip": nn.Identity}

    def network(choose, inputs, outputs):
        row = [choose.one_of(f"op{i}", **kinds) for i in range(7)]
        options = {name: (lambda: nn.Tanh()) for name in operations}
        return nn.Sequential(*row, choose.one_of("op7", **kinds, **options), nn.Linear(4, outputs))

    def read(answers):
        row = (*(str(answers[f"op{i}"]) for i in range(8)),)
        edges = frozenset((i, i + 1) for i in range(9))
        return {"cell": CellGraph((INPUT, *row, OUTPUT), edges)}

    cell = CellSize(inputs=1, operations=8, longest=8, shortest=8)
    return Space(network, (4,), 2, cells=Cells({"cell": cell}, vocabulary, read))


def test_an_operation_that_few_members_have_is_found():
    rare = tuple(f"rare{i}" for i in range(60))
    space = with_cells(rare, ("conv", "skip", *rare))
    made = Skeletons(space)
    assert {*made._operations} == {"conv", "skip", *rare}


def test_a_member_that_cannot_be_read_as_cells_is_said():
    space = with_cells((), ("conv", "skip"))
    read = space.cells.read

    def failing(answers):
        if answers["op0"] == "skip":
            raise KeyError("skip")
        return read(answers)

    space.cells = replace(space.cells, read=failing)
    with pytest.warns(UserWarning, match=r"is not used .* KeyError: 'skip', of the member {"):
        assert not features_of(space)._skeletons._operations


def test_cells_that_are_not_used_are_said():
    space = with_cells((), ("conv", "skip", "unknown"))
    with pytest.warns(UserWarning, match=r"is not used .* no choice has the option 'unknown'"):
        assert Skeletons(space)._operations == {}
