"""What every target must do. A check is given `make()`, which makes a target."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cloudpickle
import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import EvaluationError
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature, TensorSpec
from netwright.objective import MetricName
from netwright.targets.base import Target
from netwright.targets.measured import measured

Make = Callable[[], Target]

_ONE = Signature.single((6,), (3,))
_IDS = Signature.single((5,), (11,), ids=11)
_TWO = Signature(
    (TensorSpec("numbers", (4,)), TensorSpec("codes", (2,), "int64", ids=7)),
    (TensorSpec("scores", (3,)),),
)


class _Reader(nn.Module):
    """Numbers and ids, by their names in the signature, to scores."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.linear = nn.Embedding(7, 4), nn.Linear(4, 3)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """(b, 4) and (b, 2) to (b, 3)."""
        out: Tensor = self.linear(numbers + self.embedding(codes).sum(1))
        return out


def _dense(width: int = 8) -> nn.Module:
    return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 3)).eval()


def _sound(target: Target, figures: Any) -> bool:
    values = [figures[name] for name in target.metrics]
    return all(isinstance(v, float) and math.isfinite(v) and v > 0 for v in values)


def says_what_it_measures(make: Make) -> None:
    """It has a name that can stand after an `@`, metrics, and a fingerprint that stays."""
    target = make()
    assert target.metrics
    for name in target.metrics:
        assert MetricName.on(name, target.name).target == target.name
    assert target.fingerprint and target.fingerprint == make().fingerprint
    assert make() == target, "two of the same settings are not equal: make it a frozen dataclass"


def measures_each_artifact_in_order(make: Make) -> None:
    """Every artifact has all metrics, each a finite number above 0, and none is left out."""
    target = make()
    artifacts = [target.prepare(_dense(width), _ONE) for width in (4, 16)]
    for asked in (artifacts, artifacts[::-1], artifacts[:1], []):
        found = target.measure(asked)
        assert len(found) == len(asked)
        assert all(_sound(target, figures) for figures in found), found


def takes_named_tensors(make: Make) -> None:
    """Ids, several tensors, raw examples to calibrate by: what a signature can say is measured."""
    target, rng = make(), np.random.default_rng(0)
    words = nn.Sequential(nn.Embedding(11, 4), nn.Flatten(), nn.Linear(20, 11)).eval()
    for network, signature in ((words, _IDS), (_Reader().eval(), _TWO), (_dense(), _ONE)):
        artifact = target.prepare(network, signature, signature.example(rng, 8))
        assert artifact.signature == signature
        (figures,) = target.measure([artifact])
        assert _sound(target, figures), figures


def writes_the_file_that_is_shipped(make: Make) -> None:
    """An artifact is a file, named by its suffix."""
    artifact = make().prepare(_dense(), _ONE)
    assert artifact.suffix.startswith(".")
    with TemporaryDirectory() as folder:
        path = (Path(folder) / "network").with_suffix(artifact.suffix)
        artifact.write(path)
        assert path.stat().st_size > 0


def leaves_everything_as_it_was(make: Make) -> None:
    """The network, torch's threads and its generator are as before."""
    target, network = make(), _dense()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    target.measure([target.prepare(network, _ONE)])
    assert not any(module.training for module in network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


def refuses_what_cannot_be_run(make: Make) -> None:
    """A network that does not fit its signature is an `EvaluationError`, not a figure."""
    try:
        found = measured(make(), nn.Linear(5, 3), Deployment(_ONE))
    except EvaluationError:
        return
    raise AssertionError(f"a network for other inputs was measured: {found}")


def survives_the_way_to_a_worker(make: Make) -> None:
    """What a worker gets is equal, and measures."""
    target = make()
    sent: Target = cloudpickle.loads(cloudpickle.dumps(target))
    assert (sent.name, sent.metrics, sent.fingerprint) == (
        target.name, target.metrics, target.fingerprint,
    )  # fmt: skip
    assert measured(sent, _dense(), Deployment(_ONE))


TARGET_CHECKS: tuple[Callable[[Make], None], ...] = (
    says_what_it_measures,
    measures_each_artifact_in_order,
    takes_named_tensors,
    writes_the_file_that_is_shipped,
    leaves_everything_as_it_was,
    refuses_what_cannot_be_run,
    survives_the_way_to_a_worker,
)
