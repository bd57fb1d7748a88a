import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import netwright as nw
from estimated import QUICK
from netwright.errors import LimitError, SettingError, StoreError
from netwright.estimators import searching
from netwright.run.plan import Plan


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 4))
    return x, (x[:, 0] + x[:, 1] > 0).astype(int)


@pytest.fixture
def plans(monkeypatch) -> list[Plan]:
    """The plans that are carried out, each as far as its beginning."""
    seen: list[Plan] = []

    def keep(plan, watch=None, *, spent=0.0):
        seen.append(plan)
        raise InterruptedError

    monkeypatch.setattr(searching, "carried_out", keep)
    return seen


def test_a_table_with_text_dates_and_gaps_is_learned_from(fitted, table) -> None:
    frame, label = table
    assert fitted.score(frame, label) > 0.7
    assert fitted.classes_.tolist() == ["long", "wide"]
    assert fitted.feature_names_in_.tolist() == list(frame.columns)
    assert fitted.n_features_in_ == 4
    assert any("dates" in remark for remark in fitted.remarks_)
    chances = fitted.predict_proba(frame[:5])
    assert chances.shape == (5, 2) and np.allclose(chances.sum(1), 1)
    assert fitted.best_.predict(frame[:5]) == fitted.predict(frame[:5]).tolist()


def test_an_array_of_objects_is_read_as_a_table(fitted, table) -> None:
    frame, label = table
    cells = frame.astype(object).to_numpy()
    found = nw.NetClassifier(**QUICK).fit(cells, label)
    assert np.allclose(found.predict_proba(cells), fitted.predict_proba(frame), atol=1e-6)
    assert not hasattr(found, "feature_names_in_")


def test_rows_may_have_new_words_and_new_gaps(fitted, table) -> None:
    other = table[0].copy()
    other["city"], other["size"] = "Lima", np.nan
    assert np.isfinite(fitted.predict_proba(other)).all()


def test_a_word_among_numbers_is_refused_by_name(fitted, table) -> None:
    with pytest.raises(ValueError, match="X cannot be encoded as what was learned from"):
        fitted.predict(table[0].assign(size="large"))
    infinite = table[0].copy()
    infinite.loc[3, "size"] = np.inf
    with pytest.raises(ValueError, match=r"X\['size'\] contains infinity"):
        fitted.predict(infinite)
    twice = pd.concat([table[0], table[0]], axis=1)
    with pytest.raises(ValueError, match="two columns called 'size'"):
        nw.NetClassifier(**QUICK).fit(twice, table[1])


def test_a_fit_follows_from_the_random_state(numbers) -> None:
    settings = QUICK | {"trials": 3, "trial_epochs": 2, "full_epochs": 4, "refit": True}
    x, y = numbers
    global_before = np.random.get_state()[1].copy()
    one, again = (nw.NetClassifier(**settings).fit(x, y).predict_proba(x) for _ in range(2))
    assert np.array_equal(one, again)
    assert np.array_equal(np.random.get_state()[1], global_before)
    other = nw.NetClassifier(**settings | {"random_state": 1}).fit(x, y)
    assert not np.allclose(one, other.predict_proba(x))


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_images_are_learned_from(kind: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (24, 8, 8, 3)).astype(np.uint8)
    x[:12] //= 4
    y = np.repeat([0, 1], 12)
    model = nw.NetClassifier if kind == "classifier" else nw.NetRegressor
    found = model(**QUICK | {"full_epochs": 2}).fit(x, y)
    assert found.run_.plan.space.name == "convnet x 5"  # of folds, for so few rows
    assert found.predict(x).shape == (24,)
    with pytest.raises(ValueError, match="rows of a table"):
        found.predict(np.zeros((2, 8)))


def test_several_numbers_are_predicted(numbers) -> None:
    x, _ = numbers
    y = np.stack([x[:, 0], 100 + 10 * x[:, 1]], 1)
    found = nw.NetRegressor(**QUICK | {"full_epochs": 40}).fit(x, y)
    assert found.predict(x).shape == (60, 2) and found.score(x, y) > 0.5


def test_few_rows_and_lone_classes_are_no_error() -> None:
    x = np.arange(12.0).reshape(-1, 1) % 5
    quick = QUICK | {"full_epochs": 1, "refit": True}
    for y in (["a"] * 11 + ["b"], list("abcdefghijkl")):
        assert set(nw.NetClassifier(**quick).fit(x, y).predict(x)) <= set(y)
    assert nw.NetClassifier(**quick).fit(x[:3], ["a", "b", "a"]).run_.status == "done"
    assert nw.NetRegressor(**quick).fit(x[:3], [1.0, 1.0, 1.0]).predict(x[:1]) == pytest.approx(
        1.0, abs=3
    )


