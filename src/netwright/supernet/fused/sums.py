"""What the options of a place in a supernet give, summed by weights, without computing twice.

An option that is a plain sequence of common layers is taken apart:

- a ReLU at its start, or a pooling with its normalisation, is computed once of each tensor, for all
  options of all edges that read it,
- a depthwise convolution gets a faster backward (`depthwise.py`),
- a pointwise convolution and its normalisation are one linear map (`normalised.py`), and
- the weight of the option goes into the last normalisation, so that the sum needs no product.

Everything else is called as it is. The numbers are those of the plain sum but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from netwright.supernet.fused.depthwise import depthwise
from netwright.supernet.fused.linear_norm import Term, normalised
from netwright.supernet.fused.weighted import weighted
from netwright.supernet.partial_channels import gone_by, shuffled
from netwright.supernet.sliced_layers import hooks_alone, now

_Pool = nn.MaxPool2d | nn.AvgPool2d


class Memo:
    """What was computed of a tensor, so that it is computed once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], tuple[Tensor, Any]] = {}

    def of(self, what: tuple[Any, ...], x: Tensor, compute: Callable[[Tensor], Any]) -> Any:
        """What `compute` gives of `x`, which is named by `what`."""
        key = (*what, id(x))
        if key not in self._found:
            self._found[key] = (x, compute(x))  # x is kept, so that its id stays its own
        return self._found[key][1]

    @contextmanager
    def own(self) -> Iterator[None]:
        """Within it nothing of before is known, and after it nothing of within."""
        before, self._found = self._found, {}
        try:
            yield
        finally:
            self._found = before

    def clear(self) -> None:
        """Forget everything."""
        self._found = {}


@dataclass
class Sum:
    """What is to be added up for one output."""

    memo: Memo
    terms: list[Term] = field(default_factory=list)
    norms: list[nn.BatchNorm2d] = field(default_factory=list)  # of the terms
    plain: list[Tensor] = field(default_factory=list)
    scaled: list[tuple[Tensor, Tensor]] = field(default_factory=list)  # weights and tensors
    by: list[tuple[Tensor, Tensor]] = field(default_factory=list)  # of what goes by the options
    parts: int = 1  # in which channels are divided, the first of which the options get
    _image: tuple[int, int, int] | None = None

    def scale(self, weight: Tensor, x: Tensor) -> None:
        """Add a tensor times a weight ()."""
        self.scaled.append((weight, x))

    def normalise(
        self, x: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d, weight: Tensor | None = None
    ) -> None:
        """Add what a pointwise convolution and its normalisation give, times a weight ()."""
        gain, shift = _affine(norm, x)
        if weight is not None:
            gain, shift = gain * weight, shift * weight
        self._image = (x.shape[0], x.shape[2], x.shape[3])
        self.terms.append(Term(rows(x), now(conv, "weight").flatten(1), gain, shift, norm.eps))
        self.norms.append(norm)

    def total(self) -> Tensor:
        """The sum."""
        out = self.of_options()
        if not self.by:
            return out
        size, parts = (out.shape[2], out.shape[3]), self.parts

        def rest(x: Tensor) -> Tensor:
            found: Tensor = self.memo.of(("by", parts, *size), x, lambda x: gone_by(x, parts, size))
            return found

        others = Sum(self.memo, scaled=[(weight, rest(x)) for weight, x in self.by])
        return shuffled(out, others.of_options(), parts)

    def of_options(self, *, relu: bool = False) -> Tensor:
        """The sum of what the options give, after a ReLU if that is asked."""
        if self._image is None:
            return self._summed(None, lambda t: t)
        out, moments = normalised(self.terms)
        for norm, (mean, variance) in zip(self.norms, moments, strict=True):
            track(norm, mean, variance * (len(out) / max(len(out) - 1, 1)))
        b, h, w = self._image
        c = out.shape[1]
        out = self._summed(out, lambda t: rows(t.expand(b, c, h, w)))
        if relu:
            out = out.relu_()
        return out.view(b, h, w, c).permute(0, 3, 1, 2)

    def _summed(self, out: Tensor | None, form: Callable[[Tensor], Tensor]) -> Tensor:
        scaled = [(w, form(t)) for w, t in self.scaled]
        plain = [form(t) for t in self.plain]
        if len({t.shape for _, t in scaled}) > 1:
            plain += [w * t for w, t in scaled]
        elif scaled:
            out = weighted(out, [w for w, _ in scaled], [t for _, t in scaled])
        for tensor in plain:
            out = tensor if out is None else out + tensor
        assert out is not None
        return out


