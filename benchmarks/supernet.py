"""What a step of a one-shot search costs in time and memory, against a plain formulation.

The baseline is the paper's algorithm written plainly over the same supernet and the same data: each
option of each edge is called, multiplied by its weight and added; tensors have the layout that
torch gives them, and a step of the logits computes the gradients of the weights too, as `backward`
does. Runs are paired: each round takes a step of every variant, one after the other, and ratios are
of the same round. Memory is the peak above what the process holds between two steps, each in a
process of its own.

Prints the table that the docs quote. Run it on an idle machine: `python benchmarks/supernet.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from netwright import spaces
from netwright.data import Augmentation, load
from netwright.oneshot import DARTS, GDAS, PCDARTS, Bilevel, Relaxation, Setting
from netwright.oneshot.base import Batch, laid_out
from netwright.oneshot.memory import peak as foreseen

STEPS = ("weights", "first order", "second order")
NOWHERE: frozenset[str] = frozenset()
SMALL = {"channels": 4, "cells": 3}  # for a quick look
PAPER = {"channels": 16, "cells": 8}


class Ours:
    """A search of the package, step by step."""

    def __init__(
        self,
        search: Relaxation,
        size: dict[str, int],
        batch: int,
        device: torch.device,
        *,
        checkpoint: bool = False,
        rewrites: frozenset[str] | None = None,
    ) -> None:
        space = spaces.darts((3, 32, 32), 10, **size)
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (64, 3, 32, 32)).astype(np.uint8)
        data = load((x, np.arange(64) % 10), seed=0)
        self.state: Bilevel = search.begin(Setting(space, data, Augmentation(), device=device))
        self.state._generator = torch.Generator().manual_seed(0)
        self.state._rng = np.random.default_rng(0)
        self.state.supernet.train()
        if rewrites is not None:
            self.state.supernet.rewrites = rewrites
        if checkpoint:
            self.state.supernet.checkpoint()
        generator = torch.Generator().manual_seed(1)
        for value in self.state.logits.values.values():
            value.data = 0.1 * torch.randn(value.shape, generator=generator)
        self.batches = [
            Batch(
                (self.laid_out(torch.randn(batch, 3, 32, 32, generator=generator).to(device)),),
                y.to(device),
                self.state.setting.task,
            )
            for y in (torch.arange(batch) % 10, (torch.arange(batch) + 3) % 10)
        ]

    @staticmethod
    def laid_out(x: Tensor) -> Tensor:
        return laid_out(x)

    def double(self) -> None:
        """Compute in double precision."""
        self.state.supernet.double()
        for value in self.state.logits.values.values():
            value.data = value.data.double()
        self.batches = [
            replace(each, inputs=tuple(x.double() for x in each.inputs)) for each in self.batches
        ]

    def take(self, step: str) -> None:
        """A step of the weights, or of the logits."""
        train, validation = self.batches
        if step == "weights":
            with torch.no_grad():
                self.state._mix({})
            self.state._learn(0, train)
            return
        for name, gradient in self.gradients(step).items():
            self.state.logits.values[name].grad = gradient
        self.state._adam.step()

    def gradients(self, step: str) -> dict[str, Tensor]:
        """The gradients of a step by name."""
        train, validation = self.batches
        if step == "weights":
            with torch.no_grad():
                self.state._mix({})
            loss = train.loss(self.state.supernet)
            return _named(loss, self.state.supernet)
        if step == "first order":
            return self.state.first_order(validation, {})[0]
        return self.state.second_order(train, validation, {}, 0.025)[0]


class Plain(Ours):
    """The paper's algorithm, written plainly."""

    @staticmethod
    def laid_out(x: Tensor) -> Tensor:
        return x.contiguous()

    def take(self, step: str) -> None:
        """A step, with the gradients that `backward` computes."""
        state, (train, validation) = self.state, self.batches
        if step == "second order":
            for name, gradient in self.gradients(step).items():
                state.logits.values[name].grad = gradient
            state._adam.step()
            return
        state.supernet.zero_grad()
        for value in state.logits.values.values():
            value.grad = None
        self._mix()
        loss = (train if step == "weights" else validation).loss(state.supernet)
        loss.backward()
        if step == "weights":
            nn.utils.clip_grad_norm_(state.supernet.parameters(), 5.0)
            state._optimizer.step()
        else:
            state._adam.step()

    def gradients(self, step: str) -> dict[str, Tensor]:
        """The gradients of a step by name, of the logits by the equations of the paper."""
        state, (train, validation) = self.state, self.batches
        weights = [p for p in state.supernet.parameters() if p.requires_grad]
        logits = state.logits.values
        if step == "weights":
            self._mix()
            return _named(train.loss(state.supernet), state.supernet)
        if step == "first order":
            self._mix()
            loss = validation.loss(state.supernet)
            return dict(zip(logits, torch.autograd.grad(loss, [*logits.values()]), strict=True))
        rate, before = 0.025, [w.detach().clone() for w in weights]
        self._mix()
        found = torch.autograd.grad(train.loss(state.supernet), weights, allow_unused=True)
        with torch.no_grad():
            for weight, gradient in zip(weights, found, strict=True):
                if gradient is not None:  # a step of SGD with momentum, from rest
                    weight -= rate * 1.9 * (gradient + 3e-4 * weight)
        self._mix()
        loss = validation.loss(state.supernet)
        both = torch.autograd.grad(loss, [*logits.values(), *weights], allow_unused=True)
        direct, vector = both[: len(logits)], both[len(logits) :]
        near = 0.01 / torch.sqrt(sum((v**2).sum() for v in vector if v is not None))
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                for weight, start, v in zip(weights, before, vector, strict=True):
                    weight.copy_(start if v is None else start + sign * near * v)
            self._mix()
            loss = train.loss(state.supernet)
            sides.append(torch.autograd.grad(loss, [*logits.values()]))
        with torch.no_grad():
            for weight, start in zip(weights, before, strict=True):
                weight.copy_(start)
        return {
            name: d - rate * 1.9 * (a - b) / (2 * near)
            for name, d, a, b in zip(logits, direct, *sides, strict=True)
        }

    def _mix(self) -> None:
        logits = self.state.logits
        to = self.batches[0].y.device
        weights = {name: logits.values[name].softmax(0).to(to) for name in logits.mixed}
        ones = {name: torch.ones(len(edges)).to(to) for name, edges in logits.edges.items()}
        self.state.supernet.mix({**weights, **ones})


