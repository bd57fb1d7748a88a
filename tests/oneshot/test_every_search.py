"""Every exported one-shot search passes every check; a new one gets its tests by being exported."""

from functools import partial

import pytest

from netwright.errors import SettingError
from netwright.oneshot import DARTS, OneShot
from netwright.oneshot.names import ONE_SHOT, search_named
from netwright.testing.exports import ONE_SHOTS
from netwright.testing.oneshot import (
    ONE_SHOT_CHECKS,
    begun,
    candidates_are_members,
    weights_are_learned,
)

KINDS = (
    "nats_size",
    "forest",
    "darts",
    "convnet",
    "mobilenet_v3",
    "vit",
    "nasbench101",
    "resnet",
    "mlp",
)
QUICK = {"epochs": 2, "batch": 24, "rewards": 4, "scored": 6, "waiting": 0.0}


ALIKE = ("SNAS", "RobustDARTS", "FairDARTS", "DARTSMinus")
"""Searches by the loop of DARTS or of GDAS, with a term or a way to weigh of their own."""


def cheap(made: type[OneShot]) -> object:
    """A search; those that are much like another are for `make thorough`."""
    return pytest.param(made, marks=[pytest.mark.thorough] if made.__name__ in ALIKE else [])


def quick(made: type[OneShot]) -> partial[OneShot]:
    """A search that takes a second: what it has of the settings that decide how long it takes."""
    return partial(made, **{k: v for k, v in QUICK.items() if k in made.__dataclass_fields__})


@pytest.mark.parametrize("check", ONE_SHOT_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("made", [*map(cheap, ONE_SHOTS)], ids=lambda s: s.__name__)
def test_conformance(made: type[OneShot], check) -> None:
    make = quick(made)
    if check in (weights_are_learned, candidates_are_members):
        check(make, ["nasbench201"])  # the other kinds take longer, see below
    else:
        check(make)


@pytest.mark.thorough
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("made", ONE_SHOTS, ids=lambda s: s.__name__)
def test_every_search_works_on_every_kind_of_space(made: type[OneShot], name: str) -> None:
    make = quick(made)
    weights_are_learned(make, [name])
    candidates_are_members(make, [name])


@pytest.mark.parametrize("check", ONE_SHOT_CHECKS[-2:], ids=lambda check: check.__name__)
def test_conformance_of_the_second_order(check) -> None:
    check(partial(DARTS, epochs=2, batch=24, waiting=0.0, order=2))


def test_the_second_order_works_where_nothing_is_mixed() -> None:
    shared = begun(partial(DARTS, epochs=2, waiting=0.0, order=2), "nats_size")
    before = {name: value.detach().clone() for name, value in shared.logits.values.items()}
    shared.advance()
    shared.advance()
    assert any(not before[n].equal(v) for n, v in shared.logits.values.items())


def test_every_search_has_a_name() -> None:
    assert {type(search_named("strategy", name)) for name in ONE_SHOT} == set(ONE_SHOTS)
    assert search_named("strategy", "darts-second-order") == DARTS(order=2)


@pytest.mark.parametrize("made", ONE_SHOTS, ids=lambda s: s.__name__)
@pytest.mark.parametrize(
    ("name", "value"), [("epochs", 0), ("batch", 2.5), ("learning_rate", 0), ("weight_decay", -1)]
)
def test_bad_settings_are_refused(made: type[OneShot], name: str, value: object) -> None:
    with pytest.raises(SettingError, match=rf"`{made.__name__}\({name}=...\)` must be"):
        made(**{name: value})
