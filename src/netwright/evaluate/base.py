"""The contract of an evaluator: it turns a candidate and a budget into metrics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from netwright.data import Data
from netwright.data.base import Inputs
from netwright.errors import SettingError
from netwright.evaluate.pace import Steps
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature
from netwright.space import Architecture, Space
from netwright.tasks import USUAL, Metric, Task
from netwright.tasks.spread import Spread
from netwright.trial import STATUSES, Budget, Status

_EXAMPLES = 64  # of the data, for targets and for comparing exported forms


@dataclass(frozen=True)
class Candidate:
    """An architecture of a space, to be built with weights that follow from `seed`."""

    space: Space
    architecture: Architecture
    seed: int

    def build(self) -> nn.Module:
        """The network with fresh weights, the same at each call."""
        return self.space.build(self.architecture, seed=self.seed)

    @property
    def recipe(self) -> dict[str, Any]:
        """Settings of the evaluator that the architecture answers."""
        return self.space.recipe(self.architecture)


@dataclass(frozen=True)
class Context:
    """What surrounds an evaluation.

    `report(epoch, metrics)` is called after each epoch; `deadline_seconds` is the wall time the
    evaluation may take, or None. `check()` is for work that has nothing to report: it ends the
    evaluation where that time is over, as `report` does. `elapsed()`, where it is given, is the
    share of that time that is over: the schedule is to end when it is 1, with fewer epochs than the
    budget where these take longer; see `Evaluator.ends_on_time`.

    `save(name, tensors)` keeps named tensors of the candidate, in the place of what it kept by the
    name, and `load(name)` gives them, None where there are none: so a trial that goes on finds, in
    whatever process, what the one before it left. What is kept is gone when the search is over.
    """

    seed: int
    report: Callable[[int, Mapping[str, float]], None] = lambda epoch, metrics: None
    deadline_seconds: float | None = None
    load: Callable[[str], Mapping[str, Tensor] | None] = lambda name: None
    save: Callable[[str, Mapping[str, Tensor]], None] = lambda name, tensors: None
    check: Callable[[], None] = lambda: None
    elapsed: Callable[[], float] | None = None


@dataclass(frozen=True)
class Result:
    """What an evaluation found; `model` is the trained network in eval mode, if there is one.

    Metrics are numbers: of Python, of NumPy, or tensors without a dimension; a trial has floats.
    `spread` says of a metric by its name how sure it is, from the rows it was measured on, or None;
    it is called once where networks are compared that were trained as long.

    Raises:
        SettingError: There is no such status.
    """

    metrics: Mapping[str, float]
    curve: tuple[Mapping[str, float], ...] = ()
    status: Status = "done"
    reason: str = ""
    model: nn.Module | None = field(default=None, compare=False)
    spread: Callable[[str], Spread | None] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise SettingError(
                f"`Result(status=...)` must be one of {', '.join(STATUSES)}, got {self.status!r}."
            )


class Evaluator(ABC):
    """Trains or scores candidates. Settings are fields of a frozen dataclass.

    It is sent to worker processes, so it must survive `cloudpickle`. `data` is what is learned
    from, None if that is the evaluator's own matter.
    """

    data: Data | None = None

    trains: bool = True
    """Whether it trains a candidate; one that does not hands it back with the weights it drew."""

    @property
    @abstractmethod
    def epochs(self) -> int:
        """The budget of a trial when its proposal names none."""

    @property
    @abstractmethod
    def full_epochs(self) -> int:
        """The budget of the full schedule."""

    @abstractmethod
    def evaluate(self, candidate: Candidate, budget: Budget, context: Context) -> Result:
        """Train or score a candidate for a budget; a failure is a status, not an exception."""

    def steps(self, budget: Budget, recipe: Mapping[str, Any]) -> Steps:
        """What a training of a budget consists of; of its epochs where that is not known."""
        return Steps(budget.amount, 1)

    @property
    def trainings(self) -> int:
        """How many networks a trial trains one after the other: of folds, one for each."""
        return 1

    @property
    def ends_on_time(self) -> bool:
        """Whether `evaluate` ends its schedule with `Context.elapsed`, where that is given."""
        return False

    def time_steps(self, candidate: Candidate, budget: Budget) -> float | None:
        """Seconds that such a training will probably take, from a few timed steps.

        None where that cannot be told, or would take as long.
        """
        return None

    def check_recipe(self, recipe: Mapping[str, Any]) -> None:  # noqa: B027 - all is accepted
        """Refuse what a space's recipe answers where this evaluator has no use for it.

        Raises:
            SettingError: A name or a value outside its rule.
        """

    def test(self, model: nn.Module) -> dict[str, float]:
        """Metrics on the test part; called once for a returned network. Empty without one."""
        return {}

    def test_spread(self, model: nn.Module, metric: str) -> Spread | None:
        """How sure a metric on the test part is; None, as by default, where rows do not say so."""
        return None

    def examine(self, model: nn.Module) -> dict[str, Any]:
        """What a network answers on the test part in detail, as JSON, for the report.

        It is what `Task.examine` gives, with the worst rows as people read them.
        """
        return {}

    def for_workers(self) -> Evaluator:
        """This evaluator as workers get it: without the test part."""
        return self

    def for_refit(self) -> Evaluator | None:
        """This evaluator with the validation part among what it trains on; it scores nothing.

        None where there is no such part.
        """
        return None

    @property
    def normalise(self) -> nn.Module | None:
        """What makes a trained network's inputs of raw ones; None where they are taken as are."""
        return self.data.normalise if self.data else None

    def deployment(self, space: Space) -> Deployment:
        """How its networks are deployed: for the data's raw tensors, else for the space's."""
        specs = space.signature.inputs if self.data is None else self.data.raw
        signature = Signature(specs, space.signature.outputs)
        examples: tuple[Tensor, ...] = ()
        if self.data is not None:
            taken, _ = self.data.train.batch(slice(0, _EXAMPLES))
            pairs = zip(taken, signature.inputs, strict=True)
            examples = tuple(tensor.to(spec.torch_dtype) for tensor, spec in pairs)
        given, encoder = len(space.signature.inputs), self.data.encoder if self.data else None
        rescale = self.task.deployed()[0] if self.task else None
        return Deployment(signature, self.normalise, examples, given, encoder, rescale)

    @property
    def test_examples(self) -> tuple[Inputs, Tensor] | None:
        """Raw inputs and targets of the test part, for checking an export; None without one."""
        return None

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of all metrics that a trial will have; empty if they are not known before."""
        return ()

    @property
    def task(self) -> Task | None:
        """What outputs mean, None if that is the evaluator's own matter."""
        return self.data.task if self.data else None

    @property
    def deployed_task(self) -> Task | None:
        """What the outputs of a deployed network mean, as `deployment` has it."""
        return self.task.deployed()[1] if self.task else None

    @property
    def metric(self) -> Metric:
        """The metric that is searched for where nobody says otherwise."""
        return self.task.metric if self.task else USUAL[0]

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as JSON, for the log, the card and the report."""
        return {}

    @property
    def data_settings(self) -> dict[str, Any] | None:
        """What the data are: name, source, digest, sizes, shape; None if unknown."""
        return None
