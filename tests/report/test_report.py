import math
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from netwright.cli import output
from netwright.drawing.files import sketch
from netwright.objective import maximize
from netwright.record.place import Rejection
from netwright.record.record import Record
from netwright.report import write_report
from netwright.report.page import page
from netwright.report.statistics import best_so_far, expected_best, importances, interval
from netwright.space import Architecture
from netwright.tasks import metrics_of
from netwright.trial import BASELINE, SEARCH, Budget, History, Proposal, Stage, Trial

SETTINGS = {
    "netwright": "0.1.0",
    "space": {"name": "s", "digest": "d", "inputs": [4], "classes": 2, "count": 9, "choices": []},
    "strategy": {"name": "RegularizedEvolution", "settings": {"population": 30}},
    "objectives": [{"metric": "accuracy", "direction": "maximize"}],
    "limits": [{"metric": "latency_ms@pytorch", "bound": 0.5}],
    "budget": {"trials": 9, "minutes": None, "epochs": None},
    "finals": [[2, 10]],
    "refit": False,
    "baseline": 0,
    "deterministic": False,
    "seed": 0,
    "workers": 2,
    "targets": [{"name": "pytorch"}],
    "evaluator": {"epochs": 3},
    "data": {"name": "digits", "test": 1000},
    "call": None,
    "versions": {"torch": "2"},
    "machine": {"platform": "here", "cores": 2},
}


def trial(number: int, accuracy: float, width: int = 8, **given) -> Trial:
    answers = {"width": width, "kind": ("a", "b", "c")[number % 3]}
    proposal = Proposal(
        Architecture(answers), Budget(3), given.pop("parent", None), given.pop("stage", SEARCH)
    )
    metrics = {
        "accuracy": accuracy,
        "latency_ms@pytorch": 0.1 + 0.01 * width,
        "params": 100.0 * width,
    }
    curve = ({"epoch": 1.0, "loss": 1.0, "accuracy": accuracy / 2},)
    return Trial(number, proposal, given.pop("status", "done"), metrics, curve, 2.0, 1.5, **given)


def record(trials: list[Trial], **given) -> Record:
    made = Record("a run", SETTINGS, 1.7e9, history=History(trials), seconds=60.0)
    for name, value in given.items():
        setattr(made, name, value)
    return made


def many(count: int) -> list[Trial]:
    rng = np.random.default_rng(0)
    return [
        trial(i, 0.5 + 0.02 * (w := int(rng.integers(1, 20))) + 0.01 * rng.normal(), w)
        for i in range(count)
    ]


class Balanced(HTMLParser):
    VOID = ("meta", "br", "path", "circle", "rect")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_data(self, data) -> None:
        self.texts.append(data)

    def handle_endtag(self, tag) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


FULL = [
    *many(40),
    trial(40, 0.9, 12, stage=Stage.final(1), parent=3),
    trial(41, 0.91, 13, stage=Stage.final(1), parent=5),
]
RECORDS = {
    "empty": record([]),
    "one": record([trial(0, 0.7)]),
    "failures": record(
        [trial(i, 0.1, status="failed", reason=f"it <broke> {i % 2}") for i in range(5)],
        status="failed",
    ),
    "full": record(
        FULL,
        status="done",
        tested={41: {"accuracy": 0.89}},
        reference={"name": "SVM-RBF", "accuracy": 0.95, "seconds": 1.0},
        rejections=[Rejection(7, FULL[0].proposal, {"latency_ms@pytorch": 0.51}, "over")],
    ),
    "baseline": record(
        [*many(12), *(trial(20 + i, 0.6 + i / 99, stage=BASELINE) for i in range(6))]
    ),
    "thousands": record(many(2000)),
}


@pytest.mark.parametrize("name", RECORDS)
def test_the_page_is_whole_and_needs_nothing_from_outside(name: str) -> None:
    text = page(RECORDS[name])
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert not re.search(r"(src|href)=|url\(|@import|<script", text)
    assert len(text) < 4_000_000


