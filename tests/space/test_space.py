import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from netwright.errors import SettingError, SpaceError
from netwright.network.cost import survey
from netwright.space import Architecture, Choose, Space
from netwright.testing.spaces import SPACES


def blocks(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    width = choose.width("width", 4, 12, step=4)
    body = choose.repeat(
        "depth",
        1,
        3,
        lambda i: choose.one_of(
            f"block{i}",
            conv=lambda: nn.Conv2d(
                width, width, choose.value(f"kernel{i}", [1, 3]), padding="same"
            ),
            pool=lambda: nn.AvgPool2d(3, 1, 1),
            skip=nn.Identity,
        ),
    )
    return nn.Sequential(
        nn.Conv2d(inputs[0], width, 1),
        body,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, classes),
    )


@pytest.fixture(scope="module")
def space() -> Space:
    return Space(blocks, (1, 6, 6), 3)


def generated(seed: int) -> Space:
    """A random declaration: nested, conditional, repeated, with shared choices and skips."""
    rng = np.random.default_rng(seed)
    shape = [int(rng.integers(0, 4)) for _ in range(4)]

    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        def leaf(name: str, kind: int) -> nn.Module:
            if kind == 0:
                return nn.Linear(3, 3, bias=choose.value(f"{name}.bias", [True, False]))
            if kind == 1:
                return choose.one_of(f"{name}.act", relu=nn.ReLU, tanh=nn.Tanh, none=nn.Identity)
            if kind == 2:
                inner = choose.width(f"{name}.width", 2, 4, step=1)
                return nn.Sequential(nn.Linear(3, inner), nn.Linear(inner, 3))
            return choose.one_of("shared", elu=nn.ELU, gelu=nn.GELU)

        def step(i: int) -> nn.Module:
            return choose.one_of(
                f"step{i}",
                a=lambda: leaf(f"a{i}", shape[0]),
                b=lambda: leaf(f"b{i}", shape[1]),
                skip=nn.Identity,
            )

        body = choose.repeat("depth", int(seed % 2), 2, step)
        return nn.Sequential(body, leaf("end", shape[2]), leaf("last", shape[3]), nn.Linear(3, 2))

    return Space(network, 3, 2)


def fingerprint(space: Space, architecture: Architecture) -> str:
    with torch.device("meta"):
        return survey(space.build(architecture), space.inputs).fingerprint


def test_count_is_exact(space: Space) -> None:
    # 3 widths times the sums over 0..3 real steps out of {conv 1x1, conv 3x3, pool}, in order.
    assert space.count() == 3 * (1 + 3 + 9 + 27)
    members = list(space.enumerate())
    assert len(members) == len(set(members)) == space.count()


