"""What proxies say of a candidate before it is trained, on a batch of the data if there are any."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import nn

from netwright.errors import EvaluationError
from netwright.evaluate.base import Evaluator
from netwright.network.normalised import each_of
from netwright.proxies import Examples, Proxy
from netwright.proxies.base import BATCH
from netwright.space import Space


def scored(
    proxies: Sequence[Proxy],
    network: nn.Module,
    evaluator: Evaluator,
    space: Space,
    seed: int,
    wanted: Collection[str] = (),
) -> dict[str, float]:
    """Scores of a network by the names of the proxies.

    What a proxy cannot score is left out, unless it is among the `wanted` metrics. All networks of
    a run are scored on the same examples; what a proxy draws follows from `seed`.

    Raises:
        EvaluationError: A proxy whose score is wanted cannot score the network.
    """
    if not proxies:
        return {}
    examples, found = examples_of(evaluator, space, np.random.default_rng(0)), {}
    for proxy in proxies:
        try:
            found[proxy.cli_name] = proxy.score(network, examples, np.random.default_rng(seed))
        except EvaluationError:
            if proxy.cli_name in wanted:
                raise
    return found


def examples_of(
    evaluator: Evaluator, space: Space, rng: np.random.Generator, count: int = BATCH
) -> Examples:
    """Rows of the train part, drawn by `rng`, as networks take them; random inputs without data."""
    data = evaluator.data
    if data is None:
        return Examples.random(space.signature, rng, count)
    rows = torch.from_numpy(np.sort(rng.permutation(len(data.train))[:count]))
    raw, targets = data.train.batch(rows)
    with torch.no_grad():
        inputs = each_of(data.normalise(*raw))
    task = data.task
    return Examples(inputs, targets, lambda outputs, wanted: task.loss(outputs, wanted))
