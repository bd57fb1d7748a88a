import cloudpickle
import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.conversion import inherit
from netwright.drawing import draw
from netwright.errors import LimitError, SettingError, SpaceError
from netwright.space import Space, adopted, frozen, joined, restricted, shrunk, widened
from netwright.supernet import Supernet
from netwright.testing.spaces import READY


def deep(width, inner):
    return nn.Sequential(nn.Linear(width, inner), nn.Linear(inner, width))


def network(choose, inputs, classes):
    width = choose.width("width", 4, 16, step=4)
    act = choose.one_of("act", relu=lambda: nn.ReLU, tanh=lambda: nn.Tanh, gelu=lambda: nn.GELU)
    body = choose.repeat(
        "depth",
        1,
        4,
        lambda i: choose.one_of(
            f"block{i}",
            linear=lambda: nn.Linear(width, width),
            deep=lambda: deep(width, choose.width(f"inner{i}", 2, 6, step=2)),
            skip=nn.Identity,
        ),
    )
    dropout = choose.value("dropout", [0.0, 0.2])
    return nn.Sequential(
        nn.Linear(inputs[0], width), body, act(), nn.Dropout(dropout), nn.Linear(width, classes)
    )


@pytest.fixture(scope="module")
def space() -> Space:
    return Space(network, 5, 3, recipe=lambda choose: {"lr": choose.value("lr", [0.1, 0.2])})


def keeps(options):
    return lambda a: all(a.answers[n] in o for n, o in options.items() if n in a.answers)


@pytest.mark.parametrize(
    "options",
    [
        {"width": [8, 12]},
        {"act": ["tanh"], "dropout": [0.2]},
        {"depth": [1, 2]},
        {"block0": ["deep"], "inner0": (4, 6)},
        {"depth": [4], "block3": ["linear", "deep"], "width": [8]},
        {"lr": [0.2]},
    ],
)
def test_a_restricted_space_has_the_members_that_keep_it(space, options):
    made = restricted(space, options)
    assert made.digest != space.digest
    wanted = {a for a in space.enumerate() if keeps(options)(a)}
    found = list(made.enumerate())
    assert len(found) == len(set(found)) == made.count()
    assert {space.architecture(a.answers) for a in found} >= wanted
    for name in options:
        assert made.choices[name].options == tuple(
            o for o in space.choices[name].options if o in options[name]
        )
    rng = np.random.default_rng(0)
    member = made.sample(rng)
    x = torch.randn(2, 5)
    assert made.build(member, seed=0).eval()(x).equal(space.build(member, seed=0).eval()(x))
    assert made.recipe(member) == space.recipe(member)
    child = made.mutate(member, rng)
    assert made.contains(child) and keeps(options)(child)


def test_a_depth_that_is_left_out_is_not_asked(space):
    made = restricted(space, {"depth": [1, 3]})
    assert {a["depth"] for a in made.enumerate()} == {1, 3}
    assert len({*made.enumerate()}) == made.count()
    shared = Supernet(made, seed=0)
    member = made.sample(np.random.default_rng(1))
    shared.activate(member)
    x = torch.randn(2, 5)
    assert torch.allclose(shared.eval()(x), shared.extract(member)(x), atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "nasbench201",
        "darts",
        pytest.param("enas_micro", marks=pytest.mark.thorough),
        "resnet",
        "vit",
        "convnet",
    ],
)
def test_ready_spaces_can_be_frozen(name):
    space = READY[name]()
    rng = np.random.default_rng(0)
    member = space.sample(rng)
    some = dict(list(member.answers.items())[::3])
    made = frozen(space, some)
    for _ in range(5):
        drawn = made.sample(rng)
        assert space.contains(drawn)
        assert all(drawn.answers.get(n, answer) == answer for n, answer in some.items())
    assert adopted(made, member) == member
    shared = Supernet(made, seed=0).eval()
    shared.activate(drawn)
    (x,) = made.example(rng)
    with torch.no_grad():
        assert torch.allclose(shared(x), shared.extract(drawn)(x), atol=1e-4)
    sent = cloudpickle.loads(cloudpickle.dumps(made))
    assert sent.digest == made.digest and sent.contains(drawn)


def test_rules_between_choices_hold_in_a_restricted_space(tmp_path):
    space = READY["nasbench101"]()
    made = restricted(space, {"operation1": ["conv1x1-bn-relu"]})
    rng = np.random.default_rng(0)
    for _ in range(20):
        member = made.sample(rng)
        assert space.contains(member) and member["operation1"] == "conv1x1-bn-relu"
        assert made.contains(made.mutate(member, rng))
    with pytest.raises(SpaceError, match=r"cannot be counted: rules .*`Space\(members=...\)`"):
        made.count()
    assert made.size() is None
    draw(made, path=tmp_path / "space.svg")
    assert "uncounted members" in (tmp_path / "space.svg").read_text()


