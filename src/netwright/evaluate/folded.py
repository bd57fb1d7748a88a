"""A candidate that is trained on several folds of few rows: how many, of what, and what is left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from netwright.data import Data
from netwright.errors import SettingError
from netwright.evaluate.base import Candidate, Context
from netwright.network.ensemble import Ensemble

_BY_ROWS = ((500, 5), (2000, 3))  # fewer rows than, folds
_BY_VALUES = ((2**22, 5), (2**24, 3))  # fewer values of all rows than, folds at most
_TOO_FEW = 200  # rows, below which a validation part alone says too little whatever it saves


def folds_by_rows(data: Data) -> int:
    """How many folds rows of train and validation are divided in.

    Folds take so many times as long. Recordings and photographs, which have many values, are
    divided in fewer: of 450 recordings of five languages a training on one fold of five took half a
    minute, and all five of a network all of a search of two minutes.
    """
    rows = len(data.train) + len(data.validation)
    units = rows if data.groups is None else len(set(data.groups.tolist()))
    if not data.reshuffles or not len(data.validation):
        return 1
    folds = next((folds for most, folds in _BY_ROWS if rows < most), 1)
    values = rows * sum(math.prod(spec.sizes) for spec in data.raw)
    affordable = next((folds for most, folds in _BY_VALUES if values < most), 1)
    folds = min(folds, max(affordable, 3 if rows < _TOO_FEW else 1))
    return folds if units >= 2 * folds else 1


def check_folds(data: Data, folds: object, repeats: object) -> None:
    """Refuse folds that data cannot be divided in.

    Raises:
        SettingError: A number outside its rule, or data whose validation part was given, or comes
            later in time.
    """
    for name, value in {"folds": folds, "repeats": repeats}.items():
        if type(value) is not int or value < 1:
            raise SettingError(
                f"`Training({name}=...)` must be a whole number, at least 1, got {value!r}."
            )
    if folds == 1:
        if repeats != 1:
            raise SettingError(f"`Training(repeats=...)` belongs to `folds`, got {repeats!r}.")
        return
    if not data.reshuffles or not len(data.validation):
        raise SettingError(
            f"`Training(folds=...)` must be 1 for {data.name!r}, whose validation part was given, "
            f"comes later in time, or is empty, got {folds!r}."
        )


@dataclass(frozen=True)
class _Member(Candidate):
    """A candidate of which one network of an ensemble is trained."""

    network: nn.Module
    whole: Candidate

    def build(self) -> nn.Module:
        """That network."""
        return self.network

    @property
    def recipe(self) -> dict[str, Any]:
        """That of the whole, whatever it is from."""
        return self.whole.recipe


def check_networks(networks: int, folds: int) -> None:
    """Refuse an ensemble whose networks are not as many as the folds that they are trained on.

    Raises:
        SettingError: They are not.
    """
    if networks > 1 and folds not in (1, networks):
        raise SettingError(
            f"`Training(folds=...)` must be {networks} for an ensemble of so many networks, a fold "
            f"for each, or 1, got {folds}."
        )


def candidates_of(candidate: Candidate, model: nn.Module, folds: int) -> list[Candidate]:
    """A candidate for each training: of each network of an ensemble, else of each fold.

    `model` is the candidate's network.

    Raises:
        SettingError: An ensemble has another number of networks than there are folds.
    """
    if not isinstance(model, Ensemble):
        return [candidate] * folds
    check_networks(len(model.members), folds)
    given = (candidate.space, candidate.architecture, candidate.seed)
    return [_Member(*given, member, candidate) for member in model.members]


def of_part(context: Context, place: int) -> Context:
    """What surrounds one of several trainings: the first one reports, each keeps its own state.

    Each has a seed of its own, so that networks of an ensemble learn from rows in another order.
    """

    def report(epoch: int, metrics: Mapping[str, float]) -> None:
        if place == 0:
            context.report(epoch, metrics)
        else:
            context.check()

    return replace(
        context,
        seed=context.seed + place,
        report=report,
        load=lambda name: context.load(f"{name}-part-{place}"),
        save=lambda name, tensors: context.save(f"{name}-part-{place}", tensors),
        elapsed=None,
    )
