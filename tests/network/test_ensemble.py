"""Several networks as one: the mean of what they give, with a source of its own in exports."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.network.ensemble import Ensemble
from netwright.reuse import open_exported
from untrained import exported

X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)


@pytest.mark.parametrize("answers", [{"members": "one"}, {"members": "eight", "depth": 2}])
def test_an_ensemble_of_tables_is_exported_with_its_layers(answers: dict, tmp_path: Path) -> None:
    data = nw.data.from_arrays(X, (X[:, 0] > 0).astype(int))
    space = nw.space.ensembled(nw.spaces.tabular(data.shape, 2), 3)
    network = space.build(space.completed(answers), seed=0).eval()
    exported(data, tmp_path / "out", network)
    assert "model.pt2" not in (tmp_path / "out" / "model.py").read_text(encoding="utf-8")
    made: dict = {"__file__": str(tmp_path / "out" / "model.py"), "__name__": "model"}
    exec((tmp_path / "out" / "model.py").read_text(encoding="utf-8"), made)
    x = torch.from_numpy(X)
    with torch.no_grad():
        wanted = torch.stack([each(data.normalise(x)) for each in network.members]).mean(0)
        torch.testing.assert_close(made["load"]()(x), wanted, rtol=1e-5, atol=1e-5)
    assert open_exported(tmp_path / "out").card.title == "A network"


def test_networks_of_several_inputs_and_outputs_are_averaged_too() -> None:
    class Two(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = factor

        def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
            return self.factor * a, self.factor * b

    a, b = torch.ones(2), torch.full((3,), 2.0)
    both = Ensemble.of([Two(1.0), Two(4.0)], 2)(a, b)
    torch.testing.assert_close(both, (2.5 * a, 2.5 * b))
