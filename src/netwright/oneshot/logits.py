"""What a relaxation learns: a vector of logits for each choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import SpaceError
from netwright.space import Answer, Architecture, Choice, Space
from netwright.space.cells import places
from netwright.strategies.base import allowed
from netwright.supernet.supernet import Supernet

_DRAWS = 50  # of which the likeliest is taken where rules forbid the likeliest answers


class Logits:
    """The logits of a space's choices, all nothing at first.

    `mixed` are the choices whose options can run side by side; `drawn` the others, numbers such as
    widths, which are drawn; `edges` are choices of inputs whose edges are options themselves: as in
    DARTS all of them are read, and the answer follows from what is on the edges. With `weigh_edges`
    these have logits of their own too. `by_gradient` are those whose logits have a gradient.
    """

    def __init__(self, supernet: Supernet, *, weigh_edges: bool = False) -> None:
        self.space: Space = supernet.space
        choices = self.space.choices
        sizes = supernet.mixable
        open_ = {n for n, c in choices.items() if len(c.options) > 1 and not c.late}
        self.edges = {
            n: [name for name in supernet.edges(n) if name is not None]
            for n in sizes
            if choices[n].kind == "inputs" and None not in supernet.edges(n)
        }
        self.mixed = [n for n in sizes if n in open_ and n not in self.edges]
        self.drawn = [n for n in choices if n in open_ and n not in sizes]
        self.by_gradient = [*self.mixed, *(self.edges if weigh_edges else ())]
        parameters = {
            n: nn.Parameter(torch.zeros(sizes.get(n, len(choices[n].options))))
            for n in (*self.by_gradient, *self.drawn)
        }
        self.values: dict[str, nn.Parameter] = parameters
        self._empty = {  # choices between options with and without weights: which are without
            n: np.array(free)
            for n in self.mixed
            if choices[n].kind == "one_of"
            and any(free := supernet.without_weights(n))
            and not all(free)
        }

    def probabilities(self) -> dict[str, np.ndarray]:
        """How likely each option of each choice is, by a softmax."""
        return {n: v.detach().double().softmax(0).cpu().numpy() for n, v in self.values.items()}

    def copy(self) -> dict[str, Tensor]:
        """The present values."""
        return {name: value.detach().clone() for name, value in self.values.items()}

    def take(self, values: Mapping[str, Tensor]) -> None:
        """Be what `copy` gave."""
        for name, value in self.values.items():
            value.data.copy_(values[name])

    def best(self) -> Architecture:
        """The member of the likeliest options; of inputs those whose edges are the surest.

        Where rules between choices forbid it, the likeliest of some that are drawn.
        """
        probabilities = self.probabilities()
        try:
            return self._answered(probabilities, lambda choice, p: int(np.argmax(p)))
        except SpaceError:
            rng = np.random.default_rng(0)
            drawn = [self.draw(rng) for _ in range(_DRAWS)]
            return max(drawn, key=lambda member: self._log_probability(member, probabilities))

    def draw(self, rng: np.random.Generator) -> Architecture:
        """A member drawn by the probabilities."""
        probabilities = self.probabilities()

        def place(choice: Choice, p: np.ndarray) -> int:
            return int(rng.choice(len(p), p=p / p.sum()))

        return allowed(lambda: self._answered(probabilities, place, rng), self.space, rng)

    def entropy(self) -> float:
        """The mean entropy of the choices as a share of the largest it can be: 1 is undecided."""
        found = [
            float(-(p * np.log(np.maximum(p, 1e-300))).sum() / np.log(len(p)))
            for p in self.probabilities().values()
        ]
        return float(np.mean(found)) if found else 0.0

    def parameter_free(self) -> tuple[float, float] | None:
        """Of the options of `best` the share without weights, and how such options have gained.

        The second is by how much likelier they are than if all options were equal. Both are of
        choices between options with and without weights; None where there is no such choice.
        """
        if not self._empty:
            return None
        probabilities, best = self.probabilities(), self.best().answers
        asked = [n for n in self._empty if n in best]
        places = {n: self.space.choices[n].options.index(best[n]) for n in asked}
        share = float(np.mean([self._empty[n][places[n]] for n in asked])) if asked else 0.0
        gains = [probabilities[n][empty].sum() - empty.mean() for n, empty in self._empty.items()]
        return share, float(np.mean(gains))

    def _answered(
        self,
        probabilities: Mapping[str, np.ndarray],
        place: Callable[[Choice, np.ndarray], int],
        rng: np.random.Generator | None = None,
    ) -> Architecture:
        def pick(choice: Choice) -> Answer:
            if choice.name in self.edges:
                return self._inputs(choice, probabilities, rng)
            p = probabilities.get(choice.name)
            if p is None:
                return choice.options[0]
            if choice.kind == "inputs" and choice.name in self.mixed:  # one for each place
                return _likeliest(choice, p, rng)
            return choice.options[place(choice, p)]

        return self.space.answered(pick)

    def _inputs(
        self,
        choice: Choice,
        probabilities: Mapping[str, np.ndarray],
        rng: np.random.Generator | None,
    ) -> Answer:
        """The places whose edges have the likeliest options, as DARTS derives its cells."""
        sure = np.array(
            [probabilities[n].max() if n in probabilities else 1.0 for n in self.edges[choice.name]]
        ) * probabilities.get(choice.name, 1.0)
        return _likeliest(choice, sure, rng)

    def _log_probability(
        self, member: Architecture, probabilities: Mapping[str, np.ndarray]
    ) -> float:
        found = 0.0
        for name, p in probabilities.items():
            if name in member.answers and self.space.choices[name].kind != "inputs":
                place = self.space.choices[name].options.index(member.answers[name])
                found += float(np.log(max(p[place], 1e-300)))
        return found


def _likeliest(choice: Choice, probability: np.ndarray, rng: np.random.Generator | None) -> Answer:
    """The option whose places together are most likely; drawn by that with a generator."""
    together = np.array([np.prod([probability[i] for i in places(o)]) for o in choice.options])
    if rng is None:
        return choice.options[int(np.argmax(together))]
    return choice.options[int(rng.choice(len(together), p=together / together.sum()))]
