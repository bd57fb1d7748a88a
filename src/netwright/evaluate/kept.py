"""Whether a network that was scored is the one that is handed back: built anew, with its weights.

What a network computes with and is not in its `state_dict` is lost on the way, and so is what was
trained in a copy of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from netwright.errors import SpaceError
from netwright.evaluate.base import Candidate, Evaluator
from netwright.network.normalised import each_of
from netwright.network.outside import Held, held_outside
from netwright.network.weights import unwrapped
from netwright.space import Space

_ROWS = 4  # that outputs are compared on
_CLOSE = 1e-3  # of the largest output, that rounding may change
_LOOKED_AT = 3  # networks beside the smallest
_OTHER_SEED = 7919  # added to a seed: what is drawn and not kept is then another

UNCHANGED = "the training left the network that it was given unchanged"


class Verdict(NamedTuple):
    """What is wrong with a scored network; where it is not `fatal`, what must be said of it."""

    text: str
    fatal: bool


class _Copied:
    """Stands in a network and notes when the network is copied; a copy has False in its place."""

    def __init__(self) -> None:
        self.noted = False

    def __deepcopy__(self, memo: Any) -> bool:
        self.noted = True
        return False

    def __reduce__(self) -> tuple[Any, ...]:
        self.noted = True
        return bool, ()


@dataclass(frozen=True)
class Watched(Candidate):
    """A candidate that remembers the networks it built, as they were then."""

    built: list[_Built] = field(default_factory=list, compare=False)

    def build(self) -> nn.Module:
        """The network with fresh weights, the same at each call."""
        model = super().build()
        self.built.append(_Built(model))
        return model

    def verdict(self, evaluator: Evaluator, model: nn.Module) -> Verdict | None:
        """What is wrong with a network that an evaluator trained; None where it can be handed back.

        It is moved to the CPU.
        """
        changed = [each.changed_outside() for each in self.built]
        lost = next(filter(None, changed), None)
        if lost is not None:
            text = f"The training changes what all networks share: {lost.text}."
            return Verdict(text, fatal=True)
        if evaluator.trains and (untrained := self._untrained(model)) is not None:
            return untrained
        inputs = _rows(self.space, evaluator)
        deployment = evaluator.deployment(self.space)
        fresh = self.space.build(self.architecture, seed=self.seed + _OTHER_SEED)
        wrong = difference(model, fresh, lambda network: deployment.raw(network)(*inputs))
        return None if wrong is None else Verdict(f"The network {wrong}", fatal=True)

    def _untrained(self, model: nn.Module) -> Verdict | None:
        given = next((each for each in self.built if each.is_unchanged(model)), None)
        if given is None or not any(p.requires_grad for p in model.parameters()):
            return None
        if not given.copied:
            return Verdict(f"{UNCHANGED}: its metrics are of weights as they were drawn", False)
        return Verdict(
            f"The training must train the network that it is given: {UNCHANGED}, and made a copy "
            "of it. Train `model` itself, or copy the weights into it at the end, by "
            "`model.load_state_dict(copy.state_dict())`.",
            fatal=True,
        )


class _Built:
    """A network as it was when it was built."""

    def __init__(self, model: nn.Module) -> None:
        self.model, self._mark = model, _Copied()
        self._digest = _digest(model)
        self._outside = {place: held.copy() for place, held in _shared(model).items()}
        model.__dict__["_copied"] = self._mark

    @property
    def copied(self) -> bool:
        """Whether a copy was made of it."""
        return self._mark.noted

    def is_unchanged(self, model: nn.Module) -> bool:
        """Whether a network has the weights that this one was built with."""
        return _digest(model) == self._digest

    def changed_outside(self) -> Held | None:
        """What changed since that is outside of all networks; None if nothing did."""
        self.model.__dict__.pop("_copied", None)
        now = _shared(self.model)
        return next((now[p] for p, then in self._outside.items() if not then.equals(now[p])), None)


def _shared(model: nn.Module) -> dict[str, Held]:
    """What a network reads from outside of it, which all others read too."""
    found = held_outside(model)
    return {place: held for place, held in found.items() if place.startswith("outside ")}


def check_kept(space: Space) -> None:
    """Refuse a space whose networks compute with what is drawn and not among their weights.

    Raises:
        SpaceError: Two networks with the same weights give other outputs; names what is not kept.
    """
    rng = np.random.default_rng(0)
    inputs = space.example(np.random.default_rng(0), 2)
    members = [space.smallest(), *(space.sample(rng) for _ in range(_LOOKED_AT))]
    for architecture in dict.fromkeys(members):
        try:
            model, fresh = (space.build(architecture, seed=seed).eval() for seed in (0, 1))
            text = difference(model, fresh, lambda network: network(*inputs))
        except Exception:
            continue  # its trial says what is wrong
        if text is not None:
            raise SpaceError(f"The network {dict(architecture.answers)!r} of `{space.name}` {text}")


def difference(model: nn.Module, fresh: nn.Module, run: Any) -> str | None:
    """How a network differs from a fresh one that gets its weights; None where it does not.

    `run` gives the outputs of a network. `fresh` has the weights then.
    """
    model, fresh = unwrapped(model).cpu().eval(), unwrapped(fresh)
    state = model.state_dict()
    wrong = _unlike(state, fresh.state_dict())
    if wrong:
        return wrong
    fresh.load_state_dict(state)
    model = _as(model, fresh)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        try:
            loaded = each_of(run(fresh.eval()))
        except Exception:
            return None  # it does not take these rows, loaded or not
        scored = each_of(run(model))
    if len(scored) == len(loaded) and all(map(_close, scored, loaded)):
        return None
    here, there = held_outside(model), held_outside(fresh)
    lost = [held for place, held in here.items() if not held.equals(there.get(place))]
    reasons = lost or list(here.values())
    why = reasons[0].text if reasons else "something that it computes with is not in its state_dict"
    return (
        "gives other outputs when it is built anew and its weights are loaded, so that what is "
        f"scored would not be what is exported: {why}."
    )


def _unlike(state: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> str | None:
    """How weights do not fit those of a fresh network, by the first name that tells."""
    new = [name for name in state if name not in fresh]
    lacking = [name for name in fresh if name not in state]
    if new or lacking:
        holds = f"holds `{new[0]}`, which" if new else f"lacks `{lacking[0]}`, which"
        builds = "the space does not build" if new else "the space builds"
        return (
            f"{holds} {builds}: the training, or a pass, changed its layers. Build in the space "
            "what is trained, and take off at the end what is put on for the training."
        )
    for name, tensor in state.items():
        if isinstance(fresh[name], nn.UninitializedParameter | nn.UninitializedBuffer):
            continue
        if tensor.shape != fresh[name].shape:
            return (
                f"has `{name}` of shape {tuple(tensor.shape)} after its training, and the space "
                f"builds {tuple(fresh[name].shape)}. Build in the space what is trained."
            )
    return None


def _as(model: nn.Module, fresh: nn.Module) -> nn.Module:
    """The network, or a copy whose weights have the dtypes that a fresh one has."""
    wanted = {name: tensor.dtype for name, tensor in fresh.state_dict().items()}
    if all(tensor.dtype == wanted[name] for name, tensor in model.state_dict().items()):
        return model
    kinds = {dtype for dtype in wanted.values() if dtype.is_floating_point}
    return deepcopy(model).to(next(iter(kinds), torch.float32))


def _rows(space: Space, evaluator: Evaluator) -> Sequence[Tensor]:
    """A few raw rows: of the data, else such as the space takes."""
    examples = evaluator.deployment(space).examples
    if examples and len(examples[0]):
        return [x[:_ROWS] for x in examples]
    return space.example(np.random.default_rng(0), _ROWS)


def _close(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape:
        return False
    a, b = a.detach().double(), b.detach().double()
    largest = a.nan_to_num(0, 0, 0).abs().max().item() if a.numel() else 0.0
    return torch.allclose(a, b, rtol=0, atol=_CLOSE * largest + 1e-9, equal_nan=True)


def _digest(model: nn.Module) -> str:
    """The SHA-256 of the weights and buffers of a network."""
    digest = hashlib.sha256()
    for name, tensor in unwrapped(model).state_dict().items():
        if isinstance(tensor, nn.UninitializedParameter | nn.UninitializedBuffer):
            continue
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(name.encode() + raw.numpy().tobytes())
    return digest.hexdigest()
