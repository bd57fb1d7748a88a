"""What is told of answers in detail."""

import numpy as np
import pytest
import torch

from netwright.tasks import Classification, MultiLabel, Regression
from netwright.tasks.examined import WORST, by_name, examined_classes

NAMES = ("cat", "dog", "eel")


def shares(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float64)


def test_classes_are_counted_as_they_are_and_as_they_are_said() -> None:
    given = shares((0.9, 0.1, 0.0), (0.2, 0.8, 0.0), (0.95, 0.03, 0.02), (0.4, 0.3, 0.3))
    found = examined_classes(given, np.array([0, 1, 1, 2]), NAMES)
    assert found["by_class"] == [[1, 1, 3], [2, 1, 1], [1, 0, 0]]
    assert found["confusion"] == [[0, 0, 1], [1, 0, 1], [1, 1, 1], [2, 0, 1]]
    assert [each["row"] for each in found["worst"]] == [2, 3]  # the surest mistake first
    assert found["worst"][0] == {"row": 2, "is": "dog", "said": "cat", "probability": 0.95}
    assert found["calibration"][-1] == [1, 0.95, 0.0]
    rows = by_name(found)
    assert rows[0] == {"class": "cat", "rows": 1, "recall": 1.0, "precision": 1 / 3, "f1": 0.5}
    assert rows[2] == {"class": "eel", "rows": 1, "recall": 0.0, "precision": None, "f1": 0.0}


def test_of_many_classes_the_frequent_mistakes_are_kept() -> None:
    count = 50
    classes = np.arange(count).repeat(3)
    given = np.eye(count)[(classes + (classes == 7)) % count]
    found = examined_classes(given, classes, [str(k) for k in range(count)])
    assert found["confusion"] == [[7, 8, 3]]
    assert len(found["worst"]) == 3 < WORST


def test_a_task_examines_batches() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 0.0]])
    batches = [(logits[:2], torch.tensor([0, 1])), (logits[2:], torch.tensor([1]))]
    found = Classification(("a", "b")).examine(batches)
    assert found["by_class"] == [[1, 1, 2], [2, 1, 1]]
    assert found["worst"][0]["row"] == 2


def test_labels_are_counted_one_by_one() -> None:
    logits = torch.tensor([[5.0, -5.0], [5.0, 5.0], [-5.0, -5.0]])
    there = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    found = MultiLabel(("sun", "rain")).examine([(logits, there)])
    assert found["by_class"] == [[2, 2, 2], [0, 0, 1]]
    assert found["worst"] == [{"row": 1, "is": ["sun"], "said": ["sun", "rain"]}]
    assert by_name(found)[1]["recall"] is None


def test_numbers_are_examined_in_the_units_of_the_user() -> None:
    task = Regression(mean=(10.0,), deviation=(2.0,))
    outputs, targets = torch.tensor([[0.0], [1.0], [-1.0], [4.0]]), torch.tensor([10.0, 13, 8, 10])
    found = task.examine([(outputs, targets)])
    (told,) = found["numbers"]
    assert told["name"] == "answer"
    assert told["residuals"]["least"] == -1 and told["residuals"]["most"] == 8
    assert sum(told["residuals"]["histogram"]) == 4
    assert told["pairs"][1] == [13.0, 12.0]
    assert found["worst"][0] == {"row": 3, "is": [10.0], "said": [18.0]}


@pytest.mark.parametrize("count", [1, 1000])
def test_pairs_are_at_most_300(count: int) -> None:
    given = torch.randn(count, 1)
    (told,) = Regression(mean=(0.0,), deviation=(1.0,)).examine([(given, given[:, 0])])["numbers"]
    assert len(told["pairs"]) == min(count, 300)
