"""Well-known networks of a space: members at every size, also of spaces made from it."""

from dataclasses import replace

import pytest
from torch import nn

import netwright as nw
from netwright.errors import SettingError, SpaceError
from netwright.space import Design
from netwright.space.designs import in_long, members_of, sized


def network(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
    first = choose.width("first", 4, 16, step=4)
    second = choose.width("second", 4, 16, step=4)
    act = choose.one_of("act", relu=nn.ReLU, tanh=nn.Tanh)
    last = [nn.Linear(first, second), nn.Linear(second, outputs)]
    return nn.Sequential(nn.Linear(inputs[0], first), act, *last)


PLAIN = Design("plain", {"act": "tanh"}, {"first": 1, "second": 2}, usual=5)


@pytest.fixture(scope="module")
def space() -> nw.Space:
    return nw.Space(network, (3,), 2, designs=[PLAIN])


def answers(space: nw.Space, *, bounded: bool) -> list[tuple[object, ...]]:
    found = members_of(space.members, space.designs[0], bounded=bounded)
    return [tuple(each[name] for name in ("first", "second", "act")) for each in found]


def test_each_width_is_the_largest_option_within_its_share(space: nw.Space) -> None:
    assert answers(space, bounded=True) == [
        (16, 16, "tanh"),
        (12, 16, "tanh"),
        (8, 16, "tanh"),
        (4, 12, "tanh"),  # of a size of 6
        (4, 8, "tanh"),
        (4, 4, "tanh"),
    ]


def test_nothing_is_larger_than_usual_where_nothing_bounds_it(space: nw.Space) -> None:
    assert answers(space, bounded=False)[0] == (4, 8, "tanh")


def test_where_only_time_bounds_it_the_largest_is_the_most() -> None:
    roomy = nw.Space(network, (3,), 2, designs=[Design("r", {}, {"first": 1}, usual=4, most=12)])

    def widths(**given: bool) -> list[object]:
        found = members_of(roomy.members, roomy.designs[0], bounded=False, **given)
        return [each["first"] for each in found]

    assert widths() == [4] and widths(timed=True) == [12, 8, 4]


def test_a_space_made_from_another_has_the_designs_that_are_left(space: nw.Space) -> None:
    narrow = nw.space.restricted(space, {"first": [4, 8]})
    assert answers(narrow, bounded=True)[0] == (8, 16, "tanh")
    assert nw.space.restricted(space, {"act": ["relu"]}).designs == ()
    assert nw.space.ensembled(space, 2).designs == (PLAIN,)
    assert space.limited({"params": 100}).designs == (PLAIN,)


def test_a_design_with_a_choice_that_is_left_out_is_none_of_the_space_made() -> None:
    def asked(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
        def deep() -> nn.Module:
            width = choose.width("hidden", 4, 8, step=4)
            last = [nn.ReLU(), nn.Linear(width, outputs)]
            return nn.Sequential(nn.Linear(inputs[0], width), *last)

        return choose.one_of("depth", shallow=lambda: nn.Linear(inputs[0], outputs), deep=deep)

    linear, hidden = Design("linear", {"depth": "shallow"}), Design("mlp", {"depth": "deep"})
    space = nw.Space(asked, (3,), 2, designs=[linear, hidden])
    assert nw.space.restricted(space, {"depth": ["shallow"]}).designs == (linear,)


@pytest.mark.parametrize(
    ("design", "said"),
    [
        (Design("d", {"actt": "relu"}), "'actt', which is no choice"),
        (Design("d", {"act": "gelu"}), r"'act' by 'gelu', which is none of \('relu', 'tanh'\)"),
        (Design("d", {}, {"act": 1}), "scales 'act', which is no number"),
    ],
)
def test_a_design_that_is_no_member_is_refused(design: Design, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        nw.Space(network, (3,), 2, designs=[design])


@pytest.mark.parametrize(
    "wrong", [{"usual": 0.0}, {"most": 0.0}, {"scaled": {"first": -1}}, {"usual": "x"}]
)
def test_sizes_are_above_0(wrong: dict) -> None:
    with pytest.raises(SettingError, match="must be above 0"):
        Design("d", {}, **wrong)


@pytest.mark.parametrize("given", [(None,), ({}, None)])
def test_answers_and_shares_are_mappings(given: tuple) -> None:
    with pytest.raises(SettingError, match="must be a mapping from choices, got None"):
        Design("d", *given)


@pytest.mark.parametrize("wrong", ["abc", PLAIN, [1]])
def test_designs_are_a_list_of_them(wrong: object) -> None:
    with pytest.raises(SettingError, match="must be a list of `Design`"):
        nw.Space(network, (3,), 2, designs=wrong)


def test_no_two_designs_have_one_name() -> None:
    with pytest.raises(SettingError, match="got 'plain' twice"):
        nw.Space(network, (3,), 2, designs=[PLAIN, PLAIN])


@pytest.mark.parametrize("share", [0.7, 1.4, 1.9, 3.0])
def test_no_size_is_lost_by_rounding(share: float) -> None:
    space = nw.Space(network, (3,), 2, designs=[Design("d", {}, {"first": share}, usual=1)])
    assert [first for first, *_ in answers(space, bounded=True)] == [16, 12, 8, 4]


def test_a_size_that_a_rule_forbids_is_left_out() -> None:
    def narrow(given: dict) -> dict | None:
        return None if given["act"] == "tanh" and given["first"] > 8 else given

    space = nw.Space(network, (3,), 2, designs=[PLAIN], normal_form=narrow, members=24)
    assert [first for first, *_ in answers(space, bounded=True)] == [8, 4, 4, 4]


SPACES = {
    "audio": lambda: nw.spaces.audio((2, 4000), 3, rate=8000),
    "conv1d": lambda: nw.spaces.conv1d((1, 64), 3),
    "conv1d of one stage": lambda: nw.spaces.conv1d((1, 64), 3, width=3, stages=1, most_depth=1),
    "conv1d masked": lambda: nw.spaces.conv1d((2, 64), 3, masked=True),
    "convnet": lambda: nw.spaces.convnet((1, 14, 14), 3),
    "convnet of photographs": lambda: nw.spaces.convnet((3, 96, 130), 3),
    "language_model": lambda: nw.spaces.language_model(16, 50),
    "language_model, one size": lambda: nw.spaces.language_model(
        16, 50, widths=(96, 96, 1), depths=(2, 2), heads=(3, 3)
    ),
    "mlp": lambda: nw.spaces.mlp((2, 5), 3),
    "tabular": lambda: nw.spaces.tabular((12,), 3, numbers=5),
    "tabular of words": lambda: nw.spaces.tabular((12,), 3, numbers=0),
    "text": lambda: nw.spaces.text((40,), 3),
    "text of tokens": lambda: nw.spaces.text((40,), 3, tokens=99, most_width=3, most_depth=1),
}


@pytest.mark.parametrize("name", SPACES)
def test_designs_of_ready_spaces_are_as_many_networks_as_names(name: str) -> None:
    space = SPACES[name]()
    assert space.designs
    assert len({design.name for design in space.designs}) == len(space.designs)
    usual = {members_of(space.members, d, bounded=False)[0] for d in space.designs}
    assert len(usual) == len(space.designs)
    for design in space.designs:
        sizes = members_of(space.members, design, bounded=True)
        params = [space.survey(each).params for each in sizes]
        assert all(space.contains(each) for each in sizes)
        assert params == sorted(params, reverse=True)


def test_a_design_is_the_same_whatever_it_is_trained_with() -> None:
    space = nw.spaces.tabular((6,), 2)
    other = nw.space.frozen(space, {"learning_rate": 0.01, "weight_decay": 0.1})
    assert [d.name for d in other.designs] == [d.name for d in space.designs]
    mlp = members_of(other.members, other.designs[0], bounded=False)[0]
    assert mlp["learning_rate"] == 0.01 and mlp["depth"] == 2
    left = nw.space.frozen(space, {"learning_rate": 0.01, "layer": "residual"}).designs
    assert [d.name for d in left] == ["resnet"]


def test_joined_spaces_have_the_designs_of_their_parts(space: nw.Space) -> None:
    other = nw.Space(network, (3,), 2, name="other", designs=[PLAIN, Design("small", {})])
    made = nw.space.joined([space, other])
    names = [design.name for design in made.designs]
    assert names == [f"plain of {space.name}", "plain of other", "small"]
    for design, part in zip(made.designs, (space, other, other), strict=True):
        own = next(d for d in part.designs if design.name.startswith(d.name))
        for bounded in (True, False):
            found = members_of(made.members, design, bounded=bounded)
            alone = members_of(part.members, own, bounded=bounded)
            assert all(each["space"] == part.name for each in found)
            assert [
                {name: each[f"{part.name}.{name}"] for name in ("first", "second", "act")}
                for each in found
            ] == [dict(each.answers) for each in alone]


def test_joined_spaces_have_the_portfolios_of_their_parts(space: nw.Space) -> None:
    tried = Design("1", {"act": "tanh"}, {"first": 4})
    part = nw.Space(network, (3,), 2, name="part", portfolio=[tried])
    other = nw.Space(network, (3,), 2, name="other", portfolio=[tried])
    made = nw.space.joined([part, other])
    assert [each.name for each in made.portfolio] == ["1 of part", "1 of other"]
    for each, name in zip(made.portfolio, ("part", "other"), strict=True):
        (member, *_) = members_of(made.members, each, bounded=False)
        assert (member["space"], member[f"{name}.act"]) == (name, "tanh")


def test_joined_spaces_within_joined_spaces_keep_them_too(space: nw.Space) -> None:
    other = nw.Space(network, (3,), 2, name="other", designs=[Design("small", {})])
    inner = nw.space.joined([space, other], name="inner")
    made = nw.space.joined([inner, nw.Space(network, (3,), 2, name="third")])
    assert [design.name for design in made.designs] == ["plain", "small"]
    for design, part in zip(made.designs, (space, other), strict=True):
        (member, *_) = members_of(made.members, design, bounded=False)
        assert member["space"] == "inner" and member["inner.space"] == part.name


def elsewhere(name: str, answers: dict, **scaled: float) -> Design:
    return Design(name, answers, scaled)


def test_a_portfolio_is_as_near_as_the_space_has_it() -> None:
    given = elsewhere("1", {"act": "gelu", "rate": 0.04, "stage9": "blocks"}, first=6, ninth=2)

    def asked(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
        width = choose.width("first", 2, 12, step=2)
        act = choose.one_of("act", relu=nn.ReLU, tanh=nn.Tanh)
        choose.value("rate", [0.01, 0.03, 0.1])
        return nn.Sequential(nn.Linear(3, width), act, nn.Linear(width, outputs))

    (near,) = nw.Space(asked, (3,), 2, portfolio=[given]).portfolio
    assert near.answers == {"act": "relu", "rate": 0.03}  # of names the first
    assert near.scaled == {"first": 6}


def test_what_is_one_network_in_a_space_is_once_in_its_portfolio() -> None:
    same = [elsewhere("1", {"act": "gelu"}, first=4), elsewhere("2", {"act": "relu"}, first=5)]
    other = elsewhere("3", {"act": "tanh"}, first=4)
    space = nw.Space(network, (3,), 2, portfolio=[*same, other])
    assert [each.name for each in space.portfolio] == ["1", "3"]


def test_what_a_rule_forbids_is_not_in_a_portfolio() -> None:
    def narrow(answers: dict) -> dict | None:
        return None if answers["act"] == "tanh" else answers

    given = [elsewhere("1", {"act": "tanh"}, first=4), elsewhere("2", {"act": "relu"}, first=4)]
    space = nw.Space(network, (3,), 2, portfolio=given, normal_form=narrow, members=12)
    assert [each.name for each in space.portfolio] == ["2"]


def test_a_space_made_from_another_has_its_portfolio() -> None:
    given = [elsewhere("1", {"act": "tanh"}, first=4), elsewhere("2", {"act": "relu"}, first=8)]
    space = nw.Space(network, (3,), 2, portfolio=given)
    assert nw.space.ensembled(space, 2).portfolio == space.portfolio
    assert space.limited({"params": 100}).portfolio == space.portfolio
    (left, second) = nw.space.restricted(space, {"act": ["relu"]}).portfolio
    assert (left.answers, left.scaled) == ({"act": "relu"}, {"first": 4})
    assert second.name == "2"


@pytest.mark.parametrize("wrong", [None, "mine", [1], [PLAIN, 2]])
def test_a_portfolio_is_a_list_of_designs(wrong: object) -> None:
    with pytest.raises(SettingError, match=r"`Space\(portfolio=...\)` must be a list of `Design`"):
        nw.Space(network, (3,), 2, portfolio=wrong)


def test_no_two_of_a_portfolio_have_one_name() -> None:
    with pytest.raises(SettingError, match=r"`Space\(portfolio=...\)` must have different names"):
        nw.Space(network, (3,), 2, portfolio=[PLAIN, PLAIN])


def late_space(long: dict) -> nw.Space:
    def recipe(choose: nw.Choose) -> dict[str, object]:
        return {
            "way": choose.value("way", ["none", "shifted", "mixed"], late=True),
            "rate": choose.value("rate", [1, 2]),
        }

    def network(choose: nw.Choose, inputs: tuple[int, ...], outputs: int) -> nn.Module:
        return nn.Linear(4, outputs) if choose.value("bias", [True]) else nn.Identity()

    design = Design("plain", {"rate": 2}, long=long)
    return nw.Space(network, (4,), 2, recipe=recipe, designs=[design])


def test_a_design_has_other_late_answers_in_a_long_training() -> None:
    space = late_space({"way": "mixed"})
    (design,) = space.designs
    usual = sized(space.members, design, 1.0)
    assert dict(usual.answers) == {"bias": True, "way": "none", "rate": 2}
    long = in_long(space.members, design, usual)
    assert dict(long.answers) == {"bias": True, "way": "mixed", "rate": 2}
    assert in_long(space.members, replace(design, long={}), usual) == usual


@pytest.mark.parametrize(
    ("long", "said"),
    [({"rate": 1}, "'rate' in long trainings, which is no late choice"),
     ({"way": "folded"}, "'way' by 'folded', which is none of"),
     ({"ways": "mixed"}, "answers 'ways', which is no choice")],
)  # fmt: skip
def test_what_is_for_long_trainings_is_a_late_answer(long, said) -> None:
    with pytest.raises(SpaceError, match=said):
        late_space(long)
