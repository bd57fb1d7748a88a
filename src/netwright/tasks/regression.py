"""Regression: one number or several for each example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netwright.errors import SettingError
from netwright.network.signature import TensorSpec
from netwright.tasks import classical
from netwright.tasks.base import Batches, Classical, Metric, Outputs, Task, checked_names, only
from netwright.tasks.examined import examined_numbers
from netwright.tasks.extra import Extra, checked_extra, measured, metrics_of, name_of
from netwright.tasks.scores import collected, deviations
from netwright.tasks.split import Rows, split_evenly

RMSE = Metric("rmse", "minimize")
MAE = Metric("mae", "minimize")
R2 = Metric("r2", "maximize")
_METRICS = (RMSE, MAE, R2)
_BINS = 10  # of targets, of which each fold has its share,
_LEAST = 4  # and rows in each


class Rescale(nn.Module):
    """Numbers in units of a deviation from a mean, back in the units of the user."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.detach().clone().float())
        self.register_buffer("deviation", deviation.detach().clone().float())

    def forward(self, x: Tensor) -> Tensor:
        """(b, k) of any dtype to float32 of that shape."""
        return x.float() * self.deviation + self.mean


@dataclass(frozen=True)
class Regression(Task):
    """One number for each example, or one for each of `names`, by outputs (b, k).

    Targets are float32, (b,) for one number and (b, k) for several, in the units of the user.
    Networks learn how many `deviation`s each is from its `mean`; data take both from the train part
    where they are not given. The loss is the mean of the squares of that, over rows and numbers.

    Metrics, each the mean over the numbers: `rmse` and `mae`, in the units of the user, and `r2`;
    and those of `extra`: scorers of scikit-learn by their names, and functions of targets and
    answers in these units, (n,) or (n, k), of which more is better.

    Raises:
        SettingError: A name is no text, or there twice; a mean or a deviation is missing or outside
            its rule.
    """

    names: tuple[str, ...] = ()
    mean: Sequence[float] = ()
    deviation: Sequence[float] = ()
    extra: Sequence[Extra] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", checked_names("Regression", self.names))
        taken = [metric.name for metric in _METRICS]
        object.__setattr__(self, "extra", checked_extra("Regression", self.extra, taken))
        for name in ("mean", "deviation"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))
        count = max(1, len(self.names))
        sizes = {len(self.mean), len(self.deviation)}
        if sizes not in ({0}, {count}):
            raise SettingError(
                f"`Regression(mean=..., deviation=...)` must have {count} numbers each, or none, "
                f"got {len(self.mean)} and {len(self.deviation)}."
            )
        finite = all(np.isfinite([*self.mean, *self.deviation]))
        if not finite or not all(each > 0 for each in self.deviation):
            raise SettingError(
                "`Regression(mean=..., deviation=...)` must be finite numbers, deviations above 0, "
                f"got {self.mean} and {self.deviation}."
            )

    @property
    def _count(self) -> int:
        return max(1, len(self.names))

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """A number for each name, or one."""
        return (TensorSpec("output", (self._count,)),)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The root of the mean square, the mean absolute error, and R2."""
        return (*_METRICS, *metrics_of(self.extra))

    def _scale(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and deviation, each (k,)."""
        mean = np.array(self.mean or [0.0] * self._count)
        return mean, np.array(self.deviation or [1.0] * self._count)

    def _tensors(self, device: torch.device) -> tuple[Tensor, Tensor]:
        mean, deviation = self._scale()
        return torch.tensor(mean, device=device), torch.tensor(deviation, device=device)

    def loss(
        self,
        outputs: Outputs,
        targets: Tensor,
        weights: Tensor | None = None,
        *,
        smoothing: float = 0.0,
    ) -> Tensor:
        """The mean square of outputs (b, k) less the targets, in units of their deviations."""
        given = only(outputs).float()
        mean, deviation = self._tensors(given.device)
        wanted = (targets.reshape(len(targets), -1) - mean) / deviation
        squares = (given - wanted.to(given.dtype)).square().mean(1)
        return squares.mean() if weights is None else (squares * weights).sum() / weights.sum()

    def measure(self, batches: Batches) -> dict[str, float]:
        """All metrics, by the outputs of all rows."""
        given, wanted = self._said(batches)
        ours = zip((metric.name for metric in _METRICS), deviations(given, wanted), strict=True)
        one = self._count == 1
        both = (wanted[:, 0], given[:, 0]) if one else (wanted, given)
        return dict(ours) | measured(self.extra, *both, "numbers")

    def row_values(self, metric: str, batches: Batches) -> NDArray[np.float64] | None:
        """Of the mean absolute error that of a row."""
        if metric != MAE.name:
            return None
        given, wanted = self._said(batches)
        gaps: NDArray[np.float64] = np.abs(given - wanted).mean(1)
        return gaps

    def _said(self, batches: Batches) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Answers and targets in the units of the user, each (n, k)."""
        outputs, targets = collected(batches)
        mean, deviation = self._scale()
        given: NDArray[np.float64] = outputs.double().numpy() * deviation + mean
        return given, targets.double().numpy().reshape(len(targets), -1)

    def examine(self, batches: Batches) -> dict[str, Any]:
        """Residuals, and the worst rows, in the units of the user."""
        said, wanted = self._said(batches)
        return examined_numbers(said, wanted, self.names or ("answer",))

    def soft_targets(self, outputs: Outputs) -> Tensor:
        """Numbers in the units of the user, (b,) or (b, k)."""
        given = only(outputs).detach()
        mean, deviation = self._tensors(given.device)
        numbers = (given.double() * deviation + mean).float()
        return numbers if len(self.names) > 1 else numbers[:, 0]

    def split(
        self,
        targets: NDArray[Any],
        *,
        validation: float | None,
        test: float | None,
        rng: np.random.Generator,
        source: str,
    ) -> tuple[Rows, Rows, Rows]:
        """A random split; each part has a row at least.

        Raises:
            DataError: There are too few rows.
        """
        alike = np.zeros(len(targets), np.int64)
        return split_evenly(alike, validation=validation, test=test, rng=rng, source=source)

    def strata(self, targets: NDArray[Any]) -> NDArray[np.int64]:
        """Bins with as many rows each, by the first number: ten, or fewer of a few rows."""
        first = targets.reshape(len(targets), -1)[:, 0]
        rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")
        bins = max(1, min(_BINS, len(first) // _LEAST))
        return rank * bins // max(1, len(first))

    def decoder(self) -> nn.Module:
        """Outputs (b, k) to numbers in the units of the user: (b,) for one, else (b, k)."""
        last: nn.Module = nn.Identity() if len(self.names) > 1 else nn.Flatten(0)
        rescale, _ = self.deployed()
        return last if rescale is None else nn.Sequential(rescale, last)

    def answers(self, decoded: Tensor) -> list[Any]:
        """A number for each row, or with several names all of them by name."""
        answers: list[Any] = decoded.tolist()
        if len(self.names) < 2:
            return answers
        return [dict(zip(self.names, row, strict=True)) for row in answers]

    @property
    def decoding(self) -> dict[str, Any]:
        """Numbers, by name where there are several."""
        answer = "numbers" if len(self.names) > 1 else "values"
        return {**super().decoding, "answer": answer}

    def fitted(self, targets: NDArray[Any]) -> Regression:
        """The task with the mean and the deviation of targets (n,) or (n, k), if it has none."""
        if self.mean:
            return self
        given = targets.reshape(len(targets), -1).astype(np.float64)
        mean, deviation = given.mean(0), given.std(0)
        deviation[deviation <= 1e-7 * np.abs(mean)] = 1.0
        return replace(self, mean=tuple(mean.tolist()), deviation=tuple(deviation.tolist()))

    def deployed(self) -> tuple[nn.Module | None, Regression]:
        """What makes outputs numbers in the units of the user, which they are after it."""
        mean, deviation = self._scale()
        if not mean.any() and (deviation == 1).all():
            return None, self
        after = Rescale(torch.from_numpy(mean), torch.from_numpy(deviation))
        return after, replace(self, mean=(), deviation=())

    @property
    def classical(self) -> tuple[Classical, ...]:
        """A ridge regression; on tables trees, too, boosted for up to 20 numbers."""
        scale = self._scale()
        ridge = classical.of_numbers("linear_model", "RidgeCV", *scale, alphas=classical.ALPHAS)
        forest = classical.of_numbers("ensemble", "RandomForestRegressor", *scale, random_state=0)
        boosted = tuple(
            Classical(called, classical.of_numbers(module, name, *scale, **settings), table=True)
            for called, module, name, settings in classical.boosting("Regressor")
        )
        found = (
            Classical("ridge regression", ridge),
            Classical("random forest", forest, table=True),
        )
        few = (*found, *boosted) if self._count <= classical.MOST else found[:1]

        def fit(strength: float) -> Any:
            return classical.of_numbers("linear_model", "Ridge", *scale, alpha=1 / strength)

        return (
            *few,
            *classical.on_features("log-mel", found),
            *classical.on_features("random kernels", found[:1]),
            *classical.of_texts("ridge regression", fit),
        )

    @property
    def words(self) -> str:
        """How many numbers."""
        return f"{self._count} numbers" if self._count > 1 else "a number"

    def to_json(self) -> dict[str, Any]:
        """The names, the mean and the deviation of the numbers, and the metrics."""
        return {
            "kind": "regression",
            "names": list(self.names),
            "mean": list(self.mean),
            "deviation": list(self.deviation),
            **({"extra": list(map(name_of, self.extra))} if self.extra else {}),
            "metrics": [metric.to_json() for metric in self.metrics],
        }
