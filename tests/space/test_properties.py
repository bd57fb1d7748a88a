"""What holds in every space, on random declarations.

Two architectures of a space are equal if and only if their networks have the same operations. That
is claimed where the parts of a declaration can be told apart, and of steps of a `repeat` that may
be skipped and share no choice with others; where two different parts happen to build the same
layers, a run finds it out by the fingerprint of the network.
"""

import os
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from generated import Declared, declarations
from netwright.errors import SpaceError
from netwright.space import Architecture, Space, adopted, frozen
from netwright.supernet import Supernet

EXAMPLES = int(os.environ.get("NETWRIGHT_TEST_EXAMPLES", "60"))
laws = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
MANY = 300


def drawn(space: Space, count: int = 8) -> list[Architecture]:
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(count)]


@given(declarations())
@laws
def test_members_are_contained_build_and_survive_json(declared: Declared) -> None:
    space = declared.space()
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    for member in drawn(space):
        assert space.contains(member)
        assert space.architecture(member.answers) == member
        again = Architecture.from_json(member.to_json())
        assert again == member and hash(again) == hash(member) and again.id == member.id
        first, second = (space.build(a, seed=1).eval() for a in (member, again))
        assert first(x).shape == (2, 2) and first(x).equal(second(x))


@given(declarations())
@laws
def test_changed_members_are_members(declared: Declared) -> None:
    space = declared.space()
    rng = np.random.default_rng(1)
    here = space.sample(rng)
    if space.count() == 1:
        with pytest.raises(SpaceError, match="a space of one"):
            space.mutate(here, rng)
        return
    for _ in range(8):
        child, other = space.mutate(here, rng), space.sample(rng)
        assert child != here and space.contains(child)
        crossed = space.cross(child, other, rng)
        assert space.contains(crossed)
        near = space.neighbours(child)
        assert len({*near}) == len(near) and child not in near
        assert all(map(space.contains, near))
        assert child.distance(child) == 0 < child.distance(here)
        here = child


@given(declarations())
@laws
def test_counts_are_those_of_the_enumeration(declared: Declared) -> None:
    space = declared.space()
    found = list(islice(space.enumerate(), MANY + 1))
    assert len({*found}) == len(found)
    if len(found) <= MANY:
        assert space.count() == len(found)
        assert {*drawn(space)} <= {*found}
        uniform = np.random.default_rng(2)
        assert all(space.sample(uniform, uniform=True) in found for _ in range(8))
    else:
        assert space.count() > MANY
    assert all(map(space.contains, found[:: max(1, len(found) // 20)]))


@given(declarations())
@laws
def test_equal_architectures_are_equal_networks(declared: Declared) -> None:
    space = declared.space()
    members = [*islice(space.enumerate(), 30), *drawn(space, 12)]
    prints: dict[str, Architecture] = {}
    for member in dict.fromkeys(members):
        found = space.survey(member).fingerprint
        assert prints.setdefault(found, member) == member
    assert len(prints) == len({*members})


@given(declarations())
@laws
def test_encodings_tell_members_apart(declared: Declared) -> None:
    space = declared.space()
    members = [*dict.fromkeys(drawn(space, 20))]
    for encoding in ("onehot", "unary"):
        rows = space.encode(members, encoding)
        assert len({row.tobytes() for row in rows}) == len(members)
        assert space.decode(rows, encoding) == members


@given(declarations())
@laws
def test_supernets_compute_what_members_compute(declared: Declared) -> None:
    space = declared.space()
    shared = Supernet(space, seed=0).eval()
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    for member in drawn(space, 4):
        shared.activate(member)
        plain = shared.extract(member)
        with torch.no_grad():
            assert torch.allclose(shared(x), plain(x), rtol=1e-4, atol=1e-4)


@given(declarations())
@laws
def test_frozen_spaces_hold_members_of_the_whole(declared: Declared) -> None:
    space = declared.space()
    member, *_ = drawn(space, 1)
    some = dict(list(member.answers.items())[::2])
    made = frozen(space, some)
    assert adopted(made, member) is not None
    for other in drawn(made, 4):
        whole = space.architecture(other.answers)
        assert space.survey(whole).fingerprint == made.survey(other).fingerprint


@pytest.mark.thorough
def test_ids_are_the_same_in_another_process() -> None:
    code = (
        "import numpy as np; from netwright.testing.spaces import READY\n"
        "for name in ('convnet', 'darts', 'vit'):\n"
        "    space, rng = READY[name](), np.random.default_rng(0)\n"
        "    print(space.digest, *(space.sample(rng).id for _ in range(5)))"
    )
    texts = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1] and len(texts[0].split()) == 18
