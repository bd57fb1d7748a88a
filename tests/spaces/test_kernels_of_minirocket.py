"""The fixed kernels of MiniRocket as a part of networks."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from sklearn.linear_model import RidgeClassifier
from torch import nn

from netwright import spaces
from netwright.data.random_kernels import KERNELS, kernel_features, quantiles_for
from netwright.spaces.random_kernels import RandomKernels


def series(count: int = 40, channels: int = 1, steps: int = 60, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, channels, steps, generator=torch.Generator().manual_seed(seed))


def begun(channels: int = 1, steps: int = 60, masked: bool = False) -> RandomKernels:
    kernels = RandomKernels(channels, steps, masked)
    kernels.train()(series(40, channels, steps))
    return kernels.eval()


def test_a_share_is_that_of_its_quantile_on_the_rows_that_it_began_with() -> None:
    kernels = RandomKernels(1, 60, False).train()
    x = series()
    for share in kernels.shares:
        found = share(x).mean(0).reshape(KERNELS, -1)
        wanted = quantiles_for(share.first + share.count)[share.first :].T
        assert found == pytest.approx(1 - wanted, abs=0.02)


def test_they_begin_once_and_are_kept(tmp_path) -> None:
    kernels = begun()
    before = {name: value.clone() for name, value in kernels.state_dict().items()}
    kernels.train()(5 * series(seed=1))
    for name, value in kernels.state_dict().items():
        is_kept = torch.equal(value, before[name])
        assert is_kept == name.endswith(("kernels", "scale", "thresholds")), name
    save_file(before, tmp_path / "kept.safetensors")
    again = RandomKernels(1, 60, False)
    again.load_state_dict(load_file(tmp_path / "kept.safetensors"))
    again.train()(5 * series(seed=1))
    assert torch.equal(again.shares[0].thresholds, before["shares.0.thresholds"])


def test_what_is_remembered_of_series_is_forgotten_with_what_it_came_from() -> None:
    kernels, x = RandomKernels(1, 60, False), series()
    untouched = {name: value.clone() for name, value in kernels.state_dict().items()}
    first = kernels.train()(x)
    assert torch.equal(kernels(x[[5, 3, 7]]).argmax(0), first[[5, 3, 7]].argmax(0))
    assert len(kernels._known) == 40
    assert kernels.double()(x.double()).dtype == torch.float64
    kernels.float().load_state_dict(untouched)
    assert torch.allclose(kernels(x), first, atol=1e-5)  # it begins anew
    kernels.shares[0].thresholds.add_(1.0)
    kernels.load_state_dict({**kernels.state_dict()})
    assert not torch.allclose(kernels(x), first, atol=1e-5)
    assert copy.deepcopy(kernels)._known == {}


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 12), st.integers(9, 300), st.booleans())
def test_any_series_has_as_many_features(channels: int, steps: int, masked: bool) -> None:
    kernels = RandomKernels(channels + masked, steps, masked).train()
    x = series(3, channels + masked, steps)
    if masked:
        x[:, -1] = 1.0
    found = kernels(x)
    assert found.shape == (3, kernels.features) and found.isfinite().all()
    assert 2016 < kernels.features < 8064


def test_what_is_after_an_end_counts_nowhere() -> None:
    kernels = RandomKernels(2, 60, True).train()
    x = series(8, 2)
    x[:, 1] = 1.0
    x[:4, :, 37:] = 0.0
    kernels(x)
    kernels.eval()
    assert torch.allclose(kernels(x[:1]), kernels(x[:1, :, :37]), atol=1e-5)
    assert torch.allclose(kernels(x)[:1], kernels(x[:1]), atol=1e-5)


def test_a_linear_model_learns_as_much_of_them_as_of_those_of_the_reference() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    waves = np.stack([np.sin(np.arange(80) * (0.35 + 0.1 * k) + rng.uniform(0, 6)) for k in y])
    x = torch.from_numpy(waves + rng.normal(0, 1.0, waves.shape)).float()[:, None]
    kernels = RandomKernels(1, 80, False).train()
    with torch.no_grad():
        for _ in range(60):  # until the running scale is that of the rows
            kernels(x[:60])
        own = kernels.eval()(x[:60]).numpy(), kernels(x[60:]).numpy()
    scores = [
        RidgeClassifier(100.0).fit(learnt, y[:60]).score(asked, y[60:])
        for learnt, asked in (own, kernel_features(x[:60], x[60:]))
    ]
    assert min(scores) > 0.85 and abs(scores[0] - scores[1]) < 0.1


def test_the_first_design_of_series_has_nothing_else() -> None:
    space = spaces.conv1d((1, 60), 3)
    design = space.designs[0]
    member = space.answered(lambda choice: design.answers.get(choice.name, choice.options[0]))
    model = space.build(member)
    assert design.name == "minirocket" and isinstance(model[0], RandomKernels)
    trained = [p for p in model.parameters() if p.requires_grad]
    assert [tuple(p.shape) for p in trained] == [(3, model[0].features), (3,)]
    assert not any(isinstance(module, nn.Conv1d) for module in model.modules())