def test_labels_are_given_back_as_they_were() -> None:
    x = np.linspace(-1, 1, 40)[:, None]
    for labels in ([True, False], [10, 2], ["11", "2"], [0.5, 1.5]):
        y = np.array(labels)[(x[:, 0] > 0).astype(int)]
        if y.dtype.kind == "f":
            y = y * 2  # whole numbers, as classes are
        found = nw.NetClassifier(**QUICK | {"full_epochs": 20}).fit(x, y)
        assert found.predict(x).dtype == y.dtype
        assert found.score(x, y) > 0.9


def test_classes_count_as_they_are_weighed(numbers) -> None:
    x, y = numbers
    unrelated = np.random.default_rng(3).permutation(y)  # so that weights alone decide
    for common, rare in ((0, 1), (1, 0)):
        weights = {common: 1000.0, rare: 0.001}
        found = nw.NetClassifier(**QUICK | {"full_epochs": 60}, class_weight=weights)
        assert (found.fit(x, unrelated).predict(x) == common).mean() > 0.9
    balanced = nw.NetClassifier(**QUICK, class_weight="balanced").fit(x[:50], y[:50])
    counts = np.bincount(y[:50])
    task = balanced.run_.plan.evaluator.task
    assert np.allclose(task.weights, 25 / counts)


def test_it_works_in_the_tools_of_scikit_learn(numbers) -> None:
    x, y = numbers
    line = make_pipeline(StandardScaler(), nw.NetClassifier(**QUICK))
    assert cross_val_score(line, x, y, cv=2).shape == (2,)
    grid = GridSearchCV(
        nw.NetClassifier(**QUICK), {"limits": [None, {"params": 3000}]}, cv=2, refit=False
    )
    assert len(grid.fit(x, y).cv_results_["mean_test_score"]) == 2
    assert clone(nw.NetClassifier(**QUICK)).get_params() == nw.NetClassifier(**QUICK).get_params()


def test_limits_and_metrics_are_kept(numbers) -> None:
    x, y = numbers
    found = nw.NetClassifier(
        **QUICK, limits={"params": 2000}, metric="neg_log_loss", space="mlp"
    ).fit(x, y)
    assert found.best_.metrics["params"] <= 2000
    (objective,) = found.run_.plan.objectives
    assert (objective.metric, objective.direction) == ("neg_log_loss", "maximize")
    assert nw.NetRegressor(**QUICK, metric="mae").fit(x, y).run_.plan.objectives[0].metric == "mae"


def test_a_space_of_ones_own_is_searched(numbers) -> None:
    from torch import nn

    def network(choose, inputs, outputs):
        return nn.Linear(inputs[0], outputs)

    found = nw.NetClassifier(**QUICK, space=network).fit(*numbers)
    assert found.run_.plan.space.name == "network"
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - though the function has no name to import
    assert np.array_equal(again.predict_proba(numbers[0]), found.predict_proba(numbers[0]))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"trials": 0}, r"`NetClassifier\(trials=...\)` must be a whole number above 0"),
        ({"metric": "acc"}, r"`NetClassifier\(metric=...\)` must be one of accuracy, loss"),
        ({"space": 3}, r"`NetClassifier\(space=...\)` must be a function of choices"),
        ({"space": "mpl"}, r"`NetClassifier\(space=...\)`"),
        ({"training": {"epochs": 3}}, "got 'epochs'; 'epochs' is `trial_epochs`"),
        ({"training": {"bach": 3}}, r"`NetClassifier\(training=...\)` may have average, batch"),
        ({"class_weight": ""}, r"`NetClassifier\(class_weight=...\)` must be \"balanced\""),
        ({"validation": 1.5}, "must be a fraction of the rows"),
    ],
)
def test_a_wrong_setting_is_said_by_its_name(wrong, said: str, numbers) -> None:
    estimator = nw.NetClassifier(**wrong)  # which does nothing yet
    with pytest.raises(SettingError, match=said):
        estimator.fit(*numbers)


def test_a_limit_that_cannot_be_met_is_refused(numbers) -> None:
    with pytest.raises(LimitError, match="cannot be met"):
        nw.NetClassifier(limits={"params": 1}).fit(*numbers)


def planned(plans: list[Plan], numbers, **settings) -> Plan:
    with pytest.raises(InterruptedError):
        nw.NetClassifier(**settings).fit(*numbers)
    return plans[-1]


def test_what_is_searched_by_default(plans, numbers) -> None:
    plan = planned(plans, numbers)
    assert plan.bounds == (10, None, None) and plan.finals == ((2, 200),)
    assert isinstance(plan.strategy, nw.RandomSearch) and plan.evaluator.epochs == 40
    assert not plan.rehearse and not plan.export and plan.workers == 0
    assert (plan.space.networks, plan.refit) == (5, False)
    more = planned(plans, numbers, trials=11)
    assert isinstance(more.strategy, nw.Auto)


