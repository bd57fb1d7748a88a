"""The trials that no other dominates."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netwright.objective import dominates, maximize, minimize, undominated
from netwright.space import Architecture
from netwright.trial import Proposal, Trial, front_of

FEW = st.sampled_from([-math.inf, -1.0, 0.0, 0.5, 1.0, math.inf])  # so that there are equals


@given(st.integers(1, 3).flatmap(lambda m: st.lists(st.tuples(*[FEW] * m), min_size=1)))
def test_it_is_what_the_definition_says(gains):
    wanted = [i for i, a in enumerate(gains) if not any(dominates(b, a) for b in gains)]
    assert undominated(np.array(gains)).tolist() == wanted


def test_equals_are_listed_once_and_what_lacks_a_metric_never():
    def trial(number, **metrics):
        return Trial(number, Proposal(Architecture({"width": number})), "done", metrics)

    trials = [
        trial(0, accuracy=0.9, ms=2.0),
        trial(1, accuracy=0.8, ms=1.0),
        trial(2, accuracy=0.9, ms=2.0),
        trial(3, accuracy=0.7, ms=1.5),
        trial(4, accuracy=0.99),
        trial(5, accuracy=math.nan, ms=0.1),
    ]
    both = (maximize("accuracy"), minimize("ms"))
    assert [t.number for t in front_of(trials, both)] == [1, 0]
    assert front_of([], both) == []
    assert front_of(trials[4:], both) == []
