"""The contract of a proxy: a score of a network that was not trained, larger for a better one."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import EvaluationError, NetwrightError, SettingError
from netwright.network.randomness import seeded
from netwright.network.signature import Signature, TensorSpec
from netwright.tasks import Outputs

BATCH = 64
"""Examples that networks are scored on, where nobody says otherwise."""

_DROPOUTS = (
    nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Examples:
    """A batch that networks are scored on, the same for all of them.

    `inputs` are what a network takes, normalised, in the order of its `forward`: (b, *shape) each.
    `targets` (b, ...) and `loss(outputs, targets)`, a tensor (), are those of a task; None where
    nothing is to be learned.

    Raises:
        SettingError: There is no input, one has another number of examples than the first, or there
            are fewer than 2.
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor | None = None
    loss: Callable[[Outputs, Tensor], Tensor] | None = None

    def __post_init__(self) -> None:
        sizes = [len(each) for each in (*self.inputs, self.targets) if each is not None]
        if not self.inputs or len({*sizes}) > 1 or sizes[0] < 2:
            raise SettingError(
                "`Examples(inputs, targets)` must have at least one tensor as inputs, and the same "
                f"number of examples in each, at least 2, got {sizes}."
            )

    @classmethod
    def random(cls, signature: Signature, rng: np.random.Generator, count: int = BATCH) -> Examples:
        """Random inputs of a signature, without targets: normal numbers, ids, booleans by dtype."""
        return cls(signature.example(rng, count))

    def __len__(self) -> int:
        return len(self.inputs[0])

    @property
    def signature(self) -> Signature:
        """What a network takes, by the inputs; what it gives is not known, and one number here."""
        specs = (
            TensorSpec(f"x{place}", tuple(each.shape[1:]), str(each.dtype).removeprefix("torch."))
            for place, each in enumerate(self.inputs)
        )
        return Signature(tuple(specs), (TensorSpec("output", (1,)),))

    def loss_of(self, network: nn.Module) -> Tensor:
        """The loss of a network on the batch, a tensor () with a gradient.

        Raises:
            SettingError: There are no targets.
        """
        if self.targets is None or self.loss is None:
            raise SettingError(
                "`Examples(targets=..., loss=...)` must be given for a proxy that goes by a loss, "
                "got None."
            )
        return self.loss(network(*self.inputs), self.targets)


class Proxy(ABC):
    """Scores a network without training it. Settings are the fields of a frozen dataclass.

    `score` is what is called; `measure` is what a proxy is. It goes to workers, so it must survive
    `cloudpickle`.
    """

    cli_name: ClassVar[str] = ""
    """Its name on the command line, and that of the metric that its score is."""

    needs_targets: ClassVar[bool] = False
    """Whether it goes by a loss, so that examples must have targets."""

    @abstractmethod
    def measure(
        self, network: nn.Module, examples: Examples, rng: np.random.Generator
    ) -> float | Tensor:
        """Return the score of a network, which is the proxy's own: it may be changed.

        It is in training mode but for dropout, all its parameters have gradients, and torch's
        global generator is seeded from `rng`.
        """

    def score(self, network: nn.Module, examples: Examples, rng: np.random.Generator) -> float:
        """Return the score of a network, a finite number, larger for a better network.

        The network, its modes and gradients, and torch's global generator stay as they were; two
        calls with equal generators give one score.

        Raises:
            EvaluationError: The proxy cannot score this network; says why.
            SettingError: It goes by a loss, and the examples have no targets.
        """
        own = _own(network)
        seed = int(rng.integers(2**31))
        try:
            with seeded(seed), torch.enable_grad():
                found = self.measure(own, examples, rng)
            value = float(found.detach() if isinstance(found, Tensor) else found)
        except (NetwrightError, MemoryError):
            raise
        except Exception as error:
            raise EvaluationError(
                f"{type(self).__name__} cannot score the network: {type(error).__name__}: {error}"
            ) from error
        if not math.isfinite(value):
            raise EvaluationError(f"{type(self).__name__} cannot score the network: it is {value}.")
        return value


def weights_of(network: nn.Module) -> list[nn.Parameter]:
    """The matrices and kernels of a network: parameters of two or more dimensions.

    Biases and the scales of normalisations are left out, as in the papers.
    """
    return [each for each in network.parameters() if each.dim() > 1 and each.is_floating_point()]


def gradients(value: Tensor, weights: list[nn.Parameter], *, twice: bool = False) -> list[Tensor]:
    """The gradient of a tensor () by each weight, zeros for one that it does not depend on.

    `twice` keeps the graph, so that the gradients have gradients.
    """
    found = torch.autograd.grad(value, weights, create_graph=twice, allow_unused=True)
    return [
        torch.zeros_like(weight) if each is None else each
        for each, weight in zip(found, weights, strict=True)
    ]


def _own(network: nn.Module) -> nn.Module:
    """A copy to score: in training mode but for dropout, all of it with gradients."""
    own = copy.deepcopy(network).train()
    for module in own.modules():
        if isinstance(module, _DROPOUTS):
            module.eval()
    for parameter in own.parameters():
        parameter.grad = None
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return own


def check_proxies(word: str, proxies: object) -> None:
    """Refuse what is no tuple of proxies, at least one, each with a name of its own.

    Raises:
        SettingError: Says what `word`, the argument, must be.
    """
    given = proxies if isinstance(proxies, tuple) else ()
    if not given or not all(isinstance(each, Proxy) for each in given):
        raise SettingError(
            f"`{word}` must be a tuple of proxies such as (Synflow(), NASWOT()), got {proxies!r}."
        )
    names = [each.cli_name for each in given]
    if not all(isinstance(name, str) and name.isidentifier() for name in names):
        raise SettingError(
            f"`{word}` must have proxies whose `cli_name` is an identifier, since it is the "
            f"metric's name, got {names}."
        )
    for name in names:
        if names.count(name) > 1:
            raise SettingError(
                f"`{word}` must have each proxy once, since a score is told by its name, got "
                f"{name!r} {names.count(name)} times; leave the others out."
            )
