"""The portfolios of the default spaces: members, also where a space has other options."""

import json

import pytest

import netwright as nw
from netwright import spaces
from netwright.space.designs import members_of, sized
from netwright.spaces.portfolio import TABLE, portfolio_of, prior_of

SPACES = {
    "convnet": lambda: spaces.convnet((3, 16, 16), 10),
    "tabular": lambda: spaces.tabular(16, 10),
    "conv1d": lambda: spaces.conv1d((1, 128), 10),
}
OTHERS = {
    "small pictures": lambda: spaces.convnet((1, 8, 8), 2),
    "photographs": lambda: spaces.convnet((3, 96, 130), 3),
    "words alone": lambda: spaces.tabular((12,), 3, numbers=0),
    "masked": lambda: spaces.conv1d((2, 64), 3, masked=True),
    "one stage": lambda: spaces.conv1d((1, 64), 3, width=3, stages=1, most_depth=1),
}


def table(name: str) -> dict:
    found: dict = json.loads(TABLE.read_text(encoding="utf-8"))[name]
    return found


def usual(space: nw.Space) -> list[nw.Architecture]:
    return [sized(space.members, each, each.usual) for each in space.portfolio]


def test_the_table_has_those_spaces_alone() -> None:
    assert json.loads(TABLE.read_text(encoding="utf-8")).keys() == SPACES.keys()


@pytest.mark.parametrize("name", SPACES)
def test_each_of_the_table_is_a_member_of_its_own(name: str) -> None:
    space = SPACES[name]()
    entries, members = table(name)["portfolio"], usual(space)
    assert 8 <= len(entries) <= 16
    assert len(set(members)) == len(members) == len(entries)  # none is left out or there twice
    for member, entry in zip(members, entries, strict=True):
        widths = {width: member[width] for width in entry["scaled"]}
        assert widths == entry["scaled"]
        assert all(member[choice] == answer for choice, answer in entry["answers"].items())
    designs = {sized(space.members, each, each.usual) for each in space.designs}
    assert not designs & set(members)


@pytest.mark.parametrize("name", OTHERS)
def test_in_other_spaces_they_are_the_nearest_members(name: str) -> None:
    space = OTHERS[name]()
    members = usual(space)
    assert len(members) >= 4
    assert all(space.contains(member) for member in members)
    assert len(set(members)) == len(members)


def test_what_depends_on_the_size_of_pictures_follows_it() -> None:
    small, large = SPACES["convnet"](), OTHERS["photographs"]()
    places = [entry["places"]["cutout"] for entry in table("convnet")["portfolio"]]
    assert {0, 1} >= set(places)
    for space in (small, large):
        options = space.choices["cutout"].options
        names = {f"portfolio {i}": options[place] for i, place in enumerate(places, 1)}
        assert all(each.answers["cutout"] == names[each.name] for each in space.portfolio)
    assert {member["augmentation"] for member in usual(large)} == {"moved"}
    assert not any("augmentation" in each.answers for each in (*small.portfolio, *large.portfolio))


def test_another_space_has_none() -> None:
    assert portfolio_of("mlp") == [] and prior_of("mlp") == {}
    assert spaces.mlp((4,), 2).portfolio == () and spaces.mlp((4,), 2).prior == {}


@pytest.mark.parametrize("name", SPACES)
def test_what_options_add_is_known_of_all_that_are_searched(name: str) -> None:
    space = SPACES[name]()
    asked = {
        choice.name: set(choice.options)
        for choice in space.choices.values()
        if len(choice.options) > 1 and not choice.late
    }
    assert {choice: set(adds) for choice, adds in space.prior.items()} == asked
    assert all(abs(added) < 1 for adds in space.prior.values() for added in adds.values())
    assert any(added for adds in space.prior.values() for added in adds.values())


def test_what_sizes_of_cutout_add_follows_the_size_of_pictures() -> None:
    small, large = SPACES["convnet"](), OTHERS["photographs"]()
    for space in (small, large):
        assert [*space.prior["cutout"]] == [*space.choices["cutout"].options]
    assert [*small.prior["cutout"].values()] == [*large.prior["cutout"].values()]


def test_each_is_smaller_where_the_limits_are(tmp_path) -> None:
    space = SPACES["tabular"]()
    run = nw.search(
        space, nw.Function(lambda model, epochs: {"accuracy": 0.5}), trials=20, workers=0,
        designs=False, limits={"params": 30_000}, rehearse=False, export=False, strategy="random",
        store=tmp_path / "runs.db",
    )  # fmt: skip
    first = sorted(run.record.history, key=lambda trial: trial.number)[:10]
    assert all(trial.metrics["params"] <= 30_000 for trial in first)
    tried: list[nw.Architecture] = []
    shrunken = 0
    for trial, each in zip(first, space.portfolio, strict=False):
        sizes = members_of(space.members, each, bounded=False)
        within = [m for m in sizes if space.survey(m).params <= 30_000 and m not in tried]
        if within:  # else the strategy had the trial
            assert trial.architecture == within[0]
            shrunken += within[0] != sizes[0]
        tried.append(trial.architecture)
    assert shrunken >= 2
