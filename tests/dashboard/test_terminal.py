import io

import pytest
from rich.console import Console

from netwright.dashboard.terminal import (
    PlainView,
    clock,
    picture,
    remaining,
    sparkline,
    stage_name,
    view,
)
from netwright.objective import maximize, minimize
from netwright.record.progress import Flight, Progress
from netwright.space import Architecture
from netwright.trial import RECHECK, SEARCH, Budget, History, Proposal, Stage, Trial

PROPOSAL = Proposal(Architecture({"width": 8}))


def progress(count: int = 20, **given) -> Progress:
    done = [
        Trial(i, PROPOSAL, "failed" if i % 7 == 6 else "done",
              {"accuracy": 0.5 + i / 100, "latency_ms": 0.1 + i / 50, "params": 1e4 * i})
        for i in range(count)
    ]  # fmt: skip
    flights = tuple(
        Flight(
            count + i, PROPOSAL, Budget(3), 0, curve=[{"epoch": 1, "loss": 0.7, "accuracy": 0.6}]
        )
        for i in range(2)
    )
    usual = {
        "run": "a", "stage": SEARCH, "finals": ((8, 10), (3, 30)), "trials": 40, "minutes": None,
        "epochs": None, "objectives": (maximize("accuracy"), minimize("latency_ms")),
        "limits": (), "history": History(done), "flights": flights, "rejected": 3,
        "seconds": 75.0, "epochs_spent": 60, "slots": 2, "expected": 0, "stage_seconds": 20.0,
    }  # fmt: skip
    return Progress(**usual | given)


def drawn(made: Progress, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(picture(made, width))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 110])
@pytest.mark.parametrize("trials", [0, 1, 20, 2000])
def test_the_picture_fits_the_terminal(width: int, trials: int) -> None:
    lines = drawn(progress(trials, trials=None, minutes=2.0), width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= 30


def test_the_picture_tells_how_it_stands() -> None:
    text = drawn(progress(), 110)
    for part in ("searching", "1:15 spent", "18 done", "2 failed", "2 running", "3 over a limit"):
        assert part in text
    assert "69.00%, 0.4800 ms, 190,000 params (trial 19)" in text
    assert "1/3" in text
    rows = [line.strip("│ ") for line in text.splitlines()]
    assert any(row.startswith("18 done") and row.endswith("3 over a limit") for row in rows)


def test_lines_of_the_plain_view(capsys) -> None:
    plain = PlainView()
    for trials in (0, 1, 1, 2):
        plain(progress(trials))
    plain(progress(2, stage=Stage.final(1), expected=8))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "[1:15] searching",
        "[1:15] best so far: 50.00%, 0.1000 ms, 0 params (trial 0)",
        "[1:15] best so far: 51.00%, 0.1200 ms, 10,000 params (trial 1)",
        "[1:15] final 1 of 2: 8 networks for 10 epochs",
    ]


def test_quiet_says_nothing(capsys) -> None:
    with view(quiet=True) as watch:
        watch(progress())
    assert capsys.readouterr() == ("", "")


def test_time_left() -> None:
    assert remaining(progress(20, trials=40)) == "1:15"
    assert remaining(progress(20, trials=None, minutes=2.0)) == "0:45"
    assert remaining(progress(0, trials=40)) == ""
    # of the final's four networks, two are at epoch 1 of 3
    assert remaining(progress(0, stage=Stage.final(1), expected=4)) == "1:40"


def test_small_parts() -> None:
    assert clock(59.6) == "1:00"
    assert clock(3661) == "1:01:01"
    assert sparkline(progress(1), 10) == ""
    assert sparkline(progress(20), 10)[0] == "▁"
    assert sparkline(progress(20), 10)[-1] == "█"


def test_a_stage_that_tells_finalists_apart_has_its_words() -> None:
    again = Proposal(Architecture({"width": 8}), Budget(3), 5, RECHECK)
    lucky = Trial(20, again, "done", {"accuracy": 0.99})
    before = progress(stage=RECHECK, expected=3)
    made = progress(stage=RECHECK, expected=3, history=History([*before.history, lucky]))
    assert stage_name(made) == "training 3 networks again, to tell them apart"
    assert made.best() == before.best()  # one more training is no network of its own
