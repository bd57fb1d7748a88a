"""Settings as text: literals only, whatever is thrown at them."""

import builtins
import math
from keyword import iskeyword

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.errors import SettingError
from netwright.settings.literal import Call, parse_call, parse_settings, split_calls

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda n: not iskeyword(n))
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(ATOMS.filter(lambda key: not isinstance(key, bool)), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_python_writes_is_read_back(values):
    text = ", ".join(f"{key}={value!r}" for key, value in values.items())
    assert parse_settings("--training", text) == values
    assert parse_call("--strategy", f" p-darts ({text}) ") == Call("p-darts", values)


PARTS = st.sampled_from(
    ["bomb()", "bomb", "f'{bomb()}'", "[bomb() for _ in 'ab']", "(lambda: bomb())()", "a=", "="]
    + [")", ",", "darts", "darts(", "*bomb()", "**bomb()", "__import__('bomb')", "1", "-", "--1"]
    + ["'", '"', "\\", "\n", "\0", "#", "1e999", "1j", "b'x'", "...", "{", "}", "[", "]", ":", "("]
    + ["not 1", "1+1", "x:=bomb()", "await bomb()", "yield", "{1, 2}", "a=1", ",b=2", "é", "1:2"]
    + ["9" * 5000]
)


@settings(max_examples=1500)
@given(st.lists(PARTS, max_size=8).map("".join) | st.text(max_size=30))
def test_nothing_is_evaluated_whatever_is_written(text):
    went_off: list[object] = []
    builtins.bomb = lambda *given: went_off.append(given)
    try:
        for parse in (parse_call, parse_settings):
            try:
                found = parse("--strategy", text)
            except SettingError as error:
                assert "`--strategy` must be" in str(error)  # noqa: PT017 - either is right
            else:
                values = found.settings if isinstance(found, Call) else found
                assert all(is_literal(value) for value in values.values())
        split_calls(text)
    finally:
        del builtins.bomb
    assert went_off == []


def is_literal(value):
    if isinstance(value, dict):
        return all(is_literal(each) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return all(map(is_literal, value))
    return value is None or type(value) in (bool, int, str) or math.isfinite(value)


@pytest.mark.parametrize("deep", ["(" * 5000, "[" * 900 + "]" * 900, "-" * 3000 + "1", "{1:" * 500])
def test_what_is_nested_too_deep_is_refused(deep):
    with pytest.raises(SettingError, match="`--strategy` must be written as name"):
        parse_call("--strategy", f"darts(a={deep})")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("darts(5)", "a value without a name"),
        ("darts(**{'a': 1})", "a value without a name"),
        ("darts(a=1, a=2)", "gives 'a' twice"),
        ("darts(a=print)", "has for 'a' what is no literal"),
        ("darts(a=1e999)", "has for 'a' what is no literal"),
        ("darts(a=1)(b=2)", "has more than settings"),
        ("darts(a=1", "has more than a name and settings in brackets"),
        ("darts(a=)", "has settings that cannot be read"),
        ("darts epochs=5", "has more than a name and settings in brackets"),
        (f"darts(a='{'x' * 10_000}')", "is longer than 10,000 characters"),
    ],
)
def test_what_is_refused_says_why(text, why):
    with pytest.raises(SettingError, match=why):
        parse_call("--strategy", text)
    with pytest.raises(SettingError, match="must be a name such as"):
        parse_call("--strategy", "(a=1)")


def test_calls_are_split_at_commas_outside_of_brackets_and_texts():
    text = "auto, npenas(members=3, parents=4),optuna(sampler='a,)\\'b'),, random"
    assert split_calls(text) == [
        "auto", "npenas(members=3, parents=4)", "optuna(sampler='a,)\\'b')", "random",
    ]  # fmt: skip
