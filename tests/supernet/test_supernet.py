import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from netwright.errors import SpaceError
from netwright.space import Space
from netwright.supernet import Supernet
from netwright.supernet.elastic import chosen, elastic
from netwright.supernet.sliced_layers import used
from netwright.testing.spaces import READY

DEAR = ("nasnet", "pnas", "enas_micro", "nats_size")


def cheap(name):
    """A space by its name; large ones, of cells such as those of darts, are for `make thorough`."""
    return pytest.param(name, marks=[pytest.mark.thorough] if name in DEAR else [])


def declared(network, inputs=(6, 8)):
    return lambda: Space(network, inputs, 3)


class Sum(nn.Module):
    def __init__(self, picks, width):
        super().__init__()
        self.picks = picks
        self.layers = nn.ModuleList(nn.Conv1d(6, width, 1) for _ in range(3))

    def forward(self, x):
        states = [layer(x) for layer in self.layers]
        return sum(states[i] for i in self.picks)


class Cell(nn.Module):
    def __init__(self, edges):
        super().__init__()
        self.edges = edges

    def forward(self, x):
        return sum(self.edges([x, 2 * x, x.relu()]))


class Scaled(nn.Module):
    """A tensor of its own, whose size depends on the width."""

    def __init__(self, width, ratio):
        super().__init__()
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, width)[:, None])
        self.inner = int(width * ratio)
        self.widen, self.narrow = nn.Conv1d(width, self.inner, 1), nn.Conv1d(self.inner, width, 1)

    def forward(self, x):
        return x + self.scale * self.narrow(self.widen(x))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.width, self.heads = width, heads
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x):
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(x.view(-1, 8, self.width))


class Recurrent(nn.Module):
    def __init__(self, kind, inputs, width, layers, both):
        super().__init__()
        self.cell = kind(inputs, width, layers, batch_first=True, bidirectional=both)

    def forward(self, x):
        return self.cell(x.transpose(1, 2))[0].mean(1)