def test_a_widened_space_holds_the_old_members(space):
    made = widened(space, {"width": [6, 24], "dropout": [0.1], "depth": [5]})
    assert made.choices["width"].options == (4, 6, 8, 12, 16, 24)
    assert made.choices["dropout"].options == (0.0, 0.1, 0.2)
    assert "block4" in made.choices and made.count() > space.count()
    rng = np.random.default_rng(0)
    assert all(made.contains(space.sample(rng)) for _ in range(20))
    member = made.completed({"width": 24, "depth": 5, "block4": "linear"})
    assert made.build(member)[0].out_features == 24
    assert not space.contains(member) and adopted(space, member) is None


def test_joined_spaces(space):
    other = Space(
        lambda choose, i, c: nn.Sequential(
            nn.Linear(i[0], w := choose.width("width", 2, 6, step=2)), nn.Linear(w, c)
        ),
        5,
        3,
        name="small",
    )
    ruled = Space(
        network, 5, 3, name="ruled", normal_form=lambda a: a if a["act"] == "relu" else None
    )
    made = joined([space, other, ruled])
    assert made.count() == space.count() + other.count() + ruled.count()
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(30):
        member = made.sample(rng)
        kinds.add(member["space"])
        assert made.build(member)(torch.randn(2, 5)).shape == (2, 3)
        assert made.contains(made.mutate(member, rng))
        assert ("lr" in made.recipe(member)) == (member["space"] == "network")
        assert member["space"] != "ruled" or member["ruled.act"] == "relu"
    assert kinds == {"network", "small", "ruled"}
    old = space.sample(rng)
    member = adopted(made, old)
    assert member is not None
    assert member["space"] == "network" and member["network.width"] == old["width"]
    x = torch.randn(2, 5)
    pair = (made.build(member, seed=0).eval(), space.build(old, seed=0).eval())
    assert pair[0](x).equal(pair[1](x))
    two = joined([space, other])
    assert len({*two.enumerate()}) == two.count() == space.count() + other.count()


def test_options_that_lose_are_dropped(space):
    rng = np.random.default_rng(0)

    def score(a):
        worth = {"relu": 0.9, "gelu": 0.9, "tanh": 0.8}[a["act"]]
        return worth - 0.1 * (a["width"] == 4) + 0.02 * rng.standard_normal()

    drawn = {space.sample(rng) for _ in range(120)}
    scored = [(a, score(a)) for a in drawn]
    made = shrunk(space, scored)
    assert {(d.choice, d.option) for d in made.dropped} >= {("act", "tanh"), ("width", 4)}
    assert made.choices["act"].options == ("relu", "gelu")
    assert made.choices["width"].options == (8, 12, 16)
    assert made.choices["dropout"].options == (0.0, 0.2)
    best = max(scored, key=lambda each: each[1])[0]
    assert made.contains(best)
    kept = [a for a, _ in scored if adopted(made, a)]
    assert len(kept) == sum(a["act"] != "tanh" and a["width"] != 4 for a in drawn)
    lost = next(d for d in made.dropped if d.option == "tanh")
    assert lost.median < lost.others and lost.p_value < 0.05 and lost.trials >= 8


def test_few_or_equal_trials_drop_nothing(space):
    rng = np.random.default_rng(1)
    few = [(space.sample(rng), float(i)) for i in range(8)]
    assert shrunk(space, few).dropped == () and shrunk(space, []).dropped == ()
    noise = [(space.sample(rng), rng.standard_normal()) for _ in range(200)]
    assert shrunk(space, noise).dropped == ()
    broken = [(a, float("nan")) for a, _ in noise]
    assert shrunk(space, broken).dropped == ()


def test_numbers_are_dropped_from_the_ends(space):
    rng = np.random.default_rng(2)
    scored = [(a, -abs(a["width"] - 12) - (a["width"] == 8) * 9.0)
              for a in (space.sample(rng) for _ in range(200))]  # fmt: skip
    assert shrunk(space, scored).choices["width"].options in ((12,), (12, 16), (8, 12))
    assert 12 in shrunk(space, scored).choices["width"].options


def test_a_converted_model_can_be_restricted():
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    space = nw.convert(model, torch.zeros(1, 6))
    name = next(n for n in space.choices if n.endswith("width"))
    made = restricted(space, {name: [4, 8]})
    assert made.kept == space.kept
    x = torch.randn(4, 6)
    assert torch.allclose(made.build(made.largest()).eval()(x), model.eval()(x), atol=1e-6)
    parent = made.smallest()
    child = made.completed({**parent.answers, name: 8})
    grown = inherit(made, parent, made.build(parent), child)
    assert grown[0].out_features == 8


