"""Loading what `save` of an estimator wrote."""

from __future__ import annotations

from pathlib import Path

from netwright.errors import ExportError
from netwright.estimators.base import NetEstimator
from netwright.estimators.classifier import NetClassifier
from netwright.estimators.folder import encoding_in, network_in, read_folder
from netwright.estimators.regressor import NetRegressor

_KINDS: dict[str, type[NetEstimator]] = {
    kind.__name__: kind for kind in (NetClassifier, NetRegressor)
}


def load(folder: str | Path) -> NetEstimator:
    """Load a fitted estimator that its `save` wrote into a folder.

    It answers as the one that was saved. It has no run, so there is no `run_`, `best_` and report.
    The network is that of model.py, which is run for it: load folders that you trust.

    Raises:
        ExportError: The folder holds no saved estimator, or a file is damaged.
    """
    folder = Path(folder)
    body = read_folder(folder)
    try:
        estimator = _KINDS[body["kind"]](**body["settings"])
        estimator._restore(body)
        encoding, names = encoding_in(body["encoding"]), tuple(body["names"])
    except (KeyError, TypeError, ValueError) as error:
        raise ExportError(
            f"estimator.json in {str(folder)!r} is damaged or of another version: {error!r}."
        ) from error
    estimator._take(network_in(folder), encoding, names)
    return estimator
