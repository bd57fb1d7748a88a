"""What both estimators do: learn from rows, answer rows, and go into files."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import cloudpickle
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import Tensor, nn

from netwright.errors import SettingError, StoreError
from netwright.estimators.folder import write_folder
from netwright.estimators.learning import data_of, encoding_of, tensors_of
from netwright.estimators.rows import read_rows
from netwright.estimators.searching import Network, Settings, searched
from netwright.network.normalised import each_of
from netwright.objective import Limits
from netwright.run.result import Run, TrainedNetwork
from netwright.store import Store
from netwright.strategies import Strategy
from netwright.tasks import Classification, Metric, Regression, Task
from netwright.tasks.extra import Extra

_AT_ONCE = 2**24  # numbers of the raw tensors of rows that are answered together

_OF_NO_FILE = ("space", "metric", "_network")  # may hold functions that no import finds


class NetEstimator(BaseEstimator):  # type: ignore[misc]
    """A search of networks as an estimator: see `NetClassifier` for the settings."""

    run_: Run
    best_: TrainedNetwork

    def __init__(
        self,
        *,
        trials: int | None = None,
        minutes: float | None = None,
        limits: Limits | None = None,
        metric: Extra | None = None,
        space: Network | None = None,
        ensemble: int | None = None,
        strategy: Strategy | str | None = None,
        trial_epochs: int | None = None,
        full_epochs: int | None = None,
        validation: float = 0.2,
        refit: bool = True,
        training: Mapping[str, Any] | None = None,
        device: str = "auto",
        workers: int = 0,
        store: str | Path | Store | None = None,
        kind: str | None = None,
        rate: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.trials = trials
        self.minutes = minutes
        self.limits = limits
        self.metric = metric
        self.space = space
        self.ensemble = ensemble
        self.strategy = strategy
        self.trial_epochs = trial_epochs
        self.full_epochs = full_epochs
        self.validation = validation
        self.refit = refit
        self.training = training
        self.device = device
        self.workers = workers
        self.store = store
        self.kind = kind
        self.rate = rate
        self.random_state = random_state
        self.verbose = verbose

    @abstractmethod
    def _read_targets(self, y: Any) -> tuple[NDArray[Any], Classification | Regression]:
        """Targets as the task has them, and the task; learns what is needed to answer."""

    def fit(self, X: Any, y: Any) -> Self:
        """Search a network for rows `X` and targets `y`, and keep the best one.

        `X` is an array (n, f) of numbers, NaN where one is missing; a table of pandas or Polars,
        whose columns may hold numbers, text, dates and gaps; images (n, h, w), (n, c, h, w) or
        (n, h, w, c); a list of texts; or series or recordings: see `kind` of the settings.

        Raises:
            ValueError: Rows, targets or a setting cannot be used; the message says why.
            LimitError: No network can keep the limits; the message says the least that can.
        """
        began = time.monotonic()
        rows = read_rows(self, X, reset=True)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        targets, task = self._read_targets(y)
        check_consistent_length(targets, range(len(rows)))
        metric, measured = self._sought(task)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        data, divided = data_of(rows, targets, measured, self.validation, seed, self.rate)
        self.run_ = searched(
            self._settings(), data, metric.objective, seed=seed, divided=divided, began=began
        )
        self.best_ = self.run_.best
        self.remarks_ = data.remarks
        self._take(self.best_.model(), encoding_of(data), rows.names)
        return self

    def _take(self, network: nn.Module, encoding: Any, names: tuple[str, ...]) -> None:
        """Keep what answers rows."""
        self._network, self._encoding, self._names = network, encoding, names

    @property
    def learnt_kind(self) -> str:
        """What kind of rows the network learned from, as its code book has it; empty before."""
        encoding = getattr(self, "_encoding", None)
        return "" if encoding is None else str(encoding.to_json()["kind"])

    def _settings(self) -> Settings:
        own = {f: getattr(self, f) for f in Settings.__dataclass_fields__ if f != "called"}
        return Settings(type(self).__name__, **own)

    def _sought(self, task: Classification | Regression) -> tuple[Metric, Task]:
        """The metric that is searched for, and the task that measures it."""
        if self.metric is None:
            return task.metric, task
        known = {metric.name: metric for metric in task.metrics}
        if self.metric in known:
            return known[self.metric], task
        try:
            wider = replace(task, extra=(self.metric,))
        except SettingError as error:
            raise SettingError(
                f"`{type(self).__name__}(metric=...)` must be one of {', '.join(known)} or the "
                f"name of a scorer of scikit-learn, got {self.metric!r}."
            ) from error
        return wider.metrics[-1], wider

    def _outputs(self, X: Any) -> Tensor:
        """What the network gives for rows, in the units of the user."""
        check_is_fitted(self, "_network")
        rows = read_rows(self, X, reset=False)
        tensors = tensors_of(rows, self._encoding, self._names)
        size = max(1, sum(tensor[0].numel() for tensor in tensors))
        given = []
        with torch.inference_mode():
            parts = [torch.split(x, max(1, _AT_ONCE // size)) for x in tensors]
            for batch in zip(*parts, strict=True):
                given.append(each_of(self._network(*batch))[0].float())
        return torch.cat(given)

    def report(self, out: str | Path = "report.html") -> Path:
        """Write the report of the search, one HTML page that opens offline.

        Raises:
            StoreError: The estimator was loaded from a folder, which has no log.
        """
        check_is_fitted(self, "_network")
        if not hasattr(self, "run_"):
            raise StoreError(
                "An estimator that `netwright.load` gave has no log of its search; call "
                "`report(out)` of the one that was fitted."
            )
        return self.run_.report(out)

    def save(self, folder: str | Path) -> Path:
        """Write the network in all exported forms, and estimator.json beside them; no pickle.

        `netwright.load(folder)` makes an estimator of it that answers alike. The forms are those
        of `run.best.export`: model.py, model.safetensors, model.onnx, model.pt2 and a card.

        Raises:
            ExportError: A file cannot be written.
            SettingError: The folder holds something else, or the names of what is predicted cannot
                be written as JSON.
            StoreError: The estimator was loaded, and not fitted here.
        """
        check_is_fitted(self, "_network")
        if not hasattr(self, "run_"):
            raise StoreError(
                "An estimator that `netwright.load` gave cannot be saved again; copy the folder."
            )
        return write_folder(self, Path(folder))

    def _known(self) -> dict[str, Any]:
        """What of a fitted estimator goes into a folder, as JSON."""
        known = {
            "features": self.n_features_in_,
            "names": list(self._names),
            "encoding": self._encoding.to_json(),
        }
        if hasattr(self, "feature_names_in_"):
            known["feature_names"] = self.feature_names_in_.tolist()
        return known

    def _restore(self, known: Mapping[str, Any]) -> None:
        """Take what `_known` gave."""
        self.n_features_in_ = known["features"]
        if "feature_names" in known:
            self.feature_names_in_ = np.array(known["feature_names"], object)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "best_" in state:  # which holds the run, too
            state["best_"] = (self.best_.trial, dict(self.best_.metrics))
        sent = {name: state.pop(name) for name in _OF_NO_FILE if name in state}
        return {**state, "_sent": cloudpickle.dumps(sent)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        found = dict(state)
        found |= cloudpickle.loads(found.pop("_sent"))
        if "best_" in found:
            found["best_"] = TrainedNetwork(found["run_"], *found["best_"])
        super().__setstate__(found)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags
