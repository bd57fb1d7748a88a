import json

import numpy as np
import pytest

import netwright as nw
from estimated import QUICK
from netwright.errors import ExportError, SettingError, StoreError


@pytest.fixture(scope="module")
def folder(fitted, tmp_path_factory):
    return fitted.save(tmp_path_factory.mktemp("saved"))


def test_what_is_saved_is_loaded_and_answers_alike(fitted, folder, table) -> None:
    frame, label = table
    again = nw.load(folder)
    assert isinstance(again, nw.NetClassifier)
    assert np.allclose(again.predict_proba(frame), fitted.predict_proba(frame), atol=1e-6)
    assert again.score(frame, label) == fitted.score(frame, label)
    assert again.get_params() == fitted.get_params()
    assert again.feature_names_in_.tolist() == fitted.feature_names_in_.tolist()
    with pytest.raises(ValueError, match="feature names should match"):
        again.predict(frame[["city", "size", "day", "gap"]])
    with pytest.raises(StoreError, match="no log"):
        again.report()
    with pytest.raises(StoreError, match="copy the folder"):
        again.save(folder)


def test_the_program_takes_the_place_of_the_source(fitted, folder, table, tmp_path) -> None:
    for file in ("estimator.json", "model.pt2"):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    found = nw.load(tmp_path).predict_proba(table[0])
    assert np.allclose(found, fitted.predict_proba(table[0]), atol=1e-6)


def test_numbers_and_images_are_saved(tmp_path) -> None:
    x = np.random.default_rng(0).normal(size=(20, 5, 5)).astype(np.float32)
    y = x.mean((1, 2))
    found = nw.NetRegressor(**QUICK | {"full_epochs": 2, "random_state": None}).fit(x, y)
    again = nw.load(found.save(tmp_path / "images"))
    assert np.allclose(again.predict(x), found.predict(x), atol=1e-5)


def test_settings_that_are_no_json_are_left_out(tmp_path, table) -> None:
    given = QUICK | {"random_state": np.random.RandomState(0), "full_epochs": 1}
    found = nw.NetClassifier(**given).fit(*table)
    assert nw.load(found.save(tmp_path / "out")).random_state is None


def test_a_folder_that_is_none_is_refused(folder, tmp_path) -> None:
    with pytest.raises(ExportError, match="no estimator"):
        nw.load(tmp_path)
    body = json.loads((folder / "estimator.json").read_text(encoding="utf-8"))
    for change in ({"format": "x"}, {"kind": "Pipeline"}, {"encoding": {"kind": "columns"}}):
        (tmp_path / "estimator.json").write_text(json.dumps(body | change), encoding="utf-8")
        with pytest.raises(ExportError, match="version"):
            nw.load(tmp_path)
    (tmp_path / "estimator.json").write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(ExportError, match=r"no model.py and no model.pt2"):
        nw.load(tmp_path)
    (tmp_path / "model.py").write_text("broken", encoding="utf-8")
    with pytest.raises(ExportError, match="cannot be loaded"):
        nw.load(tmp_path)


def test_a_folder_with_other_files_is_not_written(fitted, tmp_path) -> None:
    (tmp_path / "model.py").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingError, match="not of an export"):
        fitted.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.py"]