Make = Callable[[dict[str, int], int, torch.device], Ours]
VARIANTS: dict[str, Make] = {
    "plain": lambda *how: Plain(DARTS(), *how, rewrites=NOWHERE),
    "netwright": lambda *how: Ours(DARTS(), *how),
    "checkpointed": lambda *how: Ours(DARTS(), *how, checkpoint=True),
    "GDAS": lambda *how: Ours(GDAS(), *how),
    "PC-DARTS": lambda *how: Ours(PCDARTS(), *how),
}
"""By name what makes one of a size, a batch and a device."""


def _named(loss: Tensor, network: nn.Module) -> dict[str, Tensor]:
    named = {name: p for name, p in network.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(loss, [*named.values()], allow_unused=True)
    return {n: g for n, g in zip(named, found, strict=True) if g is not None}


def times(
    size: dict[str, int], batch: int, rounds: int, steps: tuple[str, ...], device: torch.device
) -> dict[str, dict[str, list[float]]]:
    """Seconds of each variant's steps, in each round; one round before them is not counted."""
    made = {name: make(size, batch, device) for name, make in VARIANTS.items()}
    found: dict[str, dict[str, list[float]]] = {n: {s: [] for s in steps} for n in made}
    for number in range(rounds + 1):
        for step in steps:
            for name, variant in made.items():
                if step == "second order" and name in ("GDAS", "PC-DARTS"):
                    continue  # they are of first order
                began = time.perf_counter()
                variant.take(step)
                finish(device)
                if number:
                    found[name][step].append(time.perf_counter() - began)
    return found


def finish(device: torch.device) -> None:
    """Wait for all that the device has to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def difference(
    size: dict[str, int], batch: int, device: torch.device
) -> dict[str, dict[str, float]]:
    """The largest relative difference of a gradient tensor from the plain one, in float64."""
    made = {
        name: VARIANTS[name](size, batch, device) for name in ("plain", "netwright", "checkpointed")
    }
    for variant in made.values():
        variant.double()
    found: dict[str, dict[str, float]] = {}
    for step in STEPS:
        wanted = made["plain"].gradients(step)
        whole = torch.cat([g.flatten() for g in wanted.values()]).norm()
        for name in ("netwright", "checkpointed"):
            ours = made[name].gradients(step)
            assert ours.keys() == wanted.keys()
            found.setdefault(name, {})[step] = max(
                float((ours[k] - g).norm() / max(g.norm(), 1e-6 * whole)) for k, g in wanted.items()
            )
    return found


def peak(name: str, step: str, size: dict[str, int], batch: int, device: torch.device) -> int:
    """Bytes at the peak of a step above what is held between steps; on the CPU Linux only."""
    variant = VARIANTS[name](size, batch, device)
    variant.take(step)
    variant.state.supernet.zero_grad()
    if device.type == "cuda":
        held = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        variant.take(step)
        return torch.cuda.max_memory_allocated(device) - held
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew
    variant.take(step)
    return _status("VmHWM") - before


def predicted(name: str, size: dict[str, int], batch: int, device: torch.device) -> int:
    """Bytes at the peak of a step above what is held between steps, as found before it begins."""
    variant = VARIANTS[name](size, batch, device)
    supernet = variant.state.supernet
    held = 2 * sum(p.nbytes for p in supernet.parameters())  # with momenta
    held += sum(b.nbytes for b in supernet.buffers()) + sum(
        x.nbytes for each in variant.batches for x in each.inputs
    )
    return foreseen(variant.state, batch=batch, checkpointed=name == "checkpointed") - held


def _status(key: str) -> int:
    line = next(
        s
        for s in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        if s.startswith(key)
    )
    return 1024 * int(line.split()[1])


def peaks(
    names: Iterable[str],
    size: dict[str, int],
    batch: int,
    steps: tuple[str, ...],
    device: torch.device,
) -> dict[str, dict[str, int]]:
    """The peaks of some variants' steps, each in a process of its own."""
    found: dict[str, dict[str, int]] = {}
    for name in names:
        for step in steps:
            if step == "second order" and name in ("GDAS", "PC-DARTS"):
                continue
            command = [sys.executable, __file__, "--device", device.type]
            command += ["--peak", name, step, json.dumps(size), str(batch)]
            settings = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
            said = subprocess.run(
                command, env={**os.environ, **settings}, check=True, capture_output=True, text=True
            )
            found.setdefault(name, {})[step] = int(said.stdout)
    return found


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def ratios(found: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, Any]]:
    """Of each variant the seconds of each step and of both orders with the weights, and ratios."""
    rows: dict[str, dict[str, Any]] = {}
    for name, steps in found.items():
        rows[name] = {}
        for step, seconds in steps.items():
            if not seconds:
                continue
            base = found["plain"][step]
            rows[name][step] = {
                "seconds": spread(seconds),
                "ratio": spread([b / a for a, b in zip(seconds, base, strict=True)]),
            }
            if step != "weights":
                both = [
                    [a + b for a, b in zip(found[n]["weights"], found[n][step], strict=True)]
                    for n in (name, "plain")
                ]
                rows[name][f"weights and {step}"] = {
                    "seconds": spread(both[0]),
                    "ratio": spread([b / a for a, b in zip(*both, strict=True)]),
                }
    return rows