class Step(nn.Module):
    """Branches on widths, as residual blocks do."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer = nn.Conv1d(inputs, outputs, 3, padding=1)
        self.project = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.norm = nn.GroupNorm(max(1, outputs // 8), outputs)

    def forward(self, x):
        return self.norm(self.project(x) + self.layer(x))


def head(width, classes):
    return [nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(width, classes)]


def convolutions(choose, inputs, classes):
    width = choose.width("width", 4, 12, step=4)
    other = choose.width("other", 8, 16, step=4)
    kernel = choose.value("kernel", [1, 3, 5])
    stride = choose.value("stride", [1, 2])
    rate = choose.value("rate", [0.1, 0.5])
    return nn.Sequential(
        nn.Conv1d(6, width, kernel, stride, kernel // 2),
        nn.BatchNorm1d(width),
        nn.PReLU(width),
        nn.Conv1d(width, width, 3, padding=1, groups=width),
        nn.ConvTranspose1d(width, other, kernel, padding=kernel // 2),
        nn.Dropout(rate),
        nn.Conv1d(other, 2 * other, 1, groups=4),
        nn.RMSNorm(8 // stride),
        *head(other + other, classes),
    )


def nested(choose, inputs, classes):
    width = choose.width("width", 8, 24, step=8)
    act = choose.one_of("act", relu=lambda: nn.ReLU, elu=lambda: lambda: nn.ELU(0.5))
    layers, features = choose.one_of(
        "body",
        none=lambda: ([], 6),
        some=lambda: (
            [
                nn.Conv1d(6, width, 1),
                choose.repeat(
                    "depth",
                    1,
                    3,
                    lambda i: choose.one_of(
                        f"step{i}",
                        conv=lambda: nn.Sequential(nn.Conv1d(width, width, 1), act()),
                        skip=nn.Identity,
                        deep=lambda: choose.repeat(f"inner{i}", 0, 2, lambda j: Step(width, width)),
                    ),
                ),
            ],
            width,
        ),
    )
    return nn.Sequential(*layers, *head(features, classes))


def branching(choose, inputs, classes):
    a = choose.width("a", 8, 24, step=8)
    b = choose.width("b", 8, 24, step=8)
    body = choose.repeat("depth", 1, 3, lambda i: Step(b if i else a, b))
    return nn.Sequential(nn.Conv1d(6, a, 1), *body, *head(b, classes))


def inputs_of_a_node(choose, inputs, classes):
    width = choose.width("width", 4, 8, step=4)
    picks = choose.inputs("picks", 3, 1, 2)
    edges = choose.inputs(
        "edges",
        3,
        2,
        3,
        edge=lambda i: choose.one_of(
            f"edge{i}", conv=lambda: nn.Conv1d(width, width, 1), skip=nn.Identity
        ),
    )
    return nn.Sequential(Sum(picks, width), Cell(edges), *head(width, classes))


def own_tensors(choose, inputs, classes):
    width = choose.width("width", 4, 12, step=4)
    ratio = choose.value("ratio", [0.5, 1.0, 2.5])
    return nn.Sequential(nn.Conv1d(6, width, 1), Scaled(width, ratio), *head(width, classes))


def transformer(choose, inputs, classes):
    width = choose.width("width", 8, 24, step=8)
    heads = choose.value("heads", [2, 4])
    body = choose.repeat("depth", 1, 3, lambda i: Attention(width, heads))
    return nn.Sequential(
        nn.Linear(8, width),
        nn.ConstantPad2d((0, 0, 0, 2), 0.0),
        *body,
        nn.LayerNorm(width),
        nn.Flatten(),
        nn.Linear(8 * width, classes),
    )


def recurrent(choose, inputs, classes):
    width = choose.width("width", 4, 12, step=4)
    layers = choose.value("layers", [1, 2, 3])
    ways = choose.one_of("ways", one=lambda: 1, two=lambda: 2)
    kinds = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
    first = choose.one_of(
        "kind",
        **{k: partial(Recurrent, c, 6, width, layers, ways == 2) for k, c in kinds.items()},
    )
    return nn.Sequential(first, nn.Linear(ways * width, classes))


DECLARED = {
    f.__name__: declared(f)
    for f in (
        convolutions, nested, branching, inputs_of_a_node, own_tensors, transformer, recurrent,
    )
}  # fmt: skip
ALL = {**DECLARED, **READY}


def close(a, b):
    return torch.allclose(a, b, rtol=1e-5, atol=1e-5)


def gradient(layer, name):
    """The gradient of the used part of a tensor."""
    whole = getattr(layer, name)
    if whole.grad is None:
        return None
    kept = whole.data
    try:
        whole.data = whole.grad  # the part of a gradient is taken as that of a weight is
        return used(layer, name).detach().clone()
    finally:
        whole.data = kept


@pytest.mark.parametrize("name", [*map(cheap, ALL)])
def test_the_shared_network_computes_what_the_plain_one_does(name):
    check_parity(ALL[name](), 6 if name in READY else 30)


@pytest.mark.thorough
@pytest.mark.parametrize("name", READY)
def test_200_members_of_a_ready_space_compute_what_the_plain_ones_do(name):
    check_parity(ALL[name](), 200)


def check_parity(space, count):
    """Outputs and gradients of random members, activated and extracted."""
    shared = Supernet(space, seed=0).eval()
    rng = np.random.default_rng(1)
    (x,) = space.example(rng, 3)
    for _ in range(count):
        member = space.sample(rng)
        plain = shared.extract(member)
        shared.activate(member)
        shared.zero_grad()
        ours, theirs = shared(x), plain(x)
        assert close(ours, theirs)
        ours.square().sum().backward()
        theirs.square().sum().backward()
        inherited = 0.0
        for part, own in shared._layers.pairs(plain):
            for name, tensor in own.named_parameters(recurse=False):
                mine, theirs = gradient(part, name), tensor.grad
                if theirs is None:
                    assert mine is None or not mine.any()
                    continue
                assert close(mine, theirs)
                inherited += float(theirs.double().square().sum())
        grads = [p.grad.double().square().sum() for p in shared.parameters() if p.grad is not None]
        assert float(sum(grads)) == pytest.approx(inherited, rel=1e-4, abs=1e-8)  # no others


@pytest.mark.parametrize("name", ["convolutions", "branching"])
def test_training_one_member_trains_its_plain_network(name):
    """Also batch statistics, which are written in training."""
    space = ALL[name]()
    shared = Supernet(space, seed=0).train()
    rng = np.random.default_rng(2)
    member, (x,) = space.sample(rng), space.example(rng, 8)
    plain = shared.extract(member)
    shared.activate(member)
    for model in (shared, plain):
        torch.manual_seed(0)
        optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    later = shared.extract(member)
    assert len(plain.state_dict()) > 4
    for name, tensor in plain.state_dict().items():
        assert close(tensor, later.state_dict()[name]), name


def test_a_smaller_kernel_is_the_centre_or_its_learned_transform():
    def network(choose, inputs, classes):
        kernel = choose.value("kernel", [3, 5, 7])
        return nn.Sequential(nn.Conv1d(6, 4, kernel, padding=kernel // 2), *head(4, classes))

    space = Space(network, (6, 8), 3)
    small, middle = space.architecture({"kernel": 3}), space.architecture({"kernel": 5})
    cropped = Supernet(space, seed=0)
    whole = cropped.network[0].weight
    assert close(cropped.extract(small)[0].weight, whole[..., 2:5])
    shared = Supernet(space, seed=0, transform_kernels=True)
    assert close(shared.extract(small)[0].weight, cropped.extract(small)[0].weight)
    first, second = shared.transforms[0].matrices  # 7 to 5 and 5 to 3
    with torch.no_grad():
        first.add_(torch.randn_like(first))
        second.add_(torch.randn_like(second))
    five = whole[..., 1:6] @ first
    assert close(shared.extract(middle)[0].weight, five)
    assert close(shared.extract(small)[0].weight, five[..., 1:4] @ second)
    (x,) = space.example(np.random.default_rng(0))
    shared.activate(small)
    assert close(shared(x), shared.extract(small)(x))
    shared(x).sum().backward()
    assert first.grad.any() and second.grad.any()


def test_mixing_sums_the_options():
    def network(choose, inputs, classes):
        width = choose.width("width", 4, 8, step=4)
        return nn.Sequential(
            nn.Conv1d(6, width, 1),
            choose.one_of("op", conv=lambda: nn.Conv1d(width, width, 1), skip=nn.Identity),
            *head(width, classes),
        )

    space = Space(network, (6, 8), 3)
    shared = Supernet(space, seed=0).eval()
    (x,) = space.example(np.random.default_rng(0))
    shared.activate(space.architecture({"width": 4, "op": "skip"}))
    weights = torch.tensor([0.3, 0.7], requires_grad=True)
    shared.mix({"op": weights})
    stem = shared.network[0].weight[:4]
    mixed = shared(x)
    parts = []
    for op in ("conv", "skip"):
        plain = shared.extract(space.architecture({"width": 4, "op": op})).eval()
        parts.append(plain[1](plain[0](x)))
        assert close(plain[0].weight, stem)
    shared.activate(space.architecture({"width": 4, "op": "skip"}))
    shared.mix({"op": weights})
    plain = shared.extract(space.architecture({"width": 4, "op": "skip"}))
    assert close(mixed, plain[2:](0.3 * parts[0] + 0.7 * parts[1]))
    mixed.sum().backward()
    assert weights.grad.all()
    with pytest.raises(SpaceError, match="2 weights for 'op', got a tensor of shape"):
        shared.mix({"op": torch.ones(3)})
    with pytest.raises(
        SpaceError,
        match="choices whose options are modules and on which no number depends, got 'width'",
    ):
        shared.mix({"width": torch.ones(2)})


def test_extracting_leaves_the_active_architecture():
    space = ALL["nested"]()
    shared = Supernet(space, seed=0).eval()
    rng = np.random.default_rng(3)
    (x,) = space.example(rng)
    shared.activate(space.smallest())
    before = shared(x)
    shared.extract(space.largest())
    assert shared.architecture == space.smallest() and shared(x).equal(before)


def test_a_copy_and_a_loaded_state_compute_the_same():
    space = ALL["nested"]()
    shared = Supernet(space, seed=0).eval()
    member = space.sample(np.random.default_rng(4))
    shared.activate(member)
    (x,) = space.example(np.random.default_rng(0))
    copied, other = copy.deepcopy(shared), Supernet(space, seed=1).eval()
    other.load_state_dict(shared.state_dict())
    other.activate(member)
    assert copied(x).equal(shared(x)) and other(x).equal(shared(x))
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
    assert not copied(x).any() and other(x).equal(shared(x)) and shared(x).any()
    copied.activate(space.smallest())
    assert shared.architecture == member


def test_the_weights_follow_from_the_seed_and_leave_torch_s_generator():
    space = ALL["branching"]()
    state = torch.random.get_rng_state()
    first, second = Supernet(space, seed=5), Supernet(space, seed=5)
    assert torch.random.get_rng_state().equal(state)
    assert all(a.equal(b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_member_of_another_space_is_refused():
    shared = Supernet(ALL["branching"]())
    with pytest.raises(SpaceError, match="The space 'branching' has no choice"):
        shared.activate(ALL["nested"]().smallest())


def by_value(choose, inputs, classes):
    pool = nn.MaxPool1d(2) if choose.value("down", ["max", "none"]) == "max" else nn.Identity()
    return nn.Sequential(pool, *head(6, classes))


def by_key(choose, inputs, classes):
    act = {"relu": nn.ReLU, "elu": nn.ELU}[choose.value("act", ["relu", "elu"])]
    return nn.Sequential(act(), *head(6, classes))


def by_range(choose, inputs, classes):
    layers = [nn.Conv1d(6, 6, 1) for _ in range(choose.value("depth", [1, 2, 3]))]
    return nn.Sequential(*layers, *head(6, classes))


def by_closure(choose, inputs, classes):
    width = choose.width("width", 4, 8, step=4)

    class Scale(nn.Module):
        def forward(self, x):
            return x / width

    return nn.Sequential(nn.Conv1d(6, width, 1), Scale(), *head(width, classes))


def by_kind(choose, inputs, classes):
    made = choose.one_of("odd", module=nn.Identity, number=lambda: 3)
    return nn.Sequential(*([made] if isinstance(made, nn.Module) else []), *head(6, classes))


def by_use(choose, inputs, classes):
    width = choose.width("width", 4, 8, step=4)
    return nn.Sequential(nn.LazyConv1d(width, 1), *head(width, classes))


@pytest.mark.parametrize(
    ("network", "parts"),
    [
        (by_use, ["has a LazyConv1d", "give it its sizes"]),
        (by_value, ["(down == 'max')", "the choice 'down'", "choose.one_of"]),
        (by_key, ["`act` depends on the choice 'act'", "as a key", "choose.one_of"]),
        (by_range, ["because of the choice 'depth'", "the plain network has", "choose.repeat"]),
        (by_closure, ["because of the choice 'width'", "differ", "closure"]),
        (by_kind, ["The options of the choice 'odd'", "'number': int"]),
    ],
)
def test_what_cannot_be_shared_is_refused_by_name(network, parts):
    space = Space(network, (6, 8), 3)
    with pytest.raises(SpaceError) as refusal:
        Supernet(space)
    for part in parts:
        assert part in str(refusal.value)


def test_elastic_numbers_know_all_their_values():
    a, b = elastic(chosen("a", (2, 4, 6))), elastic(chosen("b", (1, 3)))
    assert isinstance(a, int) and int(a) == 6
    assert sorted((2 * a + b).expression.possible) == [5, 7, 9, 11, 13, 15]
    assert sorted((a * b - a).expression.possible) == [0, 4, 8, 12]  # a is answered once
    assert round(a * 1.5).expression.of({"a": 4}) == 6
    assert math.ceil(a / b).expression.of({"a": 4, "b": 3}) == 2
    assert (a // a, a % 2, a > b - 3, a == a, a != a) == (1, 0, True, True, False)
    assert sum([a, b, a]).expression.of({"a": 4, "b": 1}) == 9
    assert (-a).expression.of({"a": 4}) == -4 and (9 - a).expression.of({"a": 4}) == 5
    both = (a == 4) & (b == 1)
    assert [both.expression.of({"a": 4, "b": n}) for n in (1, 3)] == [True, False]
    with pytest.raises(SpaceError, match=r"`\(a == 4\)` depends on the choice 'a'"):
        bool(a == 4)
    with pytest.raises(SpaceError, match="used as a key"):
        hash(a)


def test_many_choices_in_one_number_take_no_time():
    total = sum(elastic(chosen(f"w{i}", tuple(range(8, 136, 8)))) for i in range(30))
    assert int(total) == 30 * 128 and total > 0
    assert total.expression.of({f"w{i}": 8 for i in range(30)}) == 240


MIXABLE = sorted(set(READY) - {"nats_size", "audio"})  # widths alone; features sized by choices


def test_features_whose_size_is_a_choice_cannot_be_mixed():
    shared = Supernet(ALL["audio"]())
    weights = {name: torch.full((count,), 1 / count) for name, count in shared.mixable.items()}
    with pytest.raises(SpaceError, match="only a plain network tells the size of its Mel"):
        shared.mix(weights)


@pytest.mark.parametrize("name", [*map(cheap, MIXABLE)])
def test_a_mixture_with_all_weight_on_an_architecture_is_that_architecture(name):
    space = READY[name]()
    shared = Supernet(space, seed=0).eval()
    rng = np.random.default_rng(1)
    for _ in range(2):
        member, (x,) = space.sample(rng), space.example(rng)
        shared.activate(member)
        alone = shared(x)
        weights, running = {}, {}
        for choice, size in shared.mixable.items():
            if choice in member.answers:
                options = space.choices[choice].options
                inputs = space.choices[choice].kind == "inputs"
                running[choice] = member[choice] if inputs else [options.index(member[choice])]
                weights[choice] = torch.zeros(size).index_fill(0, torch.tensor(running[choice]), 1)
        shared.mix(weights, member.answers)
        assert torch.equal(shared(x), alone)
        shared.mix(weights, member.answers, running=running)
        assert torch.equal(shared(x), alone)


def test_mixing_depths_and_inputs():
    def network(choose, inputs, classes):
        def step(i):
            return nn.Conv1d(6, 6, 1)

        edges = choose.inputs("reads", 3, 2, 2, edge=lambda i: nn.Conv1d(6, 6, 1))
        return nn.Sequential(choose.repeat("depth", 1, 3, step), Cell(edges), *head(6, classes))

    space = Space(network, (6, 8), 3)
    shared = Supernet(space, seed=0).eval()
    assert shared.mixable == {"depth": 3, "reads": 3}
    (x,) = space.example(np.random.default_rng(0))
    depths, reads = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.1, 0.6, 0.3])
    shared.mix({"depth": depths, "reads": reads})
    steps, cell = shared.network[0], shared.network[1]
    h = steps[0](x)
    h = 0.2 * h + 0.8 * steps[1].ways[1](h)
    h = 0.7 * h + 0.3 * steps[2].ways[1](h)
    edges = zip(reads, cell.edges.edges, [h, 2 * h, h.relu()], strict=True)
    assert close(shared(x), shared.network[2:](sum(w * edge(t) for w, edge, t in edges)))
    assert shared.edges("reads") == [None] * 3


def test_numbers_and_what_a_number_depends_on_cannot_be_mixed():
    def network(choose, inputs, classes):
        depth = choose.value("depth", [1, 2])
        op = choose.one_of("op", conv=lambda: nn.Conv1d(6, 6, 1), skip=nn.Identity)
        return nn.Sequential(op, nn.Conv1d(6, 8 * depth, 1), *head(8 * depth, classes))

    shared = Supernet(Space(network, (6, 8), 3), seed=0)
    assert shared.mixable == {"op": 2}
    with pytest.raises(SpaceError, match="on which no number depends, got 'depth'"):
        shared.mix({"depth": torch.ones(2)})
