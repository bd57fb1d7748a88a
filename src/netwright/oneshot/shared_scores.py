"""Members of a space scored with shared weights.

Running statistics of batch normalisation are those of all networks that were trained together; for
a score they are estimated anew for the network at hand (Yu and Huang, arXiv 1903.05134).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from netwright.evaluate.fit import laid_out, score
from netwright.network.normalised import each_of
from netwright.network.rows import rows_at_once
from netwright.oneshot.base import Setting, Shared
from netwright.space import Architecture

_RECALIBRATED = 1024  # examples that statistics are estimated from
_CHUNK, _LEAST = 512, 16  # of them at once, at most and at least
_LOOKED = 4  # random inputs whose outputs are compared
_SAME = 1e-6


def shared_score(shared: Shared, architecture: Architecture) -> float:
    """The leading metric of a member, as `shared_metrics` has it."""
    return shared_metrics(shared, architecture)[shared.setting.metric.name]


def shared_metrics(shared: Shared, architecture: Architecture) -> dict[str, float]:
    """The metrics of a member on the validation part with its share of the supernet's weights.

    The supernet's own statistics stay as they were. What is known of these weights is not scored
    again.
    """
    if (known := shared.scores.get(architecture)) is not None:
        return known
    setting, supernet = shared.setting, shared.supernet
    shared.activate(architecture)
    norms = [m for m in supernet.modules() if isinstance(m, _NormBase) and m.track_running_stats]
    before = [{k: v.clone() for k, v in m._buffers.items() if v is not None} for m in norms]
    training = supernet.training
    try:
        recalibrate(supernet, setting)
        data = setting.data
        found = score(
            supernet,
            data.validation,
            task=setting.task,
            normalise=data.normalise,
            device=setting.device,
        )
        shared.scores[architecture] = found
        return found
    finally:
        for norm, buffers in zip(norms, before, strict=True):
            for name, value in buffers.items():
                norm._buffers[name].copy_(value)  # type: ignore[union-attr]
        supernet.train(training)


def ignores_input(shared: Shared, architecture: Architecture) -> bool:
    """Whether a member gives the same for all inputs, as a cell does whose edges are all cut."""
    setting, supernet = shared.setting, shared.supernet
    shared.activate(architecture)
    training = supernet.training
    tensors = setting.space.example(np.random.default_rng(0), _LOOKED)
    try:
        with torch.no_grad():
            given = supernet.eval()(*(laid_out(x.to(setting.device)) for x in tensors))
    finally:
        supernet.train(training)
    return all(torch.allclose(x, x[:1].expand_as(x), _SAME, _SAME) for x in each_of(given))


def recalibrate(network: nn.Module, setting: Setting) -> None:
    """Let statistics be those of some of the train part as a network sees it; it is then in eval.

    A network without batch normalisation stays as it is.
    """
    network.eval()
    norms = [m for m in network.modules() if isinstance(m, _NormBase) and m.track_running_stats]
    part = setting.data.train
    rows = min(_RECALIBRATED, len(part)) if norms else 0
    momenta = [norm.momentum for norm in norms]
    normalise = setting.data.normalise

    def seen(*raw: Tensor) -> None:
        network(*(laid_out(x).to(setting.device) for x in each_of(normalise(*raw))))

    at_once = rows_at_once(seen, part.batch(slice(0, 2))[0], _CHUNK) if rows else 1
    at_once = min(rows, max(at_once, _LEAST))
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
    try:
        with torch.no_grad():
            for start in range(0, rows, max(1, at_once)):
                seen(*part.batch(slice(start, min(rows, start + at_once)))[0])
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        network.eval()
