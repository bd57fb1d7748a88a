import math

import numpy as np
import pytest
import torch
from sklearn import metrics as known

import netwright as nw
from netwright.errors import SettingError
from netwright.tasks import Classification, Metric, metrics_of, task_from, upgraded

TASK = Classification(("a", "b", "c"))
LOGITS = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0], [5.0, 0.0, 0.0]])
LABELS = torch.tensor([0, 1, 2, 1])


def test_the_loss_is_the_cross_entropy() -> None:
    logits = torch.tensor([[math.log(2.0), 0.0, 0.0]], dtype=torch.float64)  # 1/2, 1/4, 1/4
    hard, soft = torch.tensor([0]), torch.tensor([[0.5, 0.5, 0.0]], dtype=torch.float64)
    assert float(TASK.loss(logits, hard)) == pytest.approx(math.log(2))
    assert float(TASK.loss(logits, soft)) == pytest.approx(1.5 * math.log(2))
    smoothed = float(TASK.loss(logits, hard, smoothing=0.3))
    assert smoothed == pytest.approx((0.7 + 0.1) * math.log(2) + 0.2 * math.log(4))


def test_rows_are_weighed() -> None:
    each = [float(TASK.loss(LOGITS[i : i + 1], LABELS[i : i + 1])) for i in range(4)]
    weights = torch.tensor([1.0, 2.0, 0.0, 1.0])
    expected = (each[0] + 2 * each[1] + each[3]) / 4
    assert float(TASK.loss(LOGITS, LABELS, weights)) == pytest.approx(expected)


def test_metrics_count_rows() -> None:
    found = TASK.measure([(LOGITS[:1], LABELS[:1]), (LOGITS[1:], LABELS[1:])])
    assert found["accuracy"] == 0.75
    assert found["loss"] == pytest.approx(float(TASK.loss(LOGITS, LABELS)))


def test_answers_are_probabilities_of_the_classes_by_name() -> None:
    answers = TASK.decoder()(LOGITS)
    torch.testing.assert_close(answers.sum(1), torch.ones(4))
    assert [TASK.names[i] for i in answers.argmax(1).tolist()] == ["a", "b", "c", "a"]
    assert TASK.to_json()["names"] == ["a", "b", "c"]


def test_the_split_is_stratified() -> None:
    labels = np.repeat([0, 1, 2], [40, 20, 20])
    parts = TASK.split(
        labels, validation=0.25, test=0.5, rng=np.random.default_rng(0), source="rows"
    )
    assert [np.bincount(labels[part]).tolist() for part in parts] == [
        [10, 5, 5],
        [10, 5, 5],
        [20, 10, 10],
    ]


def test_classical_models_learn() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = (np.eye(3)[y] + 0.1 * rng.normal(size=(90, 3))).astype(np.float32)
    for model in TASK.classical:
        outputs = model.fit(x[:60], y[:60])(x[60:])
        assert TASK.measure([(outputs, torch.from_numpy(y[60:]))])["accuracy"] == 1, model.name


def test_a_model_that_knows_some_classes_gives_the_others_nothing() -> None:
    x, y = np.eye(3, dtype=np.float32)[[0, 2] * 40], np.array([0, 2] * 40)
    for model in TASK.classical:
        outputs = model.fit(x, y)(x)
        assert outputs.shape == (80, 3) and outputs.argmax(1).tolist() == y.tolist(), model.name


@pytest.mark.parametrize("names", [("a",), ("a", 3)])
def test_wrong_classes_are_refused(names: tuple[object, ...]) -> None:
    with pytest.raises(SettingError, match=r"`Classification\(names\)` must"):
        Classification(names)  # type: ignore[arg-type]


def test_two_outputs_are_refused() -> None:
    with pytest.raises(SettingError, match="must give one tensor for this task, got 2"):
        TASK.loss((LOGITS, LOGITS), LABELS)


def test_metrics_are_shown_as_people_read_them() -> None:
    assert TASK.metric.show(0.91234) == "91.23%"
    assert Metric("rmse", "minimize").show(12.345678) == "12.346"


