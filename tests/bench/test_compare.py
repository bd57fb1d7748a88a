import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from scipy.stats import friedmanchisquare, rankdata, wilcoxon

from netwright.bench import Course, Table
from netwright.bench.analysis import curve, evaluations_to, ranks, regret_area, values_at
from netwright.bench.compare import (
    SETTINGS,
    Comparison,
    Searched,
    begin,
    by_strategy,
    load,
    read,
    run,
)
from netwright.bench.page import comparison_page
from netwright.bench.results import terminal_table
from netwright.errors import DataError, SettingError
from netwright.strategies import LocalSearch, RandomSearch
from netwright.testing.spaces import READY

STRATEGIES = {"random": RandomSearch(), "local-search": LocalSearch(2)}


def opened(name, space):
    """A table of a ready space in which convolutions are worth something."""
    space = READY["forest"]()
    members = list(space.enumerate())
    worth = np.array([sum("conv" in str(v) for v in m.answers.values()) for m in members])
    noise = np.random.default_rng(0).random(len(members))
    columns = {"signal": worth + noise, "test": worth.astype(float), "seconds": 1 + noise}
    return Table(space, members, columns, "made up")


def comparison(**given):
    body = {
        "table": "made up",
        "space": None,
        "strategies": ("random", "local-search"),
        "seeds": 6,
        "signal": "signal",
        "report": ("test",),
        "evaluations": 20,
    }
    return Comparison(**(body | given))


def test_all_searches_are_made_once_and_more_seeds_go_on(tmp_path):
    run(comparison(), STRATEGIES, tmp_path / "b", opened, processes=1)
    first = {(s.strategy, s.seed): s.course.rows.tolist() for s in read(tmp_path / "b")}
    assert len(first) == 12
    run(comparison(seeds=8), STRATEGIES, tmp_path / "b", opened, processes=2)
    again = {(s.strategy, s.seed): s.course.rows.tolist() for s in read(tmp_path / "b")}
    assert len(again) == 16 and first.items() <= again.items()
    assert load(tmp_path / "b").seeds == 8


