"""What every proxy must do. A check is given `make()`, which makes a proxy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import cloudpickle
import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import EvaluationError
from netwright.proxies import Examples, Proxy
from netwright.tasks import Outputs

Make = Callable[[], Proxy]
_COUNT = 8


class _Reader(nn.Module):
    """Numbers and ids, by their names in a signature, to scores."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.linear, self.last = nn.Embedding(7, 6), nn.Linear(6, 16), _Last(16)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """(b, 6) and (b, 2) to (b, 3)."""
        hidden = torch.relu(self.linear(numbers + self.embedding(codes).sum(1)))
        out: Tensor = self.last(hidden)
        return out


class _Last(nn.Linear):
    """A linear layer to three outputs, of a class of its own as a user has."""

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs, 3)


def _loss(outputs: Outputs, targets: Tensor) -> Tensor:
    given = outputs[0] if isinstance(outputs, tuple) else outputs
    return (given - nn.functional.one_hot(targets, given.shape[-1]).float()).pow(2).mean()


def _with_targets(*inputs: Tensor) -> Examples:
    return Examples(inputs, torch.arange(_COUNT) % 3, _loss)


def _pictures(width: int = 6) -> tuple[nn.Module, Examples]:
    """A small convolutional network with what is usual: norms, dropout, changes in place."""
    network = nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
        nn.GroupNorm(2, width),
        nn.SiLU(inplace=True),
        nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, 3),
    )
    rng = torch.Generator().manual_seed(1)
    return network, _with_targets(torch.randn(_COUNT, 3, 6, 6, generator=rng))


def _cases() -> Iterator[tuple[nn.Module, Examples]]:
    """Networks of several kinds: pictures, ids, several named inputs."""
    yield _pictures()
    rng = torch.Generator().manual_seed(2)
    ids = torch.randint(11, (_COUNT, 5), generator=rng)
    words = [nn.Embedding(11, 4), nn.Flatten(), nn.Linear(20, 24), nn.GELU(), _Last(24)]
    yield nn.Sequential(*words), _with_targets(ids)
    numbers = torch.randn(_COUNT, 6, generator=rng)
    codes = torch.randint(7, (_COUNT, 2), generator=rng)
    yield _Reader(), _with_targets(numbers, codes)


def _score(make: Make, network: nn.Module, examples: Examples, seed: int = 0) -> float:
    return make().score(network, examples, np.random.default_rng(seed))


def has_a_name_for_its_metric(make: Make) -> None:
    """Its name is an identifier, and two of the same settings are equal."""
    assert make().cli_name.isidentifier()
    assert make() == make(), "two of the same settings are not equal: make it a frozen dataclass"


def scores_networks_of_every_kind(make: Make) -> None:
    """Pictures, ids, several inputs: each gets a finite number."""
    for network, examples in _cases():
        value = _score(make, network, examples)
        assert type(value) is float and math.isfinite(value)


def leaves_the_network_as_it_was(make: Make) -> None:
    """Weights, buffers, modes, gradients and hooks are as before, and torch's generator is."""
    for network, examples in _cases():
        network.eval()
        first = next(iter(network.parameters())).requires_grad_(False)
        before = {name: value.clone() for name, value in network.state_dict().items()}
        state = torch.random.get_rng_state()
        given = [each.clone() for each in examples.inputs]
        _score(make, network, examples)
        after = network.state_dict()
        assert all(torch.equal(after[name], value) for name, value in before.items())
        assert all(parameter.grad is None for parameter in network.parameters())
        assert not first.requires_grad
        modules = list(network.modules())
        assert not any(m.training or m._forward_hooks or m._forward_pre_hooks for m in modules)
        assert torch.equal(state, torch.random.get_rng_state())
        assert all(torch.equal(a, b) for a, b in zip(given, examples.inputs, strict=True))


def follows_from_the_generator(make: Make) -> None:
    """Equal generators give one score, whatever torch's own generator stands at."""
    network, examples = _pictures()
    first = _score(make, network, examples, seed=3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        assert _score(make, network, examples, seed=3) == first


def tells_networks_apart(make: Make) -> None:
    """A wider network has another score."""
    (narrow, examples), (wide, _) = _pictures(2), _pictures(12)
    assert _score(make, narrow, examples) != _score(make, wide, examples)


def says_whether_it_needs_targets(make: Make) -> None:
    """Without `needs_targets` it scores inputs alone, as it does with targets."""
    proxy, (network, examples) = make(), _pictures()
    if not proxy.needs_targets:
        alone = Examples(examples.inputs)
        assert _score(make, network, alone) == _score(make, network, examples)


def refuses_what_cannot_be_run(make: Make) -> None:
    """A network for other inputs has a finite score, if it need not be run, or none."""
    _, examples = _pictures()
    try:
        value = _score(make, nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)), examples)
    except EvaluationError:
        return
    assert math.isfinite(value)


def survives_the_way_to_a_worker(make: Make) -> None:
    """What a worker gets is equal, and scores alike."""
    sent: Proxy = cloudpickle.loads(cloudpickle.dumps(make()))
    network, examples = _pictures()
    assert sent == make()
    assert sent.score(network, examples, np.random.default_rng(0)) == _score(
        make, network, examples
    )


PROXY_CHECKS: tuple[Callable[[Make], None], ...] = (
    has_a_name_for_its_metric,
    scores_networks_of_every_kind,
    leaves_the_network_as_it_was,
    follows_from_the_generator,
    tells_networks_apart,
    says_whether_it_needs_targets,
    refuses_what_cannot_be_run,
    survives_the_way_to_a_worker,
)
