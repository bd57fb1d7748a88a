from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.run.timetable import Schedules, Timetable, affordable, long_enough, worth_a_last

WANTED = Schedules(((8, 10), (2, 30)), 30)


def each(cost: float):
    return lambda place, epochs: cost * epochs


def fitted(left: float, cost: float = 1.0, slots: int = 2, had: int = 3) -> Schedules:
    return affordable(WANTED, each(cost), left, slots=slots, more=1.25, own=[had] * 8)


def test_what_can_be_afforded_is_left_as_it_is() -> None:
    whole = 8 * 10 / 2 + 30 + 1.25 * 30
    assert WANTED.seconds(each(1.0), 2, 1.25) == pytest.approx(whole)
    assert fitted(1.16 * whole) == WANTED


def test_less_time_makes_epochs_fewer_then_finals_then_leaves_the_refit_alone() -> None:
    some = fitted(80)
    assert [n for n, _ in some.finals] == [8, 2] and some.refit == some.finals[-1][1]
    assert 15 <= some.refit < 30
    assert fitted(50) == Schedules(((2, 19),), 19)
    assert fitted(36) == Schedules((), 25)  # two finalists would have 13 epochs
    assert fitted(12) == Schedules((), 8)
    assert fitted(2) == Schedules(())


def test_where_nothing_can_be_long_one_is_trained_for_all_the_time() -> None:
    only_finals = replace(WANTED, refit=0)
    found = affordable(only_finals, each(1.0), 12, slots=1, more=1.0, own=[3] * 8)
    assert found == Schedules(((1, 10),))


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
    assert (little.last > 0) <= (much.last > 0)


def test_the_search_has_half_or_what_the_rest_leaves() -> None:
    table = Timetable(600, start=20, end=30, slots=2)
    assert table.training == 550 and table.trained_by == 570
    assert table.search_ends(WANTED, None, 1.25) == 20 + 275
    assert table.search_ends(WANTED, each(7.0), 1.25) == 20 + 275
    ends = table.search_ends(WANTED, each(0.5), 1.25)
    assert ends == pytest.approx(570 - 1.15 * 0.5 * (40 + 30 + 37.5))
    assert table.search_ends(Schedules(()), each(0.5), 1.25) == 570


def test_the_search_has_a_quarter_where_two_finalists_cannot_be_trained_for_long() -> None:
    table = Timetable(600, start=20, end=30, slots=2)
    needed = 1.15 * (15 + 1.25 * 15)  # two at once, and one of them again, for 15 epochs
    assert table.search_ends(WANTED, each(274 / needed), 1.25) == 20 + 275
    assert table.search_ends(WANTED, each(276 / needed), 1.25) == 20 + 137.5


def test_no_epoch_is_so_long_that_few_fit_into_the_last_training() -> None:
    table = Timetable(600, start=20, end=30, slots=2)
    assert table.longest_epoch(15, 1.25) == pytest.approx(0.75 * 550 / (1.15 * 1.25 * 15))
    assert worth_a_last(30) == 15 and worth_a_last(128) == 20 and worth_a_last(3) == 2


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
    assert found.finals == ((2, 17),) and not found.are_late  # with late answers it would be 8
    assert affordable(wanted, each(1.0), 80, slots=1, more=1.0, own=[3, 3]).are_late


def test_a_single_training_that_ends_on_time_has_rather_too_many_epochs() -> None:
    wanted = Schedules(((2, 80),), refit=80)

    def found(left: float, on_time: bool) -> Schedules:
        return affordable(wanted, each(1.0), left, slots=1, more=1.25, own=[2, 2], on_time=on_time)

    assert found(50, on_time=False) == replace(wanted, finals=(), refit=34)
    assert found(50, on_time=True) == replace(wanted, finals=(), refit=50)
    assert found(200, on_time=True) == found(200, on_time=False)  # of finals, which are compared


def test_a_final_of_one_network_before_it_is_trained_once_more_is_left_out() -> None:
    """It would choose nothing, but with late answers to try; two are compared if for long."""
    wanted = Schedules(((2, 80),), refit=80, long=long_enough(80))
    found = affordable(wanted, each(1.0), 80, slots=1, more=1.25, own=[2, 2])
    assert not found.finals and found.refit > 50
    assert affordable(wanted, each(1.0), 150, slots=1, more=1.25, own=[2, 2]).finals == ((2, 40),)
    late = replace(wanted, variants=2)
    found = affordable(late, each(1.0), 160, slots=1, more=1.25, own=[2, 2])
    assert not found.tries_late and found.finals == ((2, 42),)
    one = replace(late, finals=((1, 80),))
    found = affordable(one, each(1.0), 160, slots=1, more=1.25, own=[2, 2])
    assert found.tries_late and found.finals == ((1, 42),) and found.refit == 42