Step = Callable[[Tensor, Memo], Tensor]
Add = Callable[[Sum, Tensor, Tensor], None]


@dataclass(frozen=True)
class Option:
    """An option taken apart: what runs first, and how it is added to a sum.

    `norms` are the normalisations in it.
    """

    steps: tuple[Step, ...]
    add: Add
    norms: tuple[nn.BatchNorm2d, ...]

    @property
    def ready(self) -> bool:
        """Whether its normalisations are such as can be rewritten now."""
        return all(norm.training and norm.momentum is not None for norm in self.norms)

    def add_to(self, sum_: Sum, x: Tensor, weight: Tensor) -> None:
        """Add what the option gives of `x`, times a weight ()."""
        for step in self.steps:
            x = step(x, sum_.memo)
        self.add(sum_, x, weight)


def option_of(module: nn.Module) -> Option:
    """A module as an option."""
    layers = list(_flat(module))
    steps, add = _parts(layers)
    return Option(steps, add, tuple(m for m in module.modules() if isinstance(m, nn.BatchNorm2d)))


def _parts(layers: Sequence[nn.Module]) -> tuple[tuple[Step, ...], Add]:
    """What runs first, and how it is added."""
    if not layers:
        return (), lambda sum_, x, weight: sum_.scale(weight, x)
    if len(layers) == 2 and isinstance(layers[0], _Pool) and _is_norm(layers[1]):
        return (), _pooled(*layers)
    if _is_pointwise_norm(layers[-2:]):
        conv, norm = layers[-2:]
        return _steps(layers[:-2]), _folded(conv, norm)
    if _is_norm(layers[-1]) and len(layers) > 1:
        return _steps(layers[:-1]), _normed(layers[-1])
    return _steps(layers), lambda sum_, x, weight: sum_.scale(weight, x)


def rows(x: Tensor) -> Tensor:
    """(b, c, h, w) to (b h w, c); a view where the channels are last in memory."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def track(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Move running statistics towards a mean and an unbiased variance (c,)."""
    if norm.running_mean is None or norm.running_var is None:
        return
    momentum = norm.momentum
    assert momentum is not None
    with torch.no_grad():
        now(norm, "running_mean").lerp_(mean, momentum)
        now(norm, "running_var").lerp_(variance, momentum)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)


# -- layers ---------------------------------------------------------------------------------------


def _flat(module: nn.Module) -> Sequence[nn.Module]:
    """The layers that run one after the other."""
    if type(module) is nn.Identity and _bare(module):
        return []
    if type(module) is nn.Sequential and _bare(module):
        return [layer for child in module for layer in _flat(child)]
    return [module]


def _bare(module: nn.Module) -> bool:
    """Whether nothing but its forward runs when a module is called."""
    return hooks_alone(module) and "forward" not in vars(module)


def _is_norm(layer: nn.Module) -> bool:
    return type(layer) is nn.BatchNorm2d and _bare(layer)


def _is_pointwise_norm(layers: Sequence[nn.Module]) -> bool:
    if len(layers) != 2 or not _is_norm(layers[1]):
        return False
    conv = layers[0]
    return (
        type(conv) is nn.Conv2d
        and _bare(conv)
        and conv.bias is None
        and conv.groups == 1
        and set(conv.kernel_size) == set(conv.stride) == {1}
        and conv.padding in ((0, 0), "valid", "same")
    )


def _steps(layers: Sequence[nn.Module]) -> tuple[Step, ...]:
    """What layers do, one after the other."""
    steps: list[Step] = []
    place = 0
    while place < len(layers):
        layer = layers[place]
        if _is_pointwise_norm(layers[place : place + 2]):
            relu = place + 2 < len(layers) and _is_relu(layers[place + 2])
            steps.append(_normalise(layer, layers[place + 1], relu))
            place += 2 + relu
            continue
        if place == 0 and _is_relu(layer):
            steps.append(lambda x, memo: memo.of(("relu",), x, torch.relu))
        else:
            steps.append(_depthwise(layer) or _called(layer))
        place += 1
    return tuple(steps)


