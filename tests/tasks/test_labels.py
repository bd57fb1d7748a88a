import numpy as np
import pytest
import torch
from sklearn import metrics as known

import netwright as nw
from netwright.errors import DataError, SettingError
from netwright.tasks import MultiLabel, task_from

TASK = MultiLabel(("red", "big", "old"))


def drawn(rows: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    y = rng.random((rows, 3)) < [0.5, 0.2, 0.05]
    logits = rng.normal(size=(rows, 3)) + 2 * y - 1
    return torch.from_numpy(logits).float(), torch.from_numpy(y).float()


def test_metrics_are_those_of_scikit_learn() -> None:
    logits, y = drawn()
    found = TASK.measure([(logits[:50], y[:50]), (logits[50:], y[50:])])
    chances = logits.double().sigmoid().numpy()
    assert found == pytest.approx(
        {
            "f1": known.f1_score(y, chances >= 0.5, average="macro"),
            "roc_auc": known.roc_auc_score(y, chances),
            "loss": np.mean([known.log_loss(y[:, i], chances[:, i]) for i in range(3)]),
        }
    )


def test_a_label_of_one_kind_has_no_area_under_the_curve() -> None:
    logits, y = drawn()
    y[:, 2] = 0
    expected = known.roc_auc_score(y[:, :2], logits[:, :2])
    assert TASK.measure([(logits, y)])["roc_auc"] == pytest.approx(expected)


def test_labels_of_one_kind_alone_leave_it_unknown() -> None:
    found = TASK.measure([(drawn(9)[0], torch.ones(9, 3))])
    assert np.isnan(found["roc_auc"]) and found["loss"] > 0


def test_smoothed_labels_are_nearer_to_one_half() -> None:
    logits, y = drawn(20)
    smoothed = TASK.loss(logits, y, smoothing=0.2)
    torch.testing.assert_close(smoothed, TASK.loss(logits, 0.8 * y + 0.1))


def test_answers_are_the_names_that_hold() -> None:
    decoded = TASK.decoder()(torch.tensor([[1.0, -1.0, 0.0], [-1.0, -2.0, -3.0]]))
    assert TASK.answers(decoded) == [["red", "old"], []]
    assert TASK.decoding["answer"] == "labels" and task_from(TASK.to_json()) == TASK


def test_each_part_has_its_share_of_each_label() -> None:
    y = drawn(2000)[1].numpy()
    parts = TASK.split(y, validation=0.25, test=0.25, rng=np.random.default_rng(0), source="rows")
    assert [len(part) for part in parts] == [1000, 500, 500]
    shares = np.array([y[part].mean(0) for part in parts])
    np.testing.assert_allclose(shares, np.broadcast_to(y.mean(0), (3, 3)), atol=0.02)


def test_the_train_part_has_each_label() -> None:
    y = np.zeros((30, 2))
    y[:, 0] = 1
    y[7, 1] = 1
    for seed in range(30):
        rng = np.random.default_rng(seed)
        train, _, test = TASK.split(y, validation=0.3, test=0.3, rng=rng, source="rows")
        assert y[train, 1].any() and len(test)


def test_too_few_rows_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="rows: 3 parts need as many rows at least, got 2"):
        TASK.split(np.ones((2, 3)), validation=0.2, test=0.2, rng=rng, source="rows")


@pytest.mark.parametrize("names", [("a", "a"), ("a", 3)])
def test_wrong_names_are_refused(names: tuple) -> None:
    with pytest.raises(SettingError, match=r"`MultiLabel\(names\)` must be texts that all differ"):
        MultiLabel(names)


def test_it_is_public() -> None:
    assert nw.MultiLabel is MultiLabel
    with pytest.raises(SettingError, match="has no labels yet"):
        _ = nw.MultiLabel().outputs