@pytest.mark.parametrize(
    ("call", "error", "part"),
    [
        (lambda s: restricted(s, {"widht": [4]}), SpaceError, "did you mean 'width'"),
        (
            lambda s: restricted(s, {"width": [5]}),
            SpaceError,
            r"leave some of \(4, 8, 12, 16\), got",
        ),
        (lambda s: restricted(s, {"width": []}), SpaceError, r"leave some of .* got \[\]"),
        (lambda s: widened(s, {"act": ["elu"]}), SpaceError, "add them to the declaration"),
        (lambda s: widened(s, {"width": [0]}), SpaceError, "options of a width, got 0"),
        (lambda s: widened(s, {"depth": [2.5]}), SpaceError, "options of a repeat, got 2.5"),
        (lambda s: shrunk(s, [], least=1), SettingError, "at least 2 trials"),
        (lambda s: shrunk(s, [], level=2), SettingError, "level between 0 and 1"),
        (lambda s: restricted(s, ["width"]), SettingError, "must be a mapping of choices"),
        (lambda s: shrunk(s, [1, 2]), SettingError, "pairs of an architecture and a score"),
        (lambda s: joined([s, 3]), SettingError, "must be given spaces, got"),
        (lambda s: joined([s]), SettingError, "at least two"),
        (lambda s: joined([s, s]), SettingError, "of different names"),
        (lambda s: joined([s, READY["mlp"]()]), SettingError, "same inputs"),
        (lambda s: widened(READY["nasbench101"](), {"edge01": [2]}), SpaceError, "widen its decl"),
    ],
)
def test_what_cannot_be_reshaped_is_refused(space, call, error, part):
    with pytest.raises(error, match=part):
        call(space)


@pytest.mark.parametrize("call", ["mutate", "cross", "neighbours", "encode"])
def test_members_of_other_spaces_are_refused(space, call):
    rng = np.random.default_rng(0)
    other = READY["nasbench201"]().sample(rng)
    given = {
        "mutate": (other, rng),
        "cross": (space.sample(rng), other, rng),
        "neighbours": (other,),
        "encode": ([other],),
    }[call]
    with pytest.raises(SpaceError, match=r"must be given a member of 'network', .* 'edge01'"):
        getattr(space, call)(*given)


def test_a_generator_is_asked_for(space):
    with pytest.raises(SettingError, match=r"must be given a generator, got 7; write `numpy"):
        space.sample(7)


# -- limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["convnet", "mlp", "resnet", "language_model"])
def test_draws_keep_limits(name):
    space = READY[name]()
    rng = np.random.default_rng(0)
    found = sorted(space.survey(space.sample(rng)).params for _ in range(30))
    least = space.survey(space.smallest()).params
    limits = {"params": max(found[3], 1.2 * least), "macs": 1e12}
    parent = space.sample(rng, limits)
    other = space.sample(rng, limits)
    drawn = [parent, other, space.cross(parent, other, rng, limits)]
    for _ in range(6):
        drawn.append(space.mutate(drawn[-1], rng, limits))
        assert drawn[-1] != drawn[-2]
    assert all(space.survey(a).params <= limits["params"] for a in drawn)


def test_a_limit_that_few_keep_is_kept(space):
    limit = 39  # the least: width 4 and no layer more
    rng = np.random.default_rng(0)
    share = np.mean([space.survey(space.sample(rng)).params <= limit for _ in range(300)])
    assert share < 0.06
    assert space.survey(space.sample(rng, {"params": limit})).params <= limit


def test_limits_of_a_predictor(space):
    limited = space.limited(
        {"latency_ms": 0.5},
        predict={"latency_ms": lambda many: [a["width"] / 20 for a in many]},
    )
    rng = np.random.default_rng(0)
    drawn = [limited.sample(rng) for _ in range(20)]
    assert {a["width"] for a in drawn} == {4, 8}
    assert all(a["width"] <= 8 for a in limited.pool(rng, 30, drawn))


def test_limits_that_cannot_be_kept_are_refused(space):
    rng = np.random.default_rng(0)
    with pytest.raises(LimitError, match=r"params <= 10 cannot be met: the least .* is 39"):
        space.sample(rng, {"params": 10})
    opposed = space.limited(
        {"a": 0.5, "b": 0.5},
        predict={
            "a": lambda many: [m["width"] / 16 for m in many],
            "b": lambda many: [(20 - m["width"]) / 16 for m in many],
        },
    )
    with pytest.raises(LimitError, match="keeps all limits: the nearest of those drawn"):
        opposed.sample(rng)
    with pytest.raises(SettingError, match=r"must be one of params, .* `nw.search\(limits=...\)`"):
        space.sample(rng, {"latency_ms": 1.0})
    with pytest.raises(SettingError, match="finite number above 0, got -1"):
        space.mutate(space.smallest(), rng, {"params": -1})
    with pytest.raises(SettingError, match=r"must be a mapping such as .* got 'params'"):
        space.sample(rng, "params")
    short = space.limited({"x": 1.0}, predict={"x": lambda many: [0.5]})
    with pytest.raises(SettingError, match=r"one value for each of \d+ architectures, got shape"):
        short.pool(rng, 5)
    with pytest.raises(SettingError, match="got Limit"):
        space.sample(rng, {"params": nw.at_most("params", 5)})