def table(results: list[dict[str, Any]]) -> str:
    """The results as text."""
    lines = [
        f"{'threads':>7} {'batch':>5}  {'variant':14}{'step':26}{'s':>8}{'ratio':>8}"
        f"{'least':>7}{'most':>7}{'MB':>8}{'ratio':>7}"
    ]
    for result in results:
        for name, rows in result["variants"].items():
            for step, row in rows.items():
                memory = result["peaks"].get(name, {}).get(step)
                plain = result["peaks"].get("plain", {}).get(step)
                held = f"{memory / 1e6:8.0f}{plain / memory:7.2f}" if memory else ""
                ratio = row["ratio"]
                lines.append(
                    f"{result['threads']:7} {result['batch']:5}  {name:14}{step:26}"
                    f"{row['seconds']['median']:8.3f}{ratio['median']:8.2f}{ratio['least']:7.2f}"
                    f"{ratio['most']:7.2f}{held}"
                )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small network, some 80 seconds")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--peak", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if arguments.peak:
        torch.set_num_threads(1)
        name, step, size, batch = arguments.peak
        print(peak(name, step, json.loads(size), int(batch), device))
        return
    size = SMALL if arguments.quick else PAPER
    torch.set_num_threads(1)
    differences = difference(size, 2, device)
    for name, found in differences.items():
        print(f"{name}: relative difference of gradients in float64: {found}")
    results = []
    for batch in [4] if arguments.quick else arguments.batch:
        steps = STEPS if batch <= 16 else STEPS[:2]
        known = device.type == "cuda" or Path("/proc/self/clear_refs").exists()
        names = ("plain", "netwright") if arguments.quick else tuple(VARIANTS)
        looked = steps[: 1 if arguments.quick else 3]
        held = peaks(names, size, batch, looked, device) if known else {}
        before = {name: predicted(name, size, batch, device) for name in names}
        for name, foretold in before.items():
            most = max(held.get(name, {}).values(), default=0)
            print(f"{name}: {foretold / 1e6:.0f} MB predicted, {most / 1e6:.0f} MB measured")
        one_thread = arguments.quick or device.type == "cuda"
        for threads in [1] if one_thread else arguments.threads:
            torch.set_num_threads(threads)
            rounds = 2 if arguments.quick else arguments.rounds
            timed = times(size, batch, rounds, steps, device)
            one = {"threads": threads, "batch": batch, "variants": ratios(timed), "peaks": held}
            one["predicted"] = before
            results.append(one)
            print(table([one]), flush=True)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
        whole = {
            "torch": torch.__version__,
            "device": name,
            "differences": differences,
            "results": results,
        }
        arguments.json.write_text(json.dumps(whole, indent=2))


if __name__ == "__main__":
    main()
