"""How far a network is from another model, in words for who is no statistician."""

import pytest

from netwright.record.judged import Beside
from netwright.tasks import Metric

ACCURACY = Metric("accuracy", "maximize", fraction=True)
RMSE = Metric("rmse", "minimize")


def beside(difference: float, error: float, **changes) -> Beside:
    given = {"kind": "reference", "name": "a forest", "metric": "accuracy", "part": "test"}
    return Beside(**{**given, "rows": 1400, "difference": difference, "error": error, **changes})


@pytest.mark.parametrize(
    ("difference", "error", "expected"),
    [(0.0, 1.0, 0.5), (1.0, 1.0, 0.8413), (-1.96, 1.0, 0.025), (0.018, 0.0095705, 0.97)],
)
def test_the_probability_is_that_of_the_normal_distribution(difference, error, expected) -> None:
    assert beside(difference, error).probability == pytest.approx(expected, abs=1e-4)


def test_answers_that_are_all_the_same_say_nothing() -> None:
    assert [beside(d, 0.0).probability for d in (0.1, 0.0, -0.1)] == [1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (0.018, "Beats a forest by 1.8 ± 0.9 points of accuracy on 1,400 test rows (98 % sure)."),
        (-0.05, "Is below a forest by 5.0 ± 0.9 points of accuracy on 1,400 test rows "
                "(more than 99 % sure)."),
        (0.003, "Cannot be told from a forest yet: 0.3 ± 0.9 points of accuracy better on 1,400 "
                "test rows (63 % sure)."),
        (-0.009, "Cannot be told from a forest yet: 0.9 ± 0.9 points of accuracy worse on 1,400 "
                 "test rows (84 % sure)."),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_its_error_and_how_sure_it_is(difference, told) -> None:
    assert beside(difference, 0.009).told(ACCURACY) == told


def test_of_a_well_known_network_it_is_said_that_the_rows_chose() -> None:
    told = beside(0.31, 0.1, kind="design", name="RealMLP", part="validation").told(RMSE)
    assert told == (
        "Beats RealMLP, a well-known network, by 0.31 ± 0.1 of rmse on 1,400 validation rows (more "
        "than 99 % sure). These rows also chose it, so this is a little too good."
    )


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [(0.02, "better"), (0.011, "not told apart"), (-0.011, "not told apart"), (-0.02, "below")],
)
def test_the_verdict_is_what_the_sentence_says(difference: float, verdict: str) -> None:
    judged = beside(difference, 0.009)
    begins = {"better": "Beats", "below": "Is below", "not told apart": "Cannot be told from"}
    assert judged.verdict == judged.summary()["verdict"] == verdict
    assert judged.told(ACCURACY).startswith(begins[verdict])
    assert judged.summary()["probability"] == judged.probability
