import math

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.errors import SettingError
from netwright.tasks import Classification, Metric, metrics_of, upgraded

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
    assert found == {"accuracy": 0.75, "loss": pytest.approx(float(TASK.loss(LOGITS, LABELS)))}


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


def test_the_reference_learns() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = (np.eye(3)[y] + 0.1 * rng.normal(size=(60, 3))).astype(np.float32)
    assert TASK.reference((x[:30], y[:30]), (x[30:], y[30:])) == {"name": "SVM-RBF", "accuracy": 1}


@pytest.mark.parametrize("names", [(), ("a",), ("a", 3)])
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
    assert metrics_of(new) == TASK.metrics == metrics_of({})
    assert upgraded(new) == new
    assert new["task"] == Classification(("x", "y")).to_json()


def test_it_is_public() -> None:
    assert nw.Classification is Classification and issubclass(nw.Classification, nw.Task)
