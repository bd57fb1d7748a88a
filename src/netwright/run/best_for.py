"""Networks for other limits from the shared weights of a run, without training anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from netwright.errors import LimitError, SettingError, StoreError
from netwright.evaluate.training import Training
from netwright.export import Card, check_folder, export
from netwright.network.normalised import Normalised
from netwright.network.threads import one_thread
from netwright.objective import COSTS, Limit
from netwright.oneshot import OneShot, Shared
from netwright.oneshot.shared_scores import recalibrate
from netwright.oneshot.shared_search import scored
from netwright.run.exporting import on_targets, origin_on_card
from netwright.run.fingerprint import versions
from netwright.run.plan import Plan
from netwright.run.shared_training import Checkpoint, setting_of
from netwright.space import Architecture
from netwright.strategies import RegularizedEvolution, Strategy
from netwright.targets.asked import asked


@dataclass(frozen=True)
class Special:
    """A network for some limits, with its part of the shared weights or tuned from it.

    `metrics` has its costs and the task's first metric on the validation part: with shared weights
    (its name begins with `shared_`), and where it was tuned by its own name. `network` is in eval
    mode and takes raw inputs, as the exported forms do; `network.network` is what comes after the
    normalisation.
    """

    architecture: Architecture
    metrics: Mapping[str, float]
    network: Normalised
    plan: Plan
    limits: tuple[Limit, ...]
    run: str
    epochs: int

    def export(self, out: str | Path) -> Path:
        """Write model.py, model.safetensors, model.onnx, model.pt2, card.md and card.json.

        A form that cannot be made, or that differs from the network, is left out and the card says
        why.

        Raises:
            ExportError: A file cannot be written.
            SettingError: The folder holds something else.
        """
        check_folder(Path(out))
        plan = self.plan
        evaluator = plan.evaluator
        task = evaluator.task
        names = tuple(m.name for m in (task.metrics if task else (evaluator.metric,)))
        reached = {k: v for k, v in self.metrics.items() if k.endswith(names)}
        costs = {k: v for k, v in self.metrics.items() if k not in reached}
        data = plan.evaluator.data_settings or {}
        how = f"tuned for {self.epochs} epochs" if self.epochs else "not trained alone"
        card = Card(
            origin=origin_on_card(plan),
            title=f"A network for {data.get('name', 'your data')}",
            data=data,
            task=task.to_json() if task else None,
            metrics={f"validation_{name}": value for name, value in reached.items()},
            costs={**costs, **on_targets(plan, self.network.network)},
            search={
                "run": self.run,
                "strategy": type(plan.strategy).__name__,
                "seed": plan.seed,
                "limits": [str(limit) for limit in self.limits],
            },
            settings=dict(plan.evaluator.settings) | plan.space.recipe(self.architecture),
            architecture=dict(self.architecture.answers),
            versions=versions(),
            notes=[f"Its weights are a part of shared ones, {how}; not scored on the test part."],
        )
        deployment = plan.evaluator.deployment(plan.space)
        export(
            self.network,
            Path(out),
            signature=deployment.signature,
            card=card,
            examples=deployment.examples,
            task=plan.evaluator.deployed_task,
            encoder=deployment.encoder,
        )
        return Path(out)

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value:.5g}" for name, value in self.metrics.items())
        return f"Special({told})"


class Specialist:
    """The shared weights of a run, in which networks for any limits are looked for.

    Raises:
        StoreError: The run has no shared weights, or they cannot be read.
    """

    def __init__(self, plan: Plan, checkpoint: Checkpoint) -> None:
        if not isinstance(plan.strategy, OneShot) or not checkpoint.exists():
            raise StoreError(
                f"The run {checkpoint.run!r} has no shared weights: `best_for` needs a run of a "
                'one-shot search that was begun, such as `search(strategy="once-for-all")`.'
            )
        self._plan, self._run = plan, checkpoint.run
        self._costs = plan.costs()
        with one_thread():
            self._shared: Shared = plan.strategy.begin(
                setting_of(plan, self._costs.with_limits(()))
            )
            try:
                self._shared.load(checkpoint.load())
            except (SafetensorError, RuntimeError, KeyError, OSError) as error:
                raise StoreError(
                    f"The shared weights of the run {self._run!r} cannot be read from "
                    f"{str(checkpoint.store)!r}: {str(error).splitlines()[0]}."
                ) from error

        if self._shared.supernet.is_partial:
            raise StoreError(
                f"The shared weights of the run {self._run!r} are of a part of the channels alone, "
                "so that no network can be taken out of them: its networks are trained as trials."
            )

    def best_for(
        self,
        limits: Sequence[Limit],
        *,
        count: int = 100,
        epochs: int = 0,
        finder: Strategy | None = None,
        seed: int = 0,
    ) -> Special:
        """The best network by shared weights that keeps the limits, of `count` that are scored.

        Those scored for other limits before are looked at too.

        Raises:
            LimitError: No network was found that keeps the limits; says the least.
            SettingError: A value outside its rule.
        """
        for name, value, least in (("scored", count, 1), ("epochs", epochs, 0), ("seed", seed, 0)):
            if type(value) is not int or value < least:
                raise SettingError(
                    f"`run.best_for({name}=...)` must be a whole number, at least {least}, got "
                    f"{value!r}."
                )
        if not isinstance(finder, Strategy | None):
            raise SettingError(
                "`run.best_for(finder=...)` must be a Strategy such as `RegularizedEvolution()`, "
                f"got {finder!r}."
            )
        plan, shared = self._plan, self._shared
        objective = shared.setting.metric.objective
        with one_thread():
            if lower := [limit for limit in limits if limit.least]:
                raise SettingError(
                    "`run.best_for(limits)` must be limits from above, such as "
                    f'`at_most("params", 20_000)`, got {lower[0]}.'
                )
            wanted = asked((), limits, plan.targets, COSTS)
            costs = self._costs.with_limits(wanted.limits, wanted.targets)
            if not any(map(costs.keeps, shared.scores)):
                costs.check_can_be_met()
            scored(
                shared,
                finder or RegularizedEvolution(),
                (objective,),
                costs,
                np.random.default_rng([seed, 6]),
                count,
            )
            known = {
                member: metrics for member, metrics in shared.scores.items() if costs.keeps(member)
            }
            if not known:
                raise LimitError(
                    f"No network of `{plan.space.name}` was found that keeps "
                    f"{', '.join(map(str, wanted.limits))}; give a larger "
                    "`scored`, or a looser limit."
                )
            best = max(known, key=lambda member: objective.gain(known[member]))
            name = objective.metric
            metrics: dict[str, float] = {**costs.of(best), f"shared_{name}": known[best][name]}
            shared.activate(best)
            network = shared.supernet.extract(best)
            recalibrate(network, shared.setting)
            if epochs:
                evaluator = plan.evaluator
                assert isinstance(evaluator, Training)
                recipe = plan.space.recipe(best)
                metrics |= {name: evaluator.tune(network, epochs, recipe, seed)[name]}
        network = plan.evaluator.deployment(plan.space).raw(network.cpu())
        return Special(best, metrics, network, plan, wanted.limits, self._run, epochs)
