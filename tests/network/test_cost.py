import pytest
import torch
from torch import nn

from netwright.errors import EvaluationError, SettingError
from netwright.network.cost import count_macs, count_params, survey


def meta(make) -> nn.Module:
    with torch.device("meta"):
        return make()


def small() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(392, 4)
    )


class Tail(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.rnn = nn.LSTM(16, 8, batch_first=True)

    def forward(self, x):
        x, _ = self.attention(x, x, x, need_weights=False)
        return self.rnn(x)[0][:, -1]


@pytest.mark.parametrize(
    ("make", "inputs", "macs"),
    [
        (lambda: nn.Conv2d(3, 8, 3, padding=1), (3, 10, 10), 100 * 8 * 3 * 9),
        (lambda: nn.Conv2d(8, 8, 5, stride=2, padding=2, groups=8), (8, 10, 10), 25 * 8 * 25),
        (lambda: nn.Conv2d(8, 16, 1, groups=4), (8, 6, 6), 36 * 16 * 2),
        (lambda: nn.ConvTranspose2d(4, 6, 2, stride=2), (4, 5, 5), 25 * 4 * 6 * 4),
        (lambda: nn.Linear(30, 7), (30,), 210),
        (small, (1, 7, 7), 49 * 8 * 9 + 392 * 4),
        # projections 4 * 5 * 16 * 16, scores and values 2 * 4 heads * 5 * 5 * 4, then the LSTM
        (Tail, (5, 16), 4 * 5 * 256 + 2 * 4 * 25 * 4 + 5 * 32 * (16 + 8)),
    ],
)
def test_macs_equal_hand_counts(make, inputs, macs) -> None:
    assert count_macs(meta(make), inputs) == macs
    assert count_macs(make(), inputs) == macs


def test_params_count_tied_weights_once() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    assert count_params(model) == 16 + 4 + 4
    assert survey(model, (4,)).params == 24


def test_memory_is_weights_and_the_activations_alive_together() -> None:
    model = nn.Sequential(nn.Linear(100, 200, bias=False), nn.Linear(200, 50, bias=False))
    # The first layer's input and output live together, and are more than the second's.
    bytes_ = 4 * (100 * 200 + 200 * 50 + 100 + 200)
    assert survey(meta(lambda: model), (100,)).memory_mib * 2**20 == pytest.approx(bytes_, rel=0.05)


def test_the_model_is_left_as_it_was() -> None:
    model = small().train()
    model[1].eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    survey(model, (1, 7, 7))
    assert model.training
    assert not model[1].training
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_equal_networks_have_equal_fingerprints() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rest = nn.Sequential(nn.Identity(), nn.Linear(5, 2))
            self.first = nn.Linear(3, 5)

        def forward(self, x):
            return self.rest(nn.functional.relu(self.first(x)))

    plain = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    assert survey(Own(), (3,)).fingerprint == survey(plain, (3,)).fingerprint
    assert survey(meta(Own), (3,)).fingerprint == survey(plain, (3,)).fingerprint


class Branch(nn.Module):
    def __init__(self, swapped: bool) -> None:
        super().__init__()
        self.a, self.b, self.swapped = nn.Linear(3, 3), nn.Linear(3, 3), swapped

    def forward(self, x):
        return self.b(x) + x if self.swapped else self.b(self.a(x)) + x


def test_different_networks_have_different_fingerprints() -> None:
    makes = [
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, bias=False)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=2, dilation=2)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.LeakyReLU(0.1)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.LeakyReLU(0.2)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3, eps=1e-3)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Dropout(0.1)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Dropout(0.2)),
        lambda: nn.Sequential(nn.Dropout(0.2), nn.Conv2d(3, 3, 3, padding=1)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.MaxPool2d(3, 1, 1)),
        lambda: nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.AvgPool2d(3, 1, 1)),
        lambda: Branch(False),
        lambda: Branch(True),
    ]
    prints = [survey(meta(make), (3, 3, 3)).fingerprint for make in makes]
    assert len(set(prints)) == len(prints)


def test_fingerprints_are_the_same_in_every_process(printed_twice) -> None:
    code = (
        "import torch; from torch import nn; from netwright.network.cost import survey;"
        "m = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 2));"
        "print(survey(m, (1, 5, 5)).fingerprint)"
    )
    first, second = printed_twice(code)
    assert first == second != ""


def test_paths_that_need_values_are_run_on_the_cpu() -> None:
    class Picky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 2)

        def forward(self, x):
            return self.linear(x) if x.sum() >= 0 else x

    assert count_macs(meta(Picky), (4,)) == 8


def test_bad_calls_are_refused() -> None:
    with pytest.raises(EvaluationError, match=r"input of shape \(1, 5\)"):
        survey(nn.Linear(4, 2), (5,))
    for inputs in ((), (0, 3)):
        with pytest.raises(SettingError, match="positive sizes"):
            survey(nn.Linear(4, 2), inputs)
    with pytest.raises(SettingError, match="batch"):
        survey(nn.Linear(4, 2), (4,), batch=0)
