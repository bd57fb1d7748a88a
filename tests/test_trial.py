"""Stages: their order, their text, and what they refuse."""

import pytest

from netwright.space import Architecture
from netwright.trial import (
    BASELINE,
    REFIT,
    SEARCH,
    Budget,
    History,
    Proposal,
    Stage,
    Trial,
    last_final,
)

ORDER = [SEARCH, BASELINE, Stage.final(1), Stage.final(2), Stage.final(10), REFIT]


def test_stages_follow_each_other() -> None:
    assert sorted(reversed(ORDER)) == ORDER
    assert max(ORDER) == REFIT
    assert SEARCH < BASELINE <= Stage.final(1) > BASELINE
    assert last_final(0) == SEARCH
    assert last_final(2) == Stage.final(2)


@pytest.mark.parametrize("stage", ORDER, ids=str)
def test_a_stage_is_one_thing_and_goes_to_text_and_back(stage: Stage) -> None:
    assert stage.is_search + stage.is_baseline + stage.is_final + stage.is_refit == 1
    assert stage.explores == (stage in (SEARCH, BASELINE))
    assert Stage.from_json(stage.to_json()) == stage
    assert [each for each in ORDER if str(each) == str(stage)] == [stage]


@pytest.mark.parametrize("text", ["", "final", "final 0", "final -1", "search 1", "finals 1", "1"])
def test_what_is_no_stage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be one of search, baseline, final, recheck, refit"):
        Stage.from_json(text)


def test_a_stage_is_no_number() -> None:
    assert SEARCH != 0
    with pytest.raises(TypeError):
        _ = SEARCH < 1


def test_refits_compare_whatever_epoch_they_ended_after() -> None:
    def trial(number: int, epochs: int, stage: Stage) -> Trial:
        made = Architecture.from_answers({"width": number})
        return Trial(number, Proposal(made, Budget(epochs), None, stage), "done", {"accuracy": 0.5})

    def compared(stage: Stage) -> list[int]:
        history = History([trial(1, 3, stage), trial(2, 2, stage)])
        return [each.number for each in history.candidates((), stage)]

    assert compared(REFIT) == [1, 2]
    assert compared(SEARCH) == [1]