def test_minutes_bound_the_search_instead(plans, numbers) -> None:
    plan = planned(plans, numbers, minutes=2)
    assert plan.bounds == (None, 2, None)
    assert plan.evaluator.full_epochs == nw.Training(plan.evaluator.data).full_epochs
    assert [networks for networks, _ in plan.finals] == [4]


def test_an_ensemble_has_a_fold_for_each_network(plans, numbers) -> None:
    plan = planned(plans, numbers, ensemble=3)
    assert (plan.space.networks, plan.evaluator.folds, plan.evaluator.repeats) == (3, 3, 1)
    assert not plan.refit  # together they have learned from all rows
    few = planned(plans, numbers, ensemble=3, training={"folds": 1})
    assert (few.evaluator.folds, few.refit) == (1, True)
    for alone in ({"ensemble": 1}, {"limits": {"params": 9999}}, {"training": {"folds": 1}}):
        one = planned(plans, numbers, **alone)
        assert (one.space.networks, one.refit) == (1, True)
    with pytest.raises(
        SettingError, match=r"NetClassifier\(ensemble=...\)` must be a whole number"
    ):
        nw.NetClassifier(ensemble=0).fit(*numbers)


def test_one_trial_is_trained_in_full_at_once(plans, numbers) -> None:
    plan = planned(plans, numbers, trials=1, full_epochs=7)
    assert plan.finals == () and plan.evaluator.epochs == 7


@pytest.mark.thorough
def test_a_run_with_minutes_ends_without_an_export(numbers) -> None:
    found = nw.NetClassifier(minutes=0.2, random_state=0).fit(*numbers)
    assert found.run_.status == "done" and found.run_.record.exported is None
    assert found.run_.record.time_plan.division.end < 9  # seconds that an export would take


def test_the_run_holds_no_rows_of_the_user(fitted) -> None:
    data = fitted.run_.plan.evaluator.data
    assert len(data.train) == len(data.validation) == 1
    assert not any(x.float().abs().sum() for x in data.train.x)


def test_a_store_of_the_user_has_the_run(tmp_path, numbers) -> None:
    x, y = numbers
    found = nw.NetClassifier(**QUICK, store=tmp_path / "runs.db").fit(x, y)
    before = found.predict_proba(x)
    assert nw.SQLiteStore(tmp_path / "runs.db").runs() == [found.run_.name]
    again = pickle.loads(pickle.dumps(found))  # noqa: S301
    assert again.best_.metrics == found.best_.metrics
    (tmp_path / "runs.db").unlink()
    assert np.array_equal(again.predict_proba(x), before)
    with pytest.raises(StoreError):
        again.report(tmp_path / "report.html")


def test_workers_find_the_same_and_leave_nothing(numbers, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    found = nw.NetClassifier(**QUICK, workers=1).fit(*numbers)
    here = nw.NetClassifier(**QUICK).fit(*numbers)
    x, _ = numbers
    assert np.allclose(found.predict_proba(x), here.predict_proba(x), atol=1e-5)
    assert list(tmp_path.iterdir()) == []
    assert found.best_.predict({f"x{place}": x[:1, place] for place in range(4)})
    assert found.report(tmp_path / "report.html").is_file()


def test_an_interrupted_fit_is_interrupted(numbers, monkeypatch) -> None:
    def stop(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(nw.Training, "evaluate", stop)
    with pytest.raises(KeyboardInterrupt):
        nw.NetClassifier(**QUICK).fit(*numbers)


def test_what_is_pickled_answers_in_another_process(fitted, table, tmp_path) -> None:
    for name, value in {"model": fitted, "rows": table[0]}.items():
        (tmp_path / name).write_bytes(pickle.dumps(value))
    code = (
        "import pickle, sys; from pathlib import Path; import numpy as np\n"
        "model, rows = (pickle.loads(Path(p).read_bytes()) for p in sys.argv[1:3])\n"
        "np.save(sys.argv[3], model.predict_proba(rows)); model.report(sys.argv[4])\n"
        "print(model.run_.best.metrics == model.best_.metrics)"
    )
    files = [str(tmp_path / name) for name in ("model", "rows", "found.npy", "report.html")]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr
    assert np.allclose(np.load(tmp_path / "found.npy"), fitted.predict_proba(table[0]), atol=1e-6)


def test_a_line_is_printed_for_each_trial(numbers, capsys) -> None:
    nw.NetClassifier(**QUICK, verbose=True).fit(*numbers)
    (line,) = capsys.readouterr().out.splitlines()
    assert "search 0: done accuracy=" in line


def test_importing_netwright_does_not_import_scikit_learn() -> None:
    code = "import sys, netwright; print('sklearn' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False False\n", done.stderr


def test_an_ensemble_of_other_folds_is_refused_before_the_first_training(numbers) -> None:
    wrong = nw.NetClassifier(**QUICK, ensemble=3)
    wrong.set_params(training={"folds": 5})
    with pytest.raises(SettingError, match=r"`Training\(folds=...\)` must be 3 for an ensemble"):
        wrong.fit(*numbers)