def test_logs_of_before_there_were_tasks_are_read() -> None:
    old = {"space": {"inputs": [4], "classes": 2, "class_names": ["x", "y"]}, "seed": 0}
    new = upgraded(old)
    assert new["space"] == {"inputs": [4], "outputs": 2} and new["seed"] == 0
    assert metrics_of(new) == TASK.metrics and metrics_of({}) == TASK.metrics[:2]
    assert upgraded(new) == new
    assert new["task"] == Classification(("x", "y")).to_json()


def test_it_is_public() -> None:
    assert nw.Classification is Classification and issubclass(nw.Classification, nw.Task)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_metrics_are_those_of_scikit_learn(count: int) -> None:
    rng = np.random.default_rng(count)
    y = rng.choice(count, 200, p=np.arange(1, count + 1) / np.arange(1, count + 1).sum())
    logits = torch.from_numpy(rng.normal(size=(200, count)) + np.eye(count)[y]).float()
    logits[50:60] = logits[60:70]  # equal scores
    task = Classification(tuple(map(str, range(count))))
    found = task.measure(
        [(logits[:77], torch.from_numpy(y[:77])), (logits[77:], torch.tensor(y[77:]))]
    )
    said, chances = logits.argmax(1).numpy(), logits.double().softmax(1).numpy()
    scores = chances[:, 1] if count == 2 else chances
    assert found == pytest.approx({
        "accuracy": known.accuracy_score(y, said),
        "loss": known.log_loss(y, chances),
        "balanced_accuracy": known.balanced_accuracy_score(y, said),
        "f1": known.f1_score(y, said, average="macro"),
        "roc_auc": known.roc_auc_score(y, scores, multi_class="ovr"),
        "ece": found["ece"],
    })  # fmt: skip


def test_the_calibration_error_is_the_gap_in_each_bin() -> None:
    chances = torch.tensor([[0.9, 0.1]] * 4 + [[0.4, 0.6]] * 6)
    y = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1, 1, 1])  # 3 of 4 and 6 of 6 are right
    found = Classification(("a", "b")).measure([(chances.log(), y)])
    assert found["ece"] == pytest.approx(0.4 * 0.15 + 0.6 * 0.4)


def test_weights_are_those_of_the_classes() -> None:
    weighed = Classification(("a", "b", "c"), weights=(1.0, 2.0, 4.0))
    expected = torch.nn.functional.cross_entropy(LOGITS, LABELS, torch.tensor([1.0, 2.0, 4.0]))
    torch.testing.assert_close(weighed.loss(LOGITS, LABELS), expected)
    rows = torch.tensor([1.0, 2.0, 4.0])[LABELS]
    soft = torch.eye(3)[LABELS]
    torch.testing.assert_close(weighed.loss(LOGITS, soft), TASK.loss(LOGITS, LABELS, rows))
    assert weighed.measure([(LOGITS, LABELS)]) == TASK.measure([(LOGITS, LABELS)])


def test_balanced_weights_follow_from_the_train_part() -> None:
    y = np.repeat([0, 1], [90, 10])
    task = Classification(("a", "b"), weights="balanced")
    assert task.fitted(y).weights == (100 / 180, 100 / 20)
    with pytest.raises(SettingError, match="does not know yet how many rows"):
        task.loss(LOGITS[:, :2], torch.tensor([0, 1, 0, 1]))
    data = nw.data.from_arrays(np.zeros((100, 2)), y, task=nw.Classification(weights="balanced"))
    assert data.task == Classification(("0", "1"), weights=(60 / 108, 60 / 12))
    assert task_from(data.task.to_json()) == data.task


@pytest.mark.parametrize("weights", ["even", (1.0,), (1.0, -1.0, 2.0), (1.0, 2.0, math.inf)])
def test_wrong_weights_are_refused(weights: object) -> None:
    with pytest.raises(SettingError, match='must be "balanced" or a number above 0 for each of'):
        Classification(("a", "b", "c"), weights=weights)


def test_classes_of_data_that_are_not_known_yet_are_said() -> None:
    with pytest.raises(SettingError, match="has no classes yet"):
        _ = Classification().outputs
