import numpy as np
import pytest

from netwright.bench import Table, simulate
from netwright.errors import SpaceError
from netwright.objective import maximize
from netwright.strategies import NPENAS, Auto, LocalSearch, RegularizedEvolution
from netwright.testing.spaces import READY, SPACES


@pytest.fixture(params=["forest", "conditional", "huge"])
def some(request):
    space = READY["forest"]() if request.param == "forest" else SPACES[request.param]()
    rng = np.random.default_rng(0)
    given = list(dict.fromkeys(space.sample(rng) for _ in range(300)))[:120]
    return space.among(given), given


def test_every_move_ends_at_one_of_those_given(some):
    space, given = some
    rng, known = np.random.default_rng(1), {*given}
    for _ in range(40):
        a, b = space.sample(rng), space.sample(rng)
        child = space.mutate(a, rng)
        assert {a, child, space.cross(a, b, rng)} <= known and child != a
        near = space.neighbours(a)
        assert {*near} <= known and a not in near and near
        pool = space.pool(rng, 30, [a])
        assert {*pool} <= known and len({*pool}) == len(pool) == 30
    assert space.few(200) == given and space.few(len(given) - 1) is None


def test_mutants_are_nearer_than_random_members(some):
    space, _ = some
    rng = np.random.default_rng(2)
    near, far = [], []
    for _ in range(100):
        a = space.sample(rng)
        near.append(a.distance(space.mutate(a, rng)))
        far.append(a.distance(space.sample(rng)))
    assert np.mean(near) < 0.8 * np.mean(far)


def test_the_same_generator_draws_the_same(some):
    space, given = some
    drawn = [
        [space.mutate(given[i], rng) for i in range(20)]
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    ]
    assert drawn[0] == drawn[1]


def test_what_is_no_member_is_refused():
    space = READY["forest"]()
    with pytest.raises(SpaceError, match="at least one"):
        space.among([])
    with pytest.raises(SpaceError, match=r"`Space.among\(...\)` must be given a member"):
        space.among([SPACES["flat"]().smallest()])


def test_a_single_member_has_no_mutant():
    space = READY["forest"]()
    alone = space.among([space.smallest()])
    with pytest.raises(SpaceError, match="another member"):
        alone.mutate(space.smallest(), np.random.default_rng(0))


@pytest.mark.parametrize(
    "strategy", [Auto(), NPENAS(), LocalSearch(2), RegularizedEvolution(8, 3)], ids=str
)
def test_a_table_of_some_members_is_searched_as_one_of_all(strategy):
    space, rng = READY["forest"](), np.random.default_rng(0)
    members = list(dict.fromkeys(space.sample(rng) for _ in range(400)))[:150]
    worth = [
        sum("conv" in str(v) for v in m.answers.values()) + 0.5 * rng.random() for m in members
    ]
    table = Table(space, members, {"accuracy": worth})
    assert table.searched is not space
    course = simulate(table, strategy, (maximize("accuracy"),), evaluations=60)
    assert len({*course.rows.tolist()}) == 60
    found = np.array(worth)[course.rows]
    if not isinstance(strategy, LocalSearch):  # which begins anew from time to time
        assert found[-30:].mean() > np.mean(worth) + 0.1


def test_a_table_of_all_members_is_searched_as_the_space():
    space = READY["forest"]()
    members = list(space.enumerate())
    assert Table(space, members, {"a": np.ones(len(members))}).searched is space