def test_the_result_is_said_and_the_reference_loudly() -> None:
    text = page(RECORDS["full"])
    assert "89.00% test accuracy" in text
    assert "Below the reference." in text
    assert "86.9% to 90.8%" in text  # Wilson's interval of 890 of 1,000
    assert "the closest had 0.51" in text
    assert "The run is finished." in text
    assert "not finished" in page(RECORDS["one"])


def test_nothing_from_outside_is_markup() -> None:
    """Names of runs, choices, options, references, metrics and classes of data are only text."""
    evil = "<script>alert(1)</script>\"'&"
    target = evil.replace("(1)", "")  # whose name has brackets around settings alone
    given = [trial(0, 0.5, status="failed", reason=evil), *FULL[1:]]
    answers = {"width": 8, evil: evil}
    for i, t in enumerate(given):
        again = replace(t.proposal, architecture=Architecture({**answers, "width": i}))
        given[i] = replace(t, proposal=again, metrics={**t.metrics, f"latency_ms@{target}": 1.0})
    made = record(given, name=evil, status="done", tested={41: {"accuracy": 0.8}})
    made.reference = {"name": evil, "accuracy": 0.95, "seconds": 1.0}
    made.closed = {SEARCH: evil}
    choice = {"name": evil, "options": [evil, "b"]}
    made.settings = {
        **SETTINGS,
        "space": {**SETTINGS["space"], "name": evil, "choices": [choice], "digest": evil},
        "data": {"name": evil, "classes": [evil], "test": 10},
        "strategy": {"name": evil},
        "targets": [{"name": evil}],
        "machine": {evil: evil},
    }
    chances = {evil: [0.5, 0.5]}
    made.shared = {e: {"epoch": e, "loss": 1.0, "seconds": 1.0, "chances": chances} for e in (1, 2)}
    made.sketches = {41: sketch(nn.Sequential(nn.Linear(4, 2)), (4,)).to_json()}
    text = page(made)
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "<script" not in text
    assert all(re.fullmatch("[a-z-]+", name) for name in parser.attributes)
    said = "".join(parser.texts)
    for part in (
        *("run {}", "netwright resume {}", "strategyname {}", "{} reaches", "{}: 9 members, "),
        "test accuracy of {}",
    ):
        assert part.format(evil) in said, part
    assert f"latency, {target}" in said


def test_the_file_is_there_whole(tmp_path: Path) -> None:
    write_report(RECORDS["full"], tmp_path / "new" / "r.html")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["r.html"]


def test_the_expected_best_is_that_of_all_draws() -> None:
    values = [0.1, 0.4, 0.2, 0.4]
    found = expected_best(record([trial(i, v) for i, v in enumerate(values)]))
    assert found is not None
    assert not found.measured
    for k in range(1, 5):
        maxima = [max(draw) for draw in product(values, repeat=k)]
        assert found.mean[k - 1] == pytest.approx(np.mean(maxima))
        assert found.deviation[k - 1] == pytest.approx(np.std(maxima), abs=1e-9)


def test_the_baseline_is_used_where_there_is_one() -> None:
    found = expected_best(RECORDS["baseline"])
    assert found is not None
    assert found.measured
    assert len(found.mean) == 6


def test_networks_that_were_bred_are_not_random() -> None:
    bred = [trial(i, 0.5, parent=0) for i in range(1, 5)]
    assert expected_best(record([trial(0, 0.5), *bred])) is None


def test_the_choice_that_matters_is_found() -> None:
    found = importances(record(many(60)))
    assert found[0].choice == "width"
    assert found[0].share > 0.8
    assert sum(i.share for i in found) == pytest.approx(1.0)
    assert importances(record(many(29))) == []
    options = dict((o[0], o[2]) for o in found[0].options)
    assert options["19"] > options["1"]


def test_best_so_far() -> None:
    trials = [trial(i, a) for i, a in enumerate([0.2, 0.5, 0.3])]
    assert best_so_far(trials, maximize("accuracy")) == [0.2, 0.5, 0.5]


