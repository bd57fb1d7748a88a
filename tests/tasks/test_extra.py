"""Metrics that are asked for beside those of a task."""

import numpy as np
import pytest
import torch
from sklearn import metrics as known

import netwright as nw
from netwright.errors import EvaluationError, SettingError
from netwright.tasks import is_ours, task_from

RNG = np.random.default_rng(0)


def bias(targets: np.ndarray, outputs: np.ndarray) -> float:
    return -abs(float((outputs - targets).mean()))


def test_scorers_of_scikit_learn_say_what_they_say_there() -> None:
    y, logits = RNG.integers(0, 3, 90), torch.from_numpy(RNG.normal(size=(90, 3)))
    task = nw.Classification(
        ("a", "b", "c"), extra=("matthews_corrcoef", "roc_auc_ovr_weighted", "top_k_accuracy")
    )
    found = task.measure([(logits, torch.from_numpy(y))])
    chances = logits.softmax(1).numpy()
    assert found["matthews_corrcoef"] == pytest.approx(
        known.matthews_corrcoef(y, chances.argmax(1))
    )
    assert found["roc_auc_ovr_weighted"] == pytest.approx(
        known.roc_auc_score(y, chances, multi_class="ovr", average="weighted")
    )
    assert found["top_k_accuracy"] == pytest.approx(known.top_k_accuracy_score(y, chances, k=2))


def test_two_classes_have_scorers_too() -> None:
    y, logits = RNG.integers(0, 2, 90), torch.from_numpy(RNG.normal(size=(90, 2)))
    task = nw.Classification(("a", "b"), extra=("average_precision", "neg_brier_score"))
    found = task.measure([(logits, torch.from_numpy(y))])
    chance = logits.softmax(1).numpy()[:, 1]
    assert found["average_precision"] == pytest.approx(known.average_precision_score(y, chance))
    assert found["neg_brier_score"] == pytest.approx(-known.brier_score_loss(y, chance))


def test_numbers_and_labels_have_scorers_in_the_units_of_the_user() -> None:
    y, outputs = 5 + RNG.normal(size=60), torch.from_numpy(RNG.normal(size=(60, 1)))
    task = nw.Regression(mean=(5.0,), deviation=(2.0,), extra=("neg_median_absolute_error", bias))
    found = task.measure([(outputs, torch.from_numpy(y))])
    told = 5 + 2 * outputs.numpy()[:, 0]
    assert found["neg_median_absolute_error"] == -known.median_absolute_error(y, told)
    assert found["bias"] == pytest.approx(bias(y, told))
    there, scores = RNG.integers(0, 2, (60, 3)), torch.from_numpy(RNG.normal(size=(60, 3)))
    labels = nw.MultiLabel(("a", "b", "c"), extra=("f1_micro",))
    found = labels.measure([(scores, torch.from_numpy(there).float())])
    assert found["f1_micro"] == pytest.approx(
        known.f1_score(there, scores.numpy() >= 0, average="micro")
    )


def test_a_task_in_a_log_has_those_that_have_a_name() -> None:
    task = nw.Regression(extra=(bias,))
    assert [metric.name for metric in task.metrics] == ["rmse", "mae", "r2", "bias"]
    assert task.to_json()["extra"] == ["bias"] and not is_ours(task)
    named = nw.Regression(extra=("explained_variance",))
    assert is_ours(named) and task_from(named.to_json()) == named


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("nothing",), "names of scikit-learn's scorers .* got 'nothing'"),
        ((3,), r"functions `\(targets, outputs\) -> float`, got 3"),
        (("accuracy",), "must have names that all differ .* got 'accuracy'"),
    ],
)
def test_what_is_no_metric_is_refused(extra, message) -> None:
    with pytest.raises(SettingError, match=message):
        nw.Classification(("a", "b"), extra=extra)


def test_a_scorer_for_something_else_is_said() -> None:
    task = nw.Classification(("a", "b", "c"), extra=("recall",))
    with pytest.raises(EvaluationError, match="The metric 'recall' cannot be had: "):
        task.measure([(torch.eye(3), torch.arange(3))])


def test_a_search_may_be_for_one() -> None:
    x = RNG.normal(size=(60, 3)).astype("f4")
    data = nw.data.from_arrays(x, x.sum(1), task=nw.Regression(extra=("explained_variance",)))
    run = nw.search(
        nw.spaces.mlp((3,), 1), nw.Training(data, epochs=1, full_epochs=1), trials=1, finals=[],
        workers=0, store=nw.MemoryStore("extra"), refit=False,
        objectives=[nw.maximize("explained_variance")],
    )  # fmt: skip
    assert run.record.metric.name == "explained_variance"
    assert "test_explained_variance" in run.best.metrics
    assert run.record.reference["compared_by"] == "explained_variance"
