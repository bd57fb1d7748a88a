"""What a worker does with one job: measure a network on the targets, or train it and keep it."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

import torch
from safetensors import torch as safetensors
from torch import Tensor, nn

from netwright.errors import EvaluationError, StoreError, raised_at
from netwright.evaluate.base import Context, Evaluator, Result
from netwright.evaluate.kept import Watched
from netwright.evaluate.returned import Unusable, floats, usable
from netwright.evaluate.scored import scored
from netwright.network.weights import tensor_bytes, unwrapped
from netwright.objective import Limit, MetricName
from netwright.proxies import Proxy
from netwright.space import Architecture, Space
from netwright.store import Store
from netwright.targets.base import Target
from netwright.targets.measured import measured
from netwright.trial import Budget, Status

TRAINING_SECONDS = "training_seconds"
"""The metric of what a training takes, where it was forecast from a few timed steps."""

# A training whose schedule ends with its seconds:
_FITTED = 0.97  # of these are over when its last step ends,
_SCORING = 3.0  # and so many more it may take to be scored,
_SCORING_SHARE = 0.1  # or so much of them


@dataclass(frozen=True)
class Job:
    """One proposal to train, or only to `measure`; `weights` is the key of its trained weights.

    What is measured is scored by the run's proxies before, if it is to `score`.
    `state` is what the keys begin with of what the candidate's trials keep for the next one.
    `refit` trains on the train and validation parts together. A training that seems to take more
    than `affordable` seconds is rejected after a few steps, and one that takes `seconds` is ended.
    If it `ends_on_time` its schedule ends with these seconds.
    `spread` is the key of how sure its metric is, None where nobody will ask.
    """

    architecture: Architecture
    budget: Budget
    seed: int
    metrics: Mapping[str, float]
    weights: str | None = None
    state: str | None = None
    measure: bool = False
    score: bool = False
    refit: bool = False
    affordable: float | None = None
    seconds: float | None = None
    ends_on_time: bool = False
    spread: str | None = None

    @property
    def ended_after(self) -> float | None:
        """Seconds after which it is ended; one that ends on time does so but for its scoring."""
        if self.seconds is None or not self.ends_on_time:
            return self.seconds
        return self.seconds + max(_SCORING, _SCORING_SHARE * self.seconds)


@dataclass(frozen=True)
class Outcome:
    """What became of a job; a measured network is `done`, or `rejected` when over a limit.

    It is `unkept` if its weights could not be put into the store, so that the run cannot go on.
    `for_all`: what is wrong is so for all that the run would train.
    """

    status: Status | Literal["rejected", "unkept"]
    metrics: Mapping[str, float]
    curve: tuple[Mapping[str, float], ...] = ()
    reason: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    for_all: bool = False


@dataclass(frozen=True)
class Evaluation:
    """Does the jobs of one run. `proxies` score networks, and `targets` measure them, before they
    are trained.

    `wanted` are metrics without which a trial has failed: those of objectives and limits. Trained
    weights go to the `run` of the `store`, which a worker opens anew from its URL; without one they
    are not kept.
    """

    space: Space
    evaluator: Evaluator
    limits: Sequence[Limit]
    targets: Sequence[Target] = ()
    wanted: Sequence[str] = ()
    store: Store | None = None
    run: str = ""
    proxies: Sequence[Proxy] = ()

    def __call__(self, job: Job, report: Callable[[Any], None]) -> Outcome:
        """Measure or train; never raises but KeyboardInterrupt."""
        wall, cpu = time.perf_counter(), time.process_time()
        metrics = dict(job.metrics)
        try:
            outcome = self._evaluate(job, metrics, report)
        except _Unkept as error:
            outcome = Outcome("unkept", metrics, reason=str(error))
        except _OutOfTime as error:
            outcome = Outcome("timeout", metrics, reason=str(error))
        except Unusable as error:
            outcome = Outcome("invalid", metrics, reason=str(error), for_all=True)
        except MemoryError as error:
            outcome = Outcome("oom", metrics, reason=f"out of memory: {error}")
        except KeyboardInterrupt:
            raise  # in the process of the run it is its user's
        except BaseException as error:  # SystemExit too
            status: Status = "oom" if _is_out_of_memory(error) else "failed"
            traceback.print_exc()
            outcome = Outcome(status, metrics, reason=_one_line(error))
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
        return replace(outcome, seconds=seconds, cpu_seconds=cpu_seconds)

    def _evaluate(
        self, job: Job, metrics: dict[str, float], report: Callable[[Any], None]
    ) -> Outcome:
        candidate = Watched(self.space, job.architecture, job.seed)
        if job.measure:
            return self._measured(candidate.build(), metrics, job)
        evaluator = (self.evaluator.for_refit() if job.refit else None) or self.evaluator
        if job.affordable is not None:
            told = evaluator.time_steps(candidate, job.budget)
            if told is not None and told > job.affordable:
                reason = too_long(told, job.affordable)
                return Outcome("rejected", {**metrics, TRAINING_SECONDS: told}, reason=reason)
        candidate.built.clear()
        found = evaluator.evaluate(candidate, job.budget, self._context(job, report))
        result = usable(found, f"{type(evaluator).__name__}.evaluate(...)")
        metrics |= {k: v for k, v in result.metrics.items() if k not in metrics}
        outcome = Outcome(result.status, metrics, result.curve, result.reason)
        if result.status != "done":
            return outcome
        if not job.refit and (missing := [m for m in self.wanted if m not in metrics]):
            return replace(
                outcome, status="invalid", reason=lacks(missing[0], metrics), for_all=True
            )
        endless = [name for name in self.wanted if not math.isfinite(metrics.get(name, 0.0))]
        if endless:
            values = " and ".join(f"{name} is {metrics[name]}" for name in endless)
            return replace(outcome, status="failed", reason=f"{values}, which cannot be compared")
        if result.model is not None:
            verdict = candidate.verdict(evaluator, result.model)
            if verdict is not None and verdict.fatal:
                return replace(outcome, status="invalid", reason=verdict.text, for_all=True)
            self._keep(job, unwrapped(result.model))
            self._keep_spread(job, result)
            if verdict is not None:
                return replace(outcome, reason=verdict.text)
        return outcome

    def _context(self, job: Job, report: Callable[[Any], None]) -> Context:
        """What surrounds a training, which ends after an epoch when its time is over."""
        began, store, run, prefix = time.monotonic(), self.store, self.run, job.state
        most = job.ended_after

        def told(epoch: int, metrics: Mapping[str, float]) -> None:
            report({**floats(metrics, "Context.report(epoch, metrics)"), "epoch": epoch})
            check()

        def check() -> None:
            if most is not None and time.monotonic() - began > most:
                raise _OutOfTime(f"it took longer than the {job.seconds:.3g} s that it was given")

        def load(name: str) -> dict[str, Tensor] | None:
            key = f"{prefix}{name}.safetensors"
            if store is None or prefix is None or not store.has(run, key):
                return None
            return safetensors.load(store.read(run, key))

        def save(name: str, tensors: Mapping[str, Tensor]) -> None:
            if store is not None and prefix is not None:
                store.put(run, f"{prefix}{name}.safetensors", tensor_bytes(tensors))

        def elapsed() -> float:
            return (time.monotonic() - began) / (_FITTED * (job.seconds or math.inf))

        by_clock = elapsed if job.ends_on_time and job.seconds is not None else None
        return Context(job.seed, told, job.seconds, load, save, check, by_clock)

    def _keep(self, job: Job, model: nn.Module) -> None:
        if job.weights is not None:
            self._put(job.weights, model.state_dict())

    def _put(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        if self.store is not None:
            try:
                self.store.put(self.run, key, tensor_bytes(tensors))
            except StoreError as error:
                raise _Unkept(str(error)) from error

    def _keep_spread(self, job: Job, result: Result) -> None:
        """Keep how sure the first of the wanted metrics is; a trial is not lost by this."""
        if job.spread is None or result.spread is None:
            return
        try:
            spread = result.spread(self.wanted[0])
        except Exception:  # of a task of the user's own: then nothing is said of it
            traceback.print_exc()
            return
        if spread is not None:
            self._put(job.spread, spread.to_tensors())

    def _measured(self, network: nn.Module, metrics: dict[str, float], job: Job) -> Outcome:
        """Score by the proxies, then measure on one target after the other, until a limit breaks.

        What cannot be measured is left out where nothing depends on it.
        """
        if job.score:
            asked = [proxy for proxy in self.proxies if proxy.cli_name not in metrics]
            given, space, seed = self.evaluator, self.space, job.seed
            metrics |= scored(asked, network, given, space, seed, self.wanted)
            broken = [text for limit in self.limits if (text := limit.excess(metrics))]
            if broken:
                return Outcome("rejected", metrics, reason="; ".join(broken))
        deployment = self.evaluator.deployment(self.space)
        broken = []
        for target in self.targets:
            try:
                metrics |= measured(target, network, deployment)
            except EvaluationError:
                if any(MetricName(wanted).target == target.name for wanted in self.wanted):
                    raise
            broken = [text for limit in self.limits if (text := limit.excess(metrics))]
            if broken:
                break
        return Outcome("rejected" if broken else "done", metrics, reason="; ".join(broken))


_CLOSE = 0.7  # how like a metric's name another one must be to be meant


class _Unkept(Exception):
    """Trained weights could not be put into the store."""


class _OutOfTime(Exception):
    """A training took longer than it was given."""


def lacks(metric: str, metrics: Mapping[str, float]) -> str:
    """Why a trial is of no use that lacks a metric: what there is, and which may be meant."""
    near = get_close_matches(metric, metrics, 1, _CLOSE)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no metric {metric!r}; there are {', '.join(metrics) or 'none'}{meant}"


def too_long(seconds: float, affordable: float) -> str:
    """Why a network may not be trained: its training takes more than its share of the minutes."""
    return (
        f"its training would take about {seconds:.3g} s, and its share of the minutes is "
        f"{affordable:.3g} s"
    )


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _one_line(error: BaseException) -> str:
    first = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
    return f"{type(error).__name__}: {first}"[:500] + raised_at(error)
