"""Estimators learn from texts, series and recordings too: numpy in, names out, alike once saved."""

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from estimated import QUICK
from netwright.errors import DataError, SettingError

RNG = np.random.default_rng(0)
FEW = QUICK | {"full_epochs": 4, "ensemble": 1, "training": {"folds": 1}}


def words() -> tuple[list[str], list[str]]:
    texts = [f"{('good fine', 'bad poor')[row % 2]} film {row}" for row in range(40)]
    return texts, [("up", "down")[row % 2] for row in range(40)]


def waves(length: int, spread: int) -> list[np.ndarray]:
    return [
        np.sin(np.arange(length + row % 5 * spread) * (0.2 if row % 2 else 0.9))
        for row in range(40)
    ]


def check(found, rows, y, folder) -> np.ndarray:
    """What it answers, the same after it was saved; one row alone is answered alike."""
    answers = found.predict(rows)
    assert isinstance(answers, np.ndarray) and len(answers) == len(y)
    again = nw.load(found.save(folder))
    assert (again.predict(rows) == answers).all()
    assert np.allclose(again.predict_proba(rows), found.predict_proba(rows), atol=1e-5)
    assert again.kind == found.kind and again.rate == found.rate
    assert np.allclose(found.predict_proba(rows[:1])[0], found.predict_proba(rows)[0], atol=1e-5)
    assert set(answers) <= set(y)
    return answers


def test_texts(tmp_path) -> None:
    texts, y = words()
    found = nw.NetClassifier(**FEW).fit(np.array(texts), y)
    answers = check(found, texts, y, tmp_path / "o")
    assert found.n_features_in_ == 1 and (answers == y).mean() > 0.6
    assert len(found.predict(["", "漢字 never seen", None])) == 3
    with pytest.raises(DataError, match=r"must be a text, got 3"):
        found.predict([3, 4])
    for one in ("good", pd.DataFrame({"text": ["good", "bad"]})):
        with pytest.raises(DataError, match="must be a list of texts, or a column of a table"):
            found.predict(one)


def test_series_of_one_length_and_of_several(tmp_path) -> None:
    y = np.arange(40) % 2
    x = np.stack([np.stack([wave, wave[::-1]]) for wave in waves(24, 0)])
    x[3, 0, 5] = np.nan
    found = nw.NetClassifier(**FEW, kind="series").fit(x, y)
    assert found.predict(x[:3]).shape == (3,)
    assert found.n_features_in_ == 2
    with pytest.raises(ValueError, match="X has 1 channels, but NetClassifier is expecting 2"):
        found.predict(x[:, :1])
    ragged = nw.NetClassifier(**FEW).fit(waves(24, 3), y)
    assert ragged.learnt_kind == "series"
    check(ragged, waves(24, 3), y, tmp_path / "several")
    assert ragged.predict([waves(24, 3)[0], waves(24, 3)[0]]).shape == (2,)  # of one length now


def test_recordings_and_their_rate(tmp_path) -> None:
    y = np.array(["low", "high"])[np.arange(20) % 2]
    sounds = [(wave * 0.5).astype(np.float32) for wave in waves(800, 40)[:20]]
    found = nw.NetClassifier(**FEW | {"full_epochs": 1}, kind="sound", rate=8000).fit(sounds, y)
    check(found, sounds, y, tmp_path / "o")


def test_numbers_of_texts() -> None:
    texts, _ = words()
    y = np.array([len(text) + 0.5 for text in texts])
    found = nw.NetRegressor(**FEW).fit(texts, y)
    answers = found.predict(texts)
    assert answers.shape == (40,) and answers.dtype == np.float32 and np.isfinite(answers).all()


@pytest.mark.parametrize(
    ("given", "rows", "said"),
    [
        ({"kind": "words"}, waves(9, 0), r"`NetClassifier\(kind=...\)` must be one of table, ima"),
        ({"kind": "sound"}, waves(9, 0), r"`NetClassifier\(rate=...\)` must say the rate of recor"),
        ({"rate": 8000}, waves(9, 0), r'`NetClassifier\(rate=...\)` must have `kind="sound"`, got'),
        ({"kind": "sound", "rate": 8}, waves(9, 0), "whole number of Hz from 1000 to 192000"),
        ({"kind": "text"}, np.zeros((40, 2)), "X must be a list of texts, or a column of a table"),
        ({"kind": "table"}, np.zeros((40, 2, 2)), "X must hold table, as .* got other rows"),
        ({"kind": "images"}, np.zeros((40, 2)), "X must hold images, as .* got other rows"),
    ],
)
def test_what_does_not_fit_the_kind_is_refused(given, rows, said) -> None:
    with pytest.raises((SettingError, DataError), match=said):
        nw.NetClassifier(**FEW, **given).fit(rows, np.arange(40) % 2)
