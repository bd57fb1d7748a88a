"""Training the network that was found on other rows: no search, its recipe, its full schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netwright.data import Data
from netwright.data.split import Split
from netwright.errors import EvaluationError, NetwrightError, SettingError
from netwright.evaluate.base import Candidate, Context
from netwright.evaluate.fit import seeded
from netwright.evaluate.plain import Plain
from netwright.evaluate.reference import reference
from netwright.evaluate.training import Training
from netwright.export import Card, Exported, check_folder, export
from netwright.network.ensemble import Ensemble
from netwright.network.normalised import Deployment
from netwright.network.onnx_graph import first_line
from netwright.network.signature import Signature
from netwright.network.weights import unwrapped
from netwright.record.judged import Beside
from netwright.reuse.again import read_again
from netwright.reuse.exported import ExportedNetwork, source_module
from netwright.run.exporting import measured_on
from netwright.run.fingerprint import plain, versions
from netwright.run.judging import beside
from netwright.space import Architecture, ensembled
from netwright.spaces.names import ready_space
from netwright.tasks import Metric
from netwright.tasks.base import Batches
from netwright.tasks.spread import Spread, spread_of
from netwright.trial import Budget

_EXAMPLES = 64  # on which exported forms are compared
_LEAST = 10.0  # seconds that the classical method may take, or as many as the training took

Told = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Retrained:
    """A network that was trained again: its export, its data and its metrics on their test part.

    `before` are those that the card of the first one has, on the test part of its own data, and
    `judged` says how far it is from the `reference`, where it is known how sure that is.
    """

    exported: Exported
    data: Data
    metric: Metric
    metrics: Mapping[str, float]
    before: Mapping[str, float]
    reference: Mapping[str, Any] | None
    judged: Beside | None = None


def retrain(
    network: ExportedNetwork,
    source: Path,
    out: Path,
    *,
    split: Split | None = None,
    epochs: int | None = None,
    keep_weights: bool = False,
    seed: int = 0,
    told: Told = lambda epoch, epochs, metrics: None,
) -> Retrained:
    """Train a network that was exported on other rows, and export it with a new test figure.

    It begins with fresh weights, since rows that it learned from before may be in the new test
    part: those of its space where that is a ready one, else those that the layers in model.py draw.
    With `keep_weights` it goes on from the weights that it has. It learns from the train and
    validation parts together, for `epochs`, or as long as the full schedule of the search was.

    Raises:
        DataError: As `read_again`.
        SettingError: Its training was a user's own, or it cannot be made anew from the folder.
        EvaluationError: The training failed.
        ExportError: A file cannot be written.
    """
    check_folder(out)
    if network.card.origin.get("evaluator") != "Training":
        raise SettingError(
            f"The network in {str(network.folder)!r} cannot be trained again: its card does not "
            "name a training of netwright's. Train the class in model.py yourself."
        )
    data = read_again(network, source, split or Split(seed))
    training = _training(network.card, data, epochs)
    candidate = _Again(seed=seed, make=_maker(network, data, keep_weights))
    refit = training.for_refit() or training
    budget = _budget(network.card, training, epochs)
    whole = budget.amount

    def report(epoch: int, metrics: Mapping[str, float]) -> None:
        told(epoch, whole, metrics)

    began = datetime.now(UTC)
    result = refit.evaluate(candidate, budget, Context(seed, report))
    if result.status != "done" or result.model is None:
        raise EvaluationError(f"The training {result.reason or result.status}.")
    seconds = (datetime.now(UTC) - began).total_seconds()
    metrics = training.test(result.model)
    metric, classical, judged = network.card.metric, None, None
    if len(data.test):
        plain, most = Plain(training, {}, whole), max(_LEAST, seconds)
        classical, spread = _referred(refit.data, most, metric, plain)
        if classical is not None and metric.name in metrics and metric.name in classical:
            scores = (metrics[metric.name], float(classical[metric.name]))
            spreads = (training.test_spread(result.model, metric.name), spread)
            judged = beside(metric, str(classical["name"]), scores, spreads)
    card = _card(network, training, metrics, seconds, keep_weights=keep_weights)
    notes = [*card.notes, *_compared(metric, metrics, classical, judged)]
    card = replace(card, notes=notes)
    made = _exported(unwrapped(result.model), data, card, out)
    return Retrained(made, data, metric, metrics, _tested(network.card), classical, judged)


def _referred(
    data: Data, seconds: float, metric: Metric, plain: Plain
) -> tuple[dict[str, Any] | None, Spread | None]:
    """What a classical method reaches on the test part, and how sure that is."""
    spreads: list[Spread | None] = []

    def told(batches: Batches) -> None:
        spreads.append(spread_of(data.task, metric.name, batches, len(data.test)))

    found = reference(data, seconds, metric=metric, plain=plain, told=told)
    return found, spreads[-1] if spreads else None


def _compared(
    metric: Metric,
    metrics: Mapping[str, float],
    classical: Mapping[str, Any] | None,
    judged: Beside | None,
) -> list[str]:
    """How far the network is from the classical method, for the card."""
    told = [] if judged is None else [judged.told(metric)]
    if classical is None:
        return told
    below = metric.is_below(metrics, classical) if judged is None else judged.verdict == "below"
    if below:
        shown = metric.show(classical[metric.name])
        told.append(f"BELOW THE REFERENCE: {classical['name']} reaches {shown} on the test part.")
    return told


@dataclass(frozen=True)
class _Again(Candidate):
    """The network of a folder as a training takes it; its recipe is in the settings already."""

    space: Any = None
    architecture: Any = None
    seed: int = 0
    make: Callable[[int], nn.Module] = nn.Identity

    def build(self) -> nn.Module:
        return self.make(self.seed)

    @property
    def recipe(self) -> dict[str, Any]:
        return {}


def _training(card: Card, data: Data, epochs: int | None) -> Training:
    """The training of the card on other data; the answers of its recipe are among its settings."""
    known = {field.name for field in fields(Training)} - {"data", "device", "folds", "repeats"}
    settings = {name: value for name, value in card.settings.items() if name in known}
    if epochs is not None:
        settings["full_epochs"] = epochs
    return Training(data, **settings, folds=1)


def _budget(card: Card, training: Training, epochs: int | None) -> Budget:
    """The epochs that were asked for, else the share of the schedule after which it was best."""
    whole = training.full_epochs
    if epochs is not None:
        return Budget(whole)
    amount, horizon = card.origin.get("epochs") or (1, 1)
    return Budget(min(whole, max(1, round(whole * amount / horizon))), whole)


def _maker(network: ExportedNetwork, data: Data, keep_weights: bool) -> Callable[[int], nn.Module]:
    """What builds the network, by a seed."""
    origin, networks = network.card.origin.get("space"), _networks(network)
    if origin is not None and not keep_weights:
        takes = data.signature
        sizes = (takes.input.sizes, takes.output.sizes[-1])
        try:
            space = ready_space("--space", origin, *sizes)
            space = ensembled(space, networks) if networks > 1 else space
            architecture = Architecture.from_answers(network.card.architecture)
            build = space.build
            _check_same(network, build(architecture, seed=0))
        except NetwrightError as error:
            raise SettingError(
                f"The network in {str(network.folder)!r} cannot be built by this version of "
                f"netwright: {error} Keep its weights (`keep_weights=True`), or search again."
            ) from error
        return lambda seed: build(architecture, seed=seed)
    return lambda seed: _of_source(network, seed, keep_weights, len(data.signature.inputs))


def _networks(network: ExportedNetwork) -> int:
    """Of how many networks an ensemble is; 1 for what is none."""
    return int(network.card.origin.get("ensemble") or 1)


def _check_same(network: ExportedNetwork, built: nn.Module) -> None:
    """Refuse another network than that of the card, by its number of weights."""
    count = sum(p.numel() for p in built.parameters())
    was = network.card.costs.get("params")
    if was is not None and count != was:
        raise SettingError(f"It has {was:,.0f} parameters, what is built has {count:,}.")


def _of_source(network: ExportedNetwork, seed: int, keep_weights: bool, inputs: int) -> nn.Module:
    """The network of so many inputs within that of model.py, after the normalisation.

    Fresh weights are those that layers of torch draw; parameters beside layers have no rule by
    which they would be drawn.
    """
    path = network.folder / "model.py"
    inner = None
    if path.is_file():
        try:
            with seeded(seed, torch.device("cpu")):
                module = source_module(path)
                made = module.load() if keep_weights else module.Network()
        except Exception as error:  # own code in model.py raises many kinds
            raise SettingError(f"{path} cannot be run: {first_line(error)}") from error
        inner = getattr(made, "network", None)
    if not isinstance(inner, nn.Module):
        raise SettingError(
            f"The network in {str(network.folder)!r} cannot be made anew: its folder has no "
            "model.py that writes out its layers. Search again."
        )
    for name, layer in () if keep_weights else inner.named_modules():
        if next(layer.parameters(recurse=False), None) is None or hasattr(
            layer, "reset_parameters"
        ):
            continue
        raise SettingError(
            f"The network in {str(network.folder)!r} has parameters of its own in {name!r}, for "
            "which model.py has no first values; keep its weights (`keep_weights=True`)."
        )
    members = getattr(inner, "members", None)
    if _networks(network) > 1 and isinstance(members, nn.ModuleList):
        return Ensemble.of(members, inputs)
    return inner


def _card(
    network: ExportedNetwork,
    training: Training,
    metrics: Mapping[str, float],
    seconds: float,
    *,
    keep_weights: bool,
) -> Card:
    before, data = network.card, training.data
    where = before.data.get("source", "other rows")
    notes = [
        f"Trained again on {data.source}, with the recipe that was searched on {where}; the search "
        "was not repeated."
    ]
    if keep_weights:
        notes.append(
            "It began with the weights of the first training. Where rows of the test part were "
            "among those, the test figures are too good."
        )
    return replace(
        before,
        data=plain(data.settings),
        metrics={f"test_{name}": value for name, value in metrics.items()},
        costs={name: v for name, v in before.costs.items() if "@" not in name},
        search={**before.search, "retraining_seconds": round(seconds, 1)},
        settings={**before.settings, "full_epochs": training.full_epochs},
        versions=versions(),
        checks={},
        notes=notes,
    )


def _tested(card: Card) -> dict[str, float]:
    return {
        name.removeprefix("test_"): value
        for name, value in card.metrics.items()
        if name.startswith("test_") and isinstance(value, int | float)
    }


def _exported(model: nn.Module, data: Data, card: Card, out: Path) -> Exported:
    signature = Signature(data.raw, data.task.outputs)
    after, task = data.task.deployed()
    examples, _ = data.train.batch(slice(0, _EXAMPLES))
    given = len(data.signature.inputs)
    deployment = Deployment(signature, data.normalise, examples, given, data.encoder, after)
    measured = {**card.costs, **measured_on((), model, deployment)}
    return export(
        deployment.raw(model),
        out,
        signature=signature,
        card=replace(card, costs=measured),
        examples=examples,
        test=Training(data).test_examples,
        task=task,
        encoder=data.encoder,
    )