def test_another_comparison_in_the_same_folder_is_refused(tmp_path):
    run(comparison(seeds=1), STRATEGIES, tmp_path / "b", opened, processes=1)
    with pytest.raises(SettingError, match="holds another comparison: evaluations was 20, got 30"):
        run(comparison(evaluations=30), STRATEGIES, tmp_path / "b", opened, processes=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    with pytest.raises(SettingError, match="must be a new or empty folder"):
        run(comparison(), STRATEGIES, tmp_path / "other", opened, processes=1)


def test_a_line_that_a_kill_cut_off_is_made_again(tmp_path):
    run(comparison(seeds=2), STRATEGIES, tmp_path / "b", opened, processes=1)
    path = tmp_path / "b" / "courses.jsonl"
    whole = path.read_text()
    path.write_text(whole[:-40])
    assert len(list(read(tmp_path / "b"))) == 3
    run(comparison(seeds=2), STRATEGIES, tmp_path / "b", opened, processes=1)
    found = {(s.strategy, s.seed) for s in read(tmp_path / "b")}
    assert len(found) == 4
    path.write_text("{}\n" + whole)
    with pytest.raises(DataError, match=r"line 1, is damaged"):
        list(read(tmp_path / "b"))


@pytest.mark.thorough
def test_a_killed_command_goes_on_where_it_was(tmp_path):
    opened("", None).save(tmp_path / "t.safetensors")
    command = [sys.executable, "-m", "netwright", "bench", "run", "--table", "t.safetensors"]
    command += ["--strategies", "random,reinforce", "--signal", "signal", "--evaluations", "40"]
    command += ["--seeds", "10", "--out", "b", "--quiet", "--json", "--processes", "1"]
    killed = subprocess.Popen(command, cwd=tmp_path, start_new_session=True)
    path = tmp_path / "b" / "courses.jsonl"
    for _ in range(600):
        if path.exists() and path.read_bytes().count(b"\n") >= 3:
            break
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    before = [(s.strategy, s.seed) for s in read(tmp_path / "b")]
    assert 3 <= len(before) < 20
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    found = [(s.strategy, s.seed) for s in read(tmp_path / "b")]
    assert found[: len(before)] == before and len({*found}) == len(found) == 20
    body = json.loads(ended.stdout)
    assert body["strategies"]["random"]["seeds"] == 10
    assert (tmp_path / "b" / "report.html").is_file()
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(tmp_path / "b" / "results.parquet")
    assert len(frame) == 20 * 40 and {"strategy", "seed", "best_signal"} <= {*frame.columns}


def searched(name, seed, rows):
    course = Course(np.array(rows), np.arange(1.0, len(rows) + 1), np.zeros(len(rows), int))
    return Searched(name, seed, course, 0.1)


@pytest.fixture
def tiny():
    table = opened("", None)
    values = np.arange(len(table), dtype=float)
    return Table(table.space, table.architectures, {"signal": values, "test": -values}, "tiny")


def test_values_at_budgets_are_those_of_the_best_by_the_signal(tiny):
    made = comparison(seeds=2, evaluations=4)
    found = [searched("random", 0, [5, 2, 9, 7]), searched("random", 1, [1, 3, 2, 0])]
    assert values_at(made, tiny, found, "signal", 2).tolist() == [5, 3]
    assert values_at(made, tiny, found, "test", 4).tolist() == [-9, -3]
    timed = comparison(evaluations=None, seconds=4.0, cost="signal")
    assert values_at(timed, tiny, found, "signal", 3.5).tolist() == [9, 3]
    assert np.isnan(values_at(timed, tiny, found, "signal", 0.5)).all()


def test_evaluations_to_a_quality(tiny):
    made = comparison(evaluations=4)
    best = len(tiny) - 1
    found = [searched("a", 0, [0, best, 1, 2]), searched("a", 1, [0, 1, 2, best - 1])]
    assert evaluations_to(made, tiny, found, 0.0).tolist() == [2, np.inf]
    assert evaluations_to(made, tiny, found, 0.01).tolist() == [2, 4]


def test_the_area_of_regret_and_the_curve(tiny):
    made = comparison(evaluations=2)
    found = [searched("a", seed, [best, best]) for seed, best in enumerate((10, 20))]
    top = len(tiny) - 1
    assert regret_area(made, tiny, found).tolist() == pytest.approx([top - 10, top - 20], rel=0.01)
    drawn = curve(made, tiny, found, "signal")
    assert drawn.mean.tolist() == [15] * len(drawn.mean)
    assert drawn.band[-1] == pytest.approx(1.96 * np.std([10, 20], ddof=1) / np.sqrt(2))


def test_ranks_and_their_tests_are_those_of_the_paper():
    """Demšar 2006, section 3.2.2: four classifiers on 14 data sets differ by 1.25 or at random."""
    rng = np.random.default_rng(0)
    values = {name: rng.random(14) + 0.2 * place for place, name in enumerate("abcd")}
    found = ranks(values)
    placed = rankdata(-np.array([*values.values()]), axis=0)
    assert found.seeds == 14
    assert [*found.mean.values()] == pytest.approx(placed.mean(axis=1).tolist())
    assert round(found.difference, 2) == 1.25
    assert found.friedman == pytest.approx(friedmanchisquare(*values.values()).pvalue)
    raw = {pair: wilcoxon(values[pair[0]], values[pair[1]]).pvalue for pair in found.pairs}
    first = min(raw, key=raw.get)
    assert found.pairs[first] == pytest.approx(min(1.0, 6 * raw[first]))  # Holm, of six pairs
    assert all(raw[pair] <= p <= 1 for pair, p in found.pairs.items())


def test_ranks_need_two_of_each():
    assert ranks({"a": np.ones(5)}) is None
    assert ranks({"a": np.ones(1), "b": np.ones(1)}) is None
    same = ranks({"a": np.ones(4), "b": np.ones(4), "c": np.ones(4)})
    assert same.friedman == 1.0 and set(same.pairs.values()) == {1.0}


def test_the_page_says_what_was_compared(tmp_path):
    made, table = comparison(), opened("", None)
    run(made, STRATEGIES, tmp_path / "b", opened, processes=1)
    found = by_strategy(made, list(read(tmp_path / "b")))
    page = comparison_page(made, table, found)
    assert page.count("<svg") == 2  # the reported column, and the signal
    for part in ("2 strategies on made up", "random", "local-search", "critical difference",
                 "<td>no</td><td>Several runs") :  # fmt: skip
        assert (part in page) == (not part.startswith("<td>no")), part


def test_names_in_the_page_are_text(tmp_path):
    evil = "<script>alert(1)</script>\"'&"
    made, table = comparison(seeds=2, minimize="seconds"), opened("", None)
    run(made, STRATEGIES, tmp_path / "b", opened, processes=1)
    searched_by = by_strategy(made, list(read(tmp_path / "b")))
    columns = {evil: table.column("signal"), f"{evil}ms": table.column("seconds")}
    evil_table = Table(table.space, table.architectures, columns, evil)
    named = comparison(seeds=2, signal=evil, report=(f"{evil}ms",), minimize=f"{evil}ms")
    page = comparison_page(
        named, evil_table, {evil: searched_by["random"], "b": searched_by["random"]}
    )
    assert "<script" not in page and "alert(1)</script>" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;") > 20


def test_the_terminal_gets_a_row_for_each_strategy(tmp_path):
    made, table = comparison(seeds=2, minimize="seconds"), opened("", None)
    run(made, STRATEGIES, tmp_path / "b", opened, processes=1)
    found = by_strategy(made, list(read(tmp_path / "b")))
    head, *rows = terminal_table(made, table, {**found, "[none]": []}).splitlines()
    assert " ".join(head.split()) == "strategy seeds test signal to the best CPU s front, %"
    assert [row.split()[:2] for row in rows] == [["random", "2"], ["local-search", "2"]]
    value = values_at(made, table, found["random"], "test", made.budget)
    assert f"{value.mean():.5g} ± {value.std():.2g}" in rows[0]
    assert max(map(len, terminal_table(made, table, found, width=60).splitlines())) <= 60


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"evaluations": None}, "must have one budget"),
        ({"seconds": 4.0}, "must have one budget"),
        ({"seeds": 0}, "`--seeds` must be at least 1"),
        ({"strategies": ()}, "must be names, each once"),
        ({"strategies": ("random", "random")}, "must be names, each once"),
    ],
)
def test_wrong_comparisons_are_refused(given, part):
    with pytest.raises(SettingError, match=part):
        comparison(**given)


def test_a_folder_without_a_comparison_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no comparison"):
        load(tmp_path)


def test_a_folder_of_a_version_with_fewer_settings_can_be_read(tmp_path):
    made = comparison()
    begin(made, tmp_path)
    body = json.loads((tmp_path / SETTINGS).read_text(encoding="utf-8"))
    older = {name: value for name, value in body.items() if name not in ("inputs", "outputs")}
    (tmp_path / SETTINGS).write_text(json.dumps(older), encoding="utf-8")
    assert load(tmp_path) == made
    (tmp_path / SETTINGS).write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="holds no comparison"):
        load(tmp_path)