def test_the_interval_is_wilsons() -> None:
    low, high = interval(0.0, 10)
    assert (low, high) == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.2775, abs=1e-4))
    assert interval(0.89, 1000) == pytest.approx((0.8691, 0.9079), abs=1e-4)
    assert interval(0.5, 0) == interval(math.nan, 10) == (0.0, 1.0)
    assert math.isclose(sum(interval(0.5, 400)), 1.0)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium to look at the page")
def test_a_browser_shows_it(tmp_path: Path) -> None:
    write_report(RECORDS["full"], tmp_path / "r.html")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    flags += "--disable-background-networking --disable-component-update --disable-sync"
    subprocess.run(
        ["chromium", *flags.split(), f"--user-data-dir={tmp_path / 'profile'}"]
        + [f"--screenshot={tmp_path / 'r.png'}", f"file://{tmp_path / 'r.html'}"],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert (tmp_path / "r.png").stat().st_size > 20_000


def test_finalists_tell_what_the_last_final_answered_anew(tmp_path: Path) -> None:
    first = trial(0, 0.8)
    answers = dict(first.architecture.answers)
    last = [
        Trial(
            number,
            Proposal(Architecture({**answers, **late}), Budget(10), 0, Stage.final(1)),
            "done",
            {"accuracy": 0.9, "latency_ms@pytorch": 0.1, "params": 100.0},
            (),
            2.0,
            1.5,
        )
        for number, late in ((1, {"kind": "a"}), (2, {"kind": "c"}))
    ]
    html = page(record([first, *last]))
    table = html[html.index("Finalists") :]
    table = table[: table.index("</table>")]
    assert "<th>kind</th>" in re.sub(r"<th[^>]*>", "<th>", table)
    assert "width" not in table


def test_what_a_strategy_chose_is_not_taken_for_random() -> None:
    chosen = record([trial(i, v) for i, v in enumerate([0.5, 0.6, 0.7])])
    assert expected_best(chosen) is not None
    chosen.settings = {**chosen.settings, "strategy": {"name": "Auto", "settings": {}}}
    assert expected_best(chosen) is None
    assert "`baseline`" in page(chosen)


def test_a_metric_of_the_users_own_is_said_where_accuracy_would_be() -> None:
    """Of a training of the user's own, whose objective no task knows."""
    trials = [
        replace(each, metrics={"error": 1 / (each.number + 2), "params": 9.0}, curve=())
        for each in [trial(0, 0.5), trial(1, 0.5, stage=Stage.final(1), parent=0)]
    ]
    settings = SETTINGS | {"task": None, "data": None, "limits": [], "finals": [[1, 9]]}
    settings |= {"objectives": [{"metric": "error", "direction": "minimize"}]}
    made = record(trials, settings=settings, status="done", tested={1: {"error": 0.25}})
    text = page(made)
    assert "0.25 test error" in text and "0.33333" in text
    assert "best of 1 finalist by validation error" in text
    assert "0.5 → 0.33333" in text and "1 network for 9 epochs" in text
    told = output.result_lines(made)
    assert told[0] == "test error           0.25" and told[1] == "validation error     0.33333"
    assert told[-1].endswith("; then 1 longer training; 1 min 0 s")
    assert output.run_line(made).endswith("best 0.33333")


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ([("error", "minimize")], ("error", "accuracy", "loss")),
        ([("loss", "minimize")], ("loss", "accuracy")),
        ([("accuracy", "maximize"), ("params", "minimize")], ("accuracy", "loss")),
        ([("latency_ms@pytorch", "minimize"), ("f1", "maximize")], ("f1", "accuracy", "loss")),
        ([], ("accuracy", "loss")),
    ],
)
def test_metrics_without_a_task_are_those_of_the_objectives(wanted, names) -> None:
    objectives = [{"metric": metric, "direction": direction} for metric, direction in wanted]
    assert tuple(m.name for m in metrics_of({"task": None, "objectives": objectives})) == names


def test_notes_are_in_the_words_of_the_command_line() -> None:
    made = record(
        [trial(0, 0.7)], losses={"test": "Too little time: give more `search(minutes=...)`."}
    )
    assert output.document(made)["notes"] == ["Too little time: give more `--minutes`."]
