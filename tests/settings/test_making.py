"""Settings of whatever has a name, given with the name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netwright as nw
from netwright.errors import NetwrightError, SettingError
from netwright.oneshot.names import ONE_SHOT, search_named
from netwright.settings.literal import Call
from netwright.settings.making import known_settings, made
from netwright.spaces.names import ready_space
from netwright.stopping import Stopped
from netwright.strategies.names import NAMED
from netwright.testing.spaces import SPACES


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("darts(epochs=5)", nw.DARTS(epochs=5)),
        ("darts-second-order(batch=32)", nw.DARTS(order=2, batch=32)),
        ("few-shot(finder='evolution(population=9)')",
         nw.FewShot(finder=nw.RegularizedEvolution(population=9))),
        ("enas(controller='reinforce(clip=0.2)')", nw.ENAS(controller=nw.REINFORCE(clip=0.2))),
        ("hyperband(strategy='local-search', budgets=[2, 4])",
         Stopped(nw.LocalSearch(), nw.Hyperband((2, 4)))),
        ("hyperband-auto(eta=2)", Stopped(nw.Auto(), nw.Hyperband(eta=2))),
        ("asha(strategy='evolution(population=9)')",
         Stopped(nw.RegularizedEvolution(population=9), nw.ASHA())),
        ("optuna-gp", nw.Optuna("gp")),
        ("reinforce(clip=None, learning_rate=1)", nw.REINFORCE(clip=None, learning_rate=1)),
    ],
)  # fmt: skip
def test_a_strategy_takes_its_settings(text, strategy):
    assert search_named("--strategy", text) == strategy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("darts(epoch=5)", r"darts has no setting 'epoch'; did you mean 'epochs'\? Its settings "
         r"are epochs=25, batch=64, .*order=1\."),
        ("random(a=1)", "random has no setting 'a'. It has no settings."),
        ("darts(epochs='5')", r"`--strategy: darts\(epochs=...\)` must be a whole number, got '5'"),
        ("darts(epochs=True)", "must be a whole number, got True"),
        ("gdas(hottest='x')", r"gdas\(hottest=...\)` must be a number, got 'x'"),
        ("darts(memory_mib='x')", "must be a number or None, got 'x'"),
        ("darts(order=3)", r"`--strategy`: `darts\(order=...\)` must be 1 or 2, got 3"),
        ("few-shot(finder=3)", "must be the name of a Strategy or None, got 3"),
        ("few-shot(finder='evolutoin')", r"few-shot\(finder=...\)` must be one of .*'evolution'"),
        ("enas(controller='random')", r"`enas\(controller=...\)` must be a `REINFORCE\(\)`"),
        ("hyperband(budgets=(1, 2.5))", "must be a tuple or list of a whole number each, got"),
        ("hyperband(strategy=3)", r"\(strategy=...\)` must be the name of a strategy, got 3"),
        ("hyperband(strategy='evolutoin')", r"\(strategy=...\)` must be one of .*evolution"),
        ("hyperband-auto(strategy='random')", "hyperband has no setting 'strategy'"),
        ("hyperband(eta=1)", r"`hyperband\(eta=...\)` must be a whole number, at least 2, got 1"),
        ("darst(epochs=5)", "`--strategy` must be one of .*got 'darst'; did you mean 'darts'"),
    ],
)  # fmt: skip
def test_what_a_strategy_refuses_is_said_in_the_words_of_the_command_line(text, said):
    with pytest.raises(SettingError, match=said):
        search_named("--strategy", text)


LITERALS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 300), st.floats(allow_nan=False), st.text(max_size=5),
    st.sampled_from(["random", "evolution", "nothing"]), st.lists(st.integers(0, 9), max_size=3),
)  # fmt: skip


@given(st.data())
def test_any_literals_give_a_strategy_or_a_refusal(data):
    name = data.draw(st.sampled_from([*NAMED, *ONE_SHOT]))
    made_by = {**NAMED, **ONE_SHOT}[name].made_by
    keys = st.sampled_from([*known_settings(made_by), "nothing"])
    values = data.draw(st.dictionaries(keys, LITERALS, max_size=3))
    text = ", ".join(f"{key}={value!r}" for key, value in values.items() if value == value)
    try:
        strategy = search_named("--strategy", f"{name}({text})")
    except SettingError as error:
        assert "`--strategy" in str(error)  # noqa: PT017 - either is right
    else:
        assert type(strategy) is made_by


def test_ready_spaces_take_their_settings():
    space = ready_space("--space", "nasbench201(cells=1, channels=4)", (3, 8, 8), 4)
    assert space.digest == nw.spaces.nasbench201((3, 8, 8), 4, cells=1, channels=4).digest
    assert ready_space("--space", "mobilenet-v3(width=0.25)", (3, 16, 16), 4).name
    with pytest.raises(SettingError, match="nasbench201 has no setting 'cell'; did you mean"):
        ready_space("--space", "nasbench201(cell=1)", (3, 8, 8), 4)
    with pytest.raises(SettingError, match=r"must be one of .*or FILE.py:FUNCTION, got 'nasbench'"):
        ready_space("--space", "nasbench(cells=1)", (3, 8, 8), 4)
    with pytest.raises(NetwrightError):
        ready_space("--space", "nasbench201(inputs=1)", (3, 8, 8), 4)


def test_a_search_takes_settings_with_the_name(tmp_path):
    given = {"trials": 2, "finals": [], "workers": 0, "store": tmp_path / "runs.db", "refit": False}

    def train(model, epochs):
        return {"accuracy": 0.5}

    run = nw.search(SPACES["flat"](), train, strategy="local-search(starts=2)", **given)
    assert run.plan.strategy == nw.LocalSearch(starts=2)
    with pytest.raises(
        SettingError, match=r"`search\(strategy=...\)`: `local-search\(starts=...\)"
    ):
        nw.search(SPACES["flat"](), train, strategy="local-search(starts=0)", **given)


@dataclass
class Kinds:
    """One field of each kind."""

    whole: int = 1
    number: float = 1.0
    word: Literal["a", "b"] = "a"
    pair: tuple[int, float] = (1, 1.0)
    many: Sequence[str] = ()
    table: dict[str, int] | None = None
    call: Callable[[], int] | None = None
    anything: Any = None


@pytest.mark.parametrize(
    ("key", "right", "wrong"),
    [
        ("whole", 2, 2.0),
        ("number", 2, "2"),
        ("word", "b", "c"),
        ("pair", (1, 2), (1, 2, 3)),
        ("many", ["a"], [1]),
        ("table", {"a": 1}, []),
        ("call", None, "print"),
    ],
)
def test_kinds_are_those_of_the_annotations(key, right, wrong):
    assert getattr(made("--kinds", Call("kinds", {key: right}), Kinds), key) == right
    with pytest.raises(SettingError, match=rf"`--kinds: kinds\({key}=...\)` must be "):
        made("--kinds", Call("kinds", {key: wrong}), Kinds)
    assert made("--kinds", Call("kinds", {"anything": wrong}), Kinds).anything == wrong
