"""Searches among the pairs of a space, whose scores are known: with the prior and without it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netwright.objective import maximize
from netwright.space import Architecture, Space
from netwright.strategies import BayesianOptimization
from netwright.trial import Trial
from of_portfolio.choice import Scores
from of_portfolio.prior import Columns, weights_of

AFTER = (3, 5, 8, 12, 16)  # trials, after which regrets are told
_ATTEMPTS = 20  # at a network that was not tried before


def searches(scores: Scores, space: Space, seeds: int) -> dict[str, NDArray[np.float64]]:
    """The mean regret after some trials, over data sets and seeds.

    The prior is of the other data sets.
    """
    columns = Columns.of(space.choices)
    rows = columns.rows(scores.pairs)
    members = [space.architecture(pair["answers"]) for pair in scores.pairs]
    found: dict[str, list[list[float]]] = {"auto": [], "auto, with the prior": []}
    for held in range(len(scores.data)):
        weights = weights_of(rows, np.delete(scores.ranks, held, axis=1))
        prior: dict[str, dict] = {}
        for choice, option, added in columns.told(weights):
            prior.setdefault(choice, {})[option] = added
        for name in found:
            space.prior = prior if name != "auto" else {}
            for seed in range(seeds):
                places = _searched(members, scores.ranks[:, held], space.among(members), seed)
                best = np.maximum.accumulate(scores.values[places, held])
                found[name].append([1 - best[min(n, len(best)) - 1] for n in AFTER])
    return {name: np.mean(regrets, axis=0) for name, regrets in found.items()}


def _searched(
    members: list[Architecture], scores: NDArray[np.float64], space: Space, seed: int
) -> list[int]:
    """The places of the members that are tried, one after the other."""
    search = BayesianOptimization().start(space, [maximize("accuracy")])
    tried: list[int] = []
    for number in range(min(max(AFTER), len(members))):
        for attempt in range(_ATTEMPTS):
            proposal = search.propose(np.random.default_rng([seed, number, attempt]), [])
            place = members.index(proposal.architecture)
            if place not in tried:
                break
        tried.append(place)
        search.observe(Trial(number, proposal, "done", {"accuracy": float(scores[place])}))
    return tried