def _is_relu(layer: nn.Module) -> bool:
    return type(layer) is nn.ReLU and not layer.inplace and _bare(layer)


def _called(layer: nn.Module) -> Step:
    return lambda x, memo: layer(x)


def _depthwise(conv: nn.Module) -> Step | None:
    """A convolution of each channel by its own window, if this is one that keeps the place."""
    if type(conv) is not nn.Conv2d or not _bare(conv) or conv.bias is not None:
        return None
    size, stride, dilation = (set(v) for v in (conv.kernel_size, conv.stride, conv.dilation))
    if not conv.groups == conv.in_channels == conv.out_channels or conv.padding_mode != "zeros":
        return None
    if any(len(v) > 1 for v in (size, stride, dilation)) or not max(size) % 2:
        return None
    k, s, d = max(size), max(stride), max(dilation)
    if conv.padding != (d * (k // 2),) * 2 or conv.groups == 1:
        return None
    if s == 1:
        return lambda x, memo: depthwise(x, now(conv, "weight"), d)
    if s == d:  # it sees every s-th pixel alone
        return lambda x, memo: depthwise(
            memo.of(("every", s), x, lambda x: _every(x, s)), now(conv, "weight")
        )
    return None


def _every(x: Tensor, s: int) -> Tensor:
    return x[:, :, ::s, ::s].contiguous(memory_format=torch.channels_last)


def _normalise(conv: nn.Module, norm: nn.Module, relu: bool) -> Step:
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)

    def step(x: Tensor, memo: Memo) -> Tensor:
        one = Sum(memo)
        one.normalise(x, conv, norm)
        return one.of_options(relu=relu)

    return step


# -- the last layers of an option -----------------------------------------------------------------


def _folded(conv: nn.Module, norm: nn.Module) -> Add:
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
    return lambda sum_, x, weight: sum_.normalise(x, conv, norm, weight)


def _normed(norm: nn.Module) -> Add:
    """A normalisation after anything else: the weight goes into its gain."""
    assert isinstance(norm, nn.BatchNorm2d)

    def add(sum_: Sum, x: Tensor, weight: Tensor) -> None:
        gain, shift = _affine(norm, x)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
        assert norm.momentum is not None
        sum_.plain.append(
            functional.batch_norm(
                x,
                now(norm, "running_mean") if norm.track_running_stats else None,
                now(norm, "running_var") if norm.track_running_stats else None,
                (gain * weight).contiguous(),  # of stride 0 it would get wrong gradients
                (shift * weight).contiguous(),
                True,
                norm.momentum,
                norm.eps,
            )
        )

    return add


def _pooled(pool: nn.Module, norm: nn.Module) -> Add:
    """A pooling and its normalisation: all but gain and shift is the same for all that read x."""
    assert isinstance(pool, _Pool) and isinstance(norm, nn.BatchNorm2d)
    settings = {k: v for k, v in vars(pool).items() if k[0] != "_" and k != "training"}
    what = (type(pool), str(settings), norm.eps)

    def compute(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = pool(x)
        mean, variance = (torch.zeros(x.shape[1], dtype=x.dtype, device=x.device) for _ in "mv")
        out = functional.batch_norm(x, mean, variance, None, None, True, 1.0, norm.eps)
        return out, mean, variance

    def add(sum_: Sum, x: Tensor, weight: Tensor) -> None:
        out, mean, variance = sum_.memo.of(what, x, compute)
        track(norm, mean, variance)
        gain, shift = _affine(norm, x)
        if _is_fixed(gain, 1.0):
            sum_.scale(weight, out)
        else:
            sum_.plain.append(out * (gain * weight)[:, None, None])
        if not _is_fixed(shift, 0.0):
            sum_.plain.append((shift * weight)[:, None, None].expand_as(out))

    return add


def _affine(norm: nn.BatchNorm2d, like: Tensor) -> tuple[Tensor, Tensor]:
    """Gain and shift, also of a normalisation that has none."""
    if norm.affine:
        return now(norm, "weight"), now(norm, "bias")
    return like.new_ones(like.shape[1]), like.new_zeros(like.shape[1])


def _is_fixed(tensor: Tensor, value: float) -> bool:
    return not tensor.requires_grad and bool((tensor == value).all())