def nested(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
    """`h` is asked within options of two other choices, or not at all."""
    first = choose.one_of(
        "first",
        a=lambda: nn.LazyLinear(choose.width("h", 2, 6, step=2)),
        b=lambda: nn.LazyLinear(9),
    )
    last = choose.one_of(
        "last", a=nn.Identity, b=lambda: nn.LazyLinear(choose.width("h", 2, 6, step=2))
    )
    return nn.Sequential(nn.Flatten(), first, last, nn.LazyLinear(classes))


@pytest.mark.parametrize("declared", [blocks, nested, "ruled"])
def test_uniform_samples_are_uniform(declared) -> None:
    if declared == "ruled":
        space = Space(nested, (1, 6, 6), 3, normal_form=lambda a: a if a["first"] == "a" else None)
    else:
        space = Space(declared, (1, 6, 6), 3)
    rng = np.random.default_rng(0)
    count = space.count()
    drawn = Counter(space.sample(rng, uniform=True) for _ in range(60 * count))
    assert set(drawn) == set(space.enumerate())
    spread = sum((seen - 60) ** 2 / 60 for seen in drawn.values())  # chi-squared, count - 1 degrees
    assert spread < count + 5 * (2 * count) ** 0.5


@pytest.mark.parametrize("name", SPACES)
def test_count_equals_enumeration_on_test_spaces(name: str) -> None:
    space = SPACES[name]()
    if name == "huge":
        assert space.count() == (2 * 4 * 12) ** 6
    else:
        assert space.count() == len(set(space.enumerate()))


def test_members_are_distinct_networks(space: Space) -> None:
    prints = {fingerprint(space, member) for member in space.enumerate()}
    assert len(prints) == space.count()


@pytest.mark.parametrize("seed", range(24))
def test_generated_spaces_keep_the_laws(seed: int) -> None:
    space = generated(seed)
    rng = np.random.default_rng(seed)
    members = list(space.enumerate())
    assert len(members) == len(set(members)) == space.count()
    assert len({fingerprint(space, m) for m in members}) <= len(members)
    for _ in range(30):
        a, b = space.sample(rng), space.sample(rng)
        assert space.contains(a)
        assert a in members
        assert Architecture.from_json(a.to_json()) == a
        assert space.contains(space.cross(a, b, rng))
        if space.count() > 1:
            child = space.mutate(a, rng)
            assert child != a
            assert space.contains(child)
        for other in space.neighbours(a):
            assert other != a
            assert space.contains(other)
        (first, again) = space.encode([a, a])
        assert (first == again).all()
        assert first.sum() == len(a.answers)
        out = space.build(a, seed=1)(torch.zeros(2, 3))
        assert out.shape == (2, 2)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_equal_networks_are_one_architecture(data: st.DataObject) -> None:
    space = SPACES["conditional"]()
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    raw = [space.members.draw(rng) for _ in range(2)]
    one, two = (space.architecture(answers) for answers in raw)
    built = []
    for answers in raw:
        with torch.device("meta"):
            built.append(survey(space.build(Architecture(answers)), space.inputs).fingerprint)
    assert (one == two) == (built[0] == built[1])


def test_skipped_steps_have_one_form(space: Space) -> None:
    forms = [
        {
            "width": 4,
            "depth": 3,
            "block0": "skip",
            "block1": "conv",
            "kernel1": 3,
            "block2": "skip",
        },
        {"width": 4, "depth": 2, "block0": "conv", "kernel0": 3, "block1": "skip"},
        {"width": 4, "depth": 1, "block0": "conv", "kernel0": 3, "kernel2": 1},
    ]
    assert len({space.architecture(form) for form in forms}) == 1


def test_steps_that_depend_on_their_place_do_not_move() -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        def step(i: int) -> nn.Module:
            linear = lambda: nn.Linear(3, 3, bias=i == 1)  # noqa: E731 - a step of its own kind
            return choose.one_of(f"s{i}", linear=linear, skip=nn.Identity)

        return nn.Sequential(choose.repeat("depth", 2, 2, step), nn.Linear(3, classes))

    space = Space(network, 3, 2)
    assert space.count() == 4
    assert len({fingerprint(space, m) for m in space.enumerate()}) == 4


def test_identity_is_the_same_in_every_process(printed_twice) -> None:
    code = (
        "from netwright.space import Architecture as A;"
        "a = A({'width': 8, 'block0': 'conv', 'x': (0, 2), 'f': 0.1, 'n': None});"
        "print(a.id, hash(a))"
    )
    first, second = printed_twice(code)
    assert first == second != ""


def test_architecture_is_frozen_and_ordered() -> None:
    a = Architecture({"b": 1, "a": (1, 2)})
    assert list(a.answers) == ["a", "b"]
    assert json.loads(a.to_json()) == {"a": [1, 2], "b": 1}
    with pytest.raises(TypeError):
        a.answers["a"] = 3  # type: ignore[index]


def test_build_is_seeded_and_leaves_the_global_generator_alone(space: Space) -> None:
    member = space.smallest()
    before = torch.random.get_rng_state()
    one, two = (space.build(member, seed=3).state_dict() for _ in range(2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(one[key], two[key]) for key in one)
    other = space.build(member, seed=4).state_dict()
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_recipe_choices_stand_beside_the_network() -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        return nn.Linear(3, classes)

    space = Space(network, 3, 2, recipe=lambda c: {"learning_rate": c.value("lr", [0.1, 0.01])})
    assert space.count() == 2
    rates = {space.recipe(member)["learning_rate"] for member in space.enumerate()}
    assert rates == {0.1, 0.01}


def test_mutation_reaches_everything() -> None:
    space = SPACES["cells"]()
    rng = np.random.default_rng(0)
    seen, here = set(), space.sample(rng)
    for _ in range(6000):
        seen.add(here)
        here = space.mutate(here, rng)
    assert len(seen) == space.count()


# -- what is refused -------------------------------------------------------------------------------


def refused(network: object, *parts: str, inputs: object = 3) -> None:
    with pytest.raises(SpaceError) as caught:
        Space(network, inputs, 2)  # type: ignore[arg-type]
    for part in parts:
        assert part in str(caught.value)


def test_two_declarations_of_one_name_are_refused() -> None:
    refused(lambda c, i, k: nn.Linear(3, c.width("w", 2, 4) + c.width("w", 2, 6)), "'w'", "twice")


def test_a_hidden_choice_is_refused_by_name() -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        if choose.value("kind", ["plain", "deep"]) == "deep":
            return nn.Sequential(nn.Linear(3, w := choose.width("w", 2, 4)), nn.Linear(w, classes))
        return nn.Linear(3, classes)

    refused(network, "'w'", "branches")


def test_a_choice_that_is_hidden_the_other_way_is_refused_by_name() -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        if choose.value("kind", ["deep", "plain"]) == "deep":
            return nn.Sequential(nn.Linear(3, w := choose.width("w", 2, 4)), nn.Linear(w, classes))
        return nn.Linear(3, classes)

    refused(network, "'w'", "'kind': 'plain'", "branches")


def test_wrong_output_shape_is_refused() -> None:
    refused(lambda c, i, k: nn.Linear(3, 7), "(2, 2)", "(2, 7)")


def test_several_outputs_are_refused() -> None:
    class Two(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return x, x

    refused(lambda c, i, k: Two(), "must give one tensor", "tuple")


def test_what_meta_cannot_run_is_left_to_the_trial() -> None:
    class Scaled(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :2] * float(x.abs().max().item() > 0)

    assert Space(lambda c, i, k: Scaled(), 3, 2).count() == 1


def test_lazy_layers_are_built_whole() -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        width = choose.width("width", 4, 8, step=4)
        return nn.Sequential(nn.LazyLinear(width), nn.BatchNorm1d(width), nn.LazyLinear(classes))

    space = Space(network, 3, 2)
    model = space.build(space.smallest(), seed=1)
    assert model.training
    assert [tuple(p.shape) for p in model.parameters()] == [(4, 3), (4,), (4,), (4,), (2, 4), (2,)]
    again = space.build(space.smallest(), seed=1)
    for one, two in zip(model.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("made", [None, [1], {"loss": nn.functional.mse_loss}])
def test_a_recipe_of_other_than_plain_values_is_refused(made: object) -> None:
    with pytest.raises(SpaceError, match=r"recipe=.* must return a mapping of names to plain"):
        Space(lambda c, i, k: nn.Linear(3, k), 3, 2, recipe=lambda choose: made)


def test_a_recipe_that_fails_is_named() -> None:
    with pytest.raises(SpaceError, match=r"`recipe\(choose\)` failed .* ZeroDivisionError"):
        Space(lambda c, i, k: nn.Linear(3, k), 3, 2, recipe=lambda choose: 1 / 0)


def test_a_shape_conflict_names_the_network() -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        return nn.Sequential(nn.Linear(3, choose.value("w", [4, 5])), nn.Linear(4, classes))

    refused(network, "The answer 5 to the choice 'w'", "cannot be built and run")


def test_a_hidden_choice_behind_one_option_of_many_is_found() -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        kind = choose.value("kind", [*"abcdefghijklmn"])
        width = choose.width("w", 2, 4) if kind != "m" else 2
        return nn.Sequential(nn.Linear(3, width), nn.Linear(width, classes))

    refused(network, "'w'", "'kind': 'm'", "branches")


def late_space(options: list[object], network_options: list[bool]) -> Space:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        return nn.Linear(3, classes, bias=choose.value("bias", network_options))

    def recipe(choose: Choose) -> dict[str, object]:
        return {
            "rate": choose.value("rate", [0.1, 0.2, 0.4]),
            "mix": choose.value("mix", options, late=True),
            "smooth": choose.value("smooth", [0, 1], late=True),
        }

    return Space(network, 3, 2, recipe=recipe)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_late_answers_stay_at_their_first_option_until_they_are_asked_for(seed: int) -> None:
    space = late_space([0.0, 0.5, 1.0], [True, False])
    rng = np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    for made in (a, space.mutate(a, rng), space.cross(a, b, rng)):
        assert (made["mix"], made["smooth"]) == (0.0, 0)
    variants = space.variants(a)
    assert variants[0] == a
    assert {(v["mix"], v["smooth"]) for v in variants} == {
        (m, s) for m in (0.0, 0.5, 1.0) for s in (0, 1)
    }
    assert len(variants) == 6
    assert all((v["rate"], v["bias"]) == (a["rate"], a["bias"]) for v in variants)
    assert all(space.contains(v) for v in variants)
    assert space.mutate(variants[-1], rng)["mix"] == variants[-1]["mix"]
    assert space.count() == 2 * 3 * 3 * 2


def test_a_space_with_late_choices_alone_has_nothing_to_mutate() -> None:
    def recipe(choose: Choose) -> dict[str, object]:
        return {"mix": choose.value("mix", [0, 1], late=True)}

    space = Space(lambda c, i, k: nn.Linear(3, k), 3, 2, recipe=recipe)
    with pytest.raises(SpaceError, match="another member"):
        space.mutate(space.smallest(), np.random.default_rng(0))


def test_a_late_choice_of_the_network_is_refused() -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        return nn.Linear(3, classes, bias=choose.value("bias", [True, False], late=True))

    refused(network, "'bias'", "late", "recipe")


@pytest.mark.parametrize(
    ("ask", "part"),
    [
        (lambda c: c.one_of("a"), "at least one option"),
        (lambda c: c.one_of("a", x=3), "lambda"),
        (lambda c: c.width("a", 8, 4), "low <= high"),
        (lambda c: c.width("a", 1, 4, step=0), "step"),
        (lambda c: c.value("a", []), "at least one option"),
        (lambda c: c.value("a", [1, 1]), "different"),
        (lambda c: c.value("a", [float("nan")]), "finite"),
        (lambda c: c.value("a", [nn.ReLU]), "one_of"),
        (lambda c: c.repeat("a", 3, 2, nn.Identity), "low <= high"),
        (lambda c: c.repeat("a", 1, 2, lambda i: i), "nn.Module"),
        (lambda c: c.inputs("a", 2, 3, 3), "at_least"),
        (lambda c: c.value("", [1, 2]), "name"),
    ],
)
def test_bad_questions_are_refused(ask: object, part: str) -> None:
    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        ask(choose)  # type: ignore[operator]
        return nn.Linear(3, classes)

    refused(network, part)


def test_architectures_are_checked(space: Space) -> None:
    good = dict(space.smallest().answers)
    for change, part in [({"nix": 1}, "'nix'"), ({"width": 5}, "no option 5")]:
        with pytest.raises(SpaceError, match=part):
            space.architecture({**good, **change})
    del good["width"]
    with pytest.raises(SpaceError, match="lacks an answer to 'width'"):
        space.architecture(good)
    assert not space.contains(Architecture(good))


def test_within_a_bound_that_few_keep() -> None:
    """Of the 4^12 members one in 270,000 has a sum of at most 4: draws alone would not find it."""

    def network(choose: Choose, inputs: tuple[int, ...], classes: int) -> nn.Module:
        sizes = [choose.width(f"w{i}", 1, 4) for i in range(12)]
        ends = zip([*inputs, *sizes], [*sizes, classes], strict=True)
        return nn.Sequential(*(nn.Linear(i, o) for i, o in ends))

    def excess(members) -> np.ndarray:
        return np.array([sum(m.answers.values()) - 16.0 for m in members])

    space = Space(network, (3,), 2)
    within = space.within(excess)
    rng = np.random.default_rng(0)
    drawn = [within.sample(rng) for _ in range(20)]
    assert max(excess(drawn)) <= 0
    assert len(set(drawn)) > 15
    assert all(space.contains(member) for member in drawn)
    for a, b in pairwise(drawn):
        mutant, child = within.mutate(a, rng), within.cross(a, b, rng)
        assert mutant != a
        assert max(excess([mutant, child])) <= 0
    assert max(excess([space.sample(rng) for _ in range(20)])) > 0  # the space itself is free


def test_within_a_bound_that_none_keeps_still_draws(space: Space) -> None:
    within = space.within(lambda members: np.full(len(members), 2.0))
    rng = np.random.default_rng(0)
    member = within.sample(rng)
    assert space.contains(member)
    assert within.mutate(member, rng) != member


@pytest.mark.parametrize(
    ("inputs", "outputs"), [(None, 2), ((3, 0), 2), (3, "2"), (3, 0), ((), 2), (3, None)]
)
def test_the_sizes_of_the_data_are_checked(inputs, outputs):
    with pytest.raises(SettingError, match="positive sizes as whole numbers"):
        Space(lambda c, i, k: nn.Linear(3, k), inputs, outputs)
