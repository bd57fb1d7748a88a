"""How many rows go through a network at once."""

import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.evaluate.fit import score
from netwright.export.verify import Scored, verify
from netwright.network import rows
from netwright.network.rows import BYTES, rows_at_once
from netwright.network.signature import Signature

MIB = 2**20


class Wide(nn.Module):
    """Makes 4 MiB of each example, notes how many it was given at once, and gives two numbers."""

    def __init__(self, copies: int = 1) -> None:
        super().__init__()
        self.copies, self.seen = copies, []
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        wide = x.flatten(1).mean(1, keepdim=True) * torch.ones(MIB)
        kept = [wide + i for i in range(self.copies)]
        return torch.stack([each[:, :2] for each in kept]).sum(0) * self.scale


def test_what_is_alive_at_once_bounds_the_rows() -> None:
    x = torch.zeros(1000, 3)
    with torch.no_grad():
        one, four = (rows_at_once(Wide(copies), [x], 1000) for copies in (1, 4))
    assert BYTES // (12 * MIB) <= one <= BYTES // (4 * MIB)
    assert one / 4 <= four <= one / 2


def test_a_small_network_takes_as_many_as_are_asked_for() -> None:
    assert rows_at_once(nn.Linear(3, 2), [torch.zeros(1000, 3)], 700) == 700


def test_one_row_that_is_over_the_bound_goes_alone(monkeypatch) -> None:
    monkeypatch.setattr(rows, "BYTES", 1000)
    assert rows_at_once(Wide(), [torch.zeros(10, 3)], 1000) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_few_rows(count: int) -> None:
    assert rows_at_once(nn.Linear(3, 2), [torch.zeros(count, 3)], 1000) == 1000


def test_what_fails_is_left_to_fail_with_the_rows() -> None:
    assert rows_at_once(nn.Linear(4, 2), [torch.zeros(10, 3)], 1000) == 1000


def test_a_score_and_the_check_of_an_export_keep_to_it(tmp_path) -> None:
    data = nw.data.load((torch.zeros(400, 3, 4, 4), torch.arange(400) % 2))
    model = Wide()
    cpu = torch.device("cpu")
    found = score(model, data.train, task=data.task, normalise=data.normalise, device=cpu)
    assert found["accuracy"] == 0.5
    assert sum(model.seen) in (len(data.train) + 2, len(data.train) + 3)
    assert max(model.seen) <= BYTES // (4 * MIB)
    model.seen.clear()
    scored = Scored((data.train.x,), data.train.y, data.task, data.task.metric)
    signature = Signature.single((3, 4, 4), (2,))
    verify(model, tmp_path, signature, [[data.train.x[:1]]], scored, fresh=False)
    assert sum(model.seen) in (len(data.train) + 2, len(data.train) + 3)
    assert max(model.seen) <= BYTES // (4 * MIB)
