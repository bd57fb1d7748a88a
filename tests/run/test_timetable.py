from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.run.timetable import Schedules, Timetable, affordable, long_enough

WANTED = Schedules(((8, 10), (2, 30)), 30)


def each(cost: float):
    return lambda place, epochs: cost * epochs


def fitted(left: float, cost: float = 1.0, slots: int = 2, had: int = 3) -> Schedules:
    return affordable(WANTED, each(cost), left, slots=slots, more=1.25, own=[had] * 8)


def test_what_can_be_afforded_is_left_as_it_is() -> None:
    whole = 8 * 10 / 2 + 30 + 1.25 * 30
    assert WANTED.seconds(each(1.0), 2, 1.25) == pytest.approx(whole)
    assert fitted(1.16 * whole) == WANTED


def test_less_time_makes_epochs_fewer_then_finals_then_the_refit() -> None:
    some = fitted(80)
    assert [n for n, _ in some.finals] == [8, 2] and some.refit == some.finals[-1][1]
    assert 6 <= some.refit < 30
    few = fitted(20)
    assert len(few.finals) == 1 and few.refit >= 6
    assert fitted(12).refit == 0 and fitted(12).finals[0][1] >= 6
    assert fitted(2) == Schedules(())


@given(
    left=st.floats(0, 300),
    cost=st.floats(0.01, 20),
    slots=st.integers(0, 4),
    had=st.integers(1, 12),
)
def test_what_is_planned_fits_and_teaches_something_new(left, cost, slots, had) -> None:
    found = fitted(left, cost, slots, had)
    assert found.seconds(each(cost), max(1, slots), 1.25) <= left
    assert all(epochs > had or epochs in (10, 30) for _, epochs in found.finals)
    assert not found.refit or found.refit >= (found.finals[-1][1] if found.finals else had)


@given(left=st.floats(0, 300), more=st.floats(0, 50))
def test_more_time_never_gives_less(left, more) -> None:
    little, much = fitted(left), fitted(left + more)
    worth = [(s.finals[-1][1] if s.finals else 0) > 0 for s in (little, much)]
    assert worth[0] <= worth[1]


def test_the_search_has_half_or_what_the_rest_leaves() -> None:
    table = Timetable(600, start=20, end=30, slots=2)
    assert table.training == 550 and table.trained_by == 570
    assert table.search_ends(WANTED, None, 1.25) == 20 + 275
    assert table.search_ends(WANTED, each(100.0), 1.25) == 20 + 275
    ends = table.search_ends(WANTED, each(0.5), 1.25)
    assert ends == pytest.approx(570 - 1.15 * 0.5 * (40 + 30 + 37.5))
    assert table.search_ends(Schedules(()), each(0.5), 1.25) == 570


def test_a_trial_has_its_share_of_the_search_and_of_the_workers() -> None:
    assert Timetable(100, 10, 10, slots=1).trial == pytest.approx(5)
    assert Timetable(100, 10, 10, slots=2).trial == pytest.approx(10)
    assert Timetable(100, 10, 10, slots=16).trial == pytest.approx(40)
    assert Timetable(15, 10, 10, slots=1).training == 0
    assert Timetable(15, 10, 10, slots=1).least(2) == pytest.approx(22.3)


def test_late_answers_are_further_trainings_of_a_final_that_is_long() -> None:
    wanted = Schedules(((2, 30),), variants=2, long=long_enough(30))
    assert wanted.seconds(each(1.0), 2, 1.0) == 2 * 2 * 30 / 2
    assert replace(wanted, finals=((2, 15),)).seconds(each(1.0), 1, 1.0) == 2 * 2 * 15
    assert replace(wanted, finals=((2, 14),)).seconds(each(1.0), 1, 1.0) == 2 * 14
    found = affordable(wanted, each(1.0), 40, slots=1, more=1.0, own=[3, 3])
    assert found.finals == ((2, 14),)  # with late answers it would be ((2, 8),)
