"""What a network costs, and which network it is, from one forward pass without computation.

On the meta device nothing is computed and nothing allocated: some milliseconds, whatever the
network's size. A network whose path depends on values is run over zeros on the CPU instead.

- MACs: multiply-accumulates of products and convolutions, as `torch.utils.flop_counter` has them
  (two of its operations are one MAC). Additions, activations and normalisation count nothing.
- Memory: weights, buffers and the activations that live at the same time, at their peak. Scratch
  space within an operation and the allocator's rounding are not in it.
- Fingerprint: SHA-256 of the operations in forward order with their settings and connections.
  Names, nesting and `nn.Identity` leave no trace. What acts in training alone is included as far
  as evaluation can tell: dropout with its rate, and the non-zero float attributes of modules
  from outside torch (the rate of a DropPath), at the place where they are called.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.flop_counter import flop_registry

from netwright.errors import EvaluationError, SettingError
from netwright.network.lifetimes import peak_bytes
from netwright.network.meta_results import result_of
from netwright.network.signature import Signature

MIB = 2**20


@dataclass(frozen=True)
class Survey:
    """Cost and identity of one network; `macs` are those of one example."""

    params: int
    macs: int
    memory_mib: float
    fingerprint: str


def survey(model: nn.Module, inputs: Sequence[int] | Signature, batch: int = 1) -> Survey:
    """Cost and fingerprint of `model`; its modes, weights and buffers are as before after it.

    Args:
        model: a network on any device, best built under `torch.device("meta")`.
        inputs: what it takes; of one tensor of floats the shape of an example without the batch
            dimension, (c, h, w) or (f,), is enough.
        batch: examples in the pass; MACs are per example, memory is for the batch.

    Raises:
        SettingError: `inputs` or `batch` is not positive.
        EvaluationError: The network cannot take an input of this shape.
    """
    signature = inputs if isinstance(inputs, Signature) else _of_shape(inputs)
    if batch < 1:
        raise SettingError(f"`survey(batch=...)` must be at least 1, got {batch}.")
    ledger = _trace(model, signature, batch)
    tensors = [*model.parameters(), *model.buffers()]
    return Survey(
        params=count_params(model),
        macs=ledger.flops // (2 * batch),
        memory_mib=(sum(tensor.nbytes for tensor in tensors) + ledger.peak_bytes()) / MIB,
        fingerprint=sha256("\n".join(ledger.lines).encode()).hexdigest(),
    )


def _of_shape(inputs: Sequence[int]) -> Signature:
    shape = tuple(int(size) for size in inputs)
    if not shape or min(shape) < 1:
        raise SettingError(
            "`survey(inputs=...)` must be a shape of positive sizes such as (1, 28, 28), got "
            f"{tuple(inputs)}; give the shape of one example, without the batch."
        )
    return Signature.single(shape, (1,))


def count_params(model: nn.Module) -> int:
    """Number of parameters, a tied one counted once; buffers are not parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_macs(model: nn.Module, inputs: Sequence[int]) -> int:
    """Multiply-accumulates of one example of shape `inputs`; raises as `survey`."""
    return survey(model, inputs).macs


def _trace(model: nn.Module, signature: Signature, batch: int) -> _Ledger:
    """Run `model` without values, or on the CPU over zeros where its path needs values."""
    try:
        try:
            return _forward(_without_values(model), signature, batch, "meta")
        except Exception:
            return _forward(_with_zeros(model), signature, batch, "cpu")
    except Exception as error:
        shape = ", ".join(str((batch, *spec.sizes)) for spec in signature.inputs)
        raise EvaluationError(
            f"The network cannot take an input of shape {shape} (batch first): "
            f"{type(error).__name__}: {error}. Check the sizes it was built with."
        ) from error


def _forward(model: nn.Module, signature: Signature, batch: int, device: str) -> _Ledger:
    ledger = _Ledger(model)
    with torch.device(device):
        tensors = signature.zeros(batch)
    for tensor in tensors:
        ledger.receive(tensor)
    hooks = [
        module.register_forward_pre_hook(ledger.mark(settings))
        for module in model.modules()
        if (settings := _unseen(module))
    ]
    try:
        with _evaluating(model), torch.no_grad(), ledger:
            output = model(*tensors)
    finally:
        for hook in hooks:
            hook.remove()
    ledger.give(output)
    return ledger


def _without_values(model: nn.Module) -> nn.Module:
    """The model, or a copy on the meta device; tied weights stay tied."""
    tensors = [*model.parameters(), *model.buffers()]
    if all(tensor.is_meta for tensor in tensors):
        return model
    return copy.deepcopy(model, on_meta(model))


def on_meta(model: nn.Module) -> dict[int, Any]:
    """The memo of a deep copy of `model`, or of what holds it, whose tensors are on meta."""
    memo: dict[int, Any] = {id(t): t.detach().to("meta") for t in model.buffers()}
    return memo | {
        id(p): nn.Parameter(p.detach().to("meta"), p.requires_grad) for p in model.parameters()
    }


def _with_zeros(model: nn.Module) -> nn.Module:
    """The model itself, or if it has no values a copy on the CPU whose weights are zeros."""
    if not any(t.is_meta for t in [*model.parameters(), *model.buffers()]):
        return model
    twin = copy.deepcopy(model).to_empty(device="cpu")
    with torch.no_grad():
        for tensor in [*twin.parameters(), *twin.buffers()]:
            tensor.zero_()
    return twin


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode and plain attention (the fused one hides its products), then as before."""
    modes = [(module, module.training) for module in model.modules()]
    fast = torch.backends.mha.get_fastpath_enabled()
    model.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for module, training in modes:
            module.training = training


def _unseen(module: nn.Module) -> str:
    """Settings of a module that only training shows, as text; empty for most."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return f"{type(module).__name__} {module.p}" if module.p else ""
    if isinstance(module, nn.MultiheadAttention):
        return f"attention dropout {module.dropout}" if module.dropout else ""
    if isinstance(module, nn.RNNBase):
        return f"recurrent dropout {module.dropout}" if module.dropout else ""
    if type(module).__module__.startswith("torch."):
        return ""
    values = sorted(vars(module).items())
    return " ".join(str(value) for _, value in values if type(value) is float and value)


class _Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down each operation of a pass: what it costs, what it reads and makes, its settings.

    Tensors are numbered in the order in which they appear, and kept until the end so that an
    address stands for one tensor.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0
        self.lines: list[str] = []
        parameters, buffers = list(model.parameters()), list(model.buffers())
        self._weights = {id(t): "buffer" for t in buffers}
        self._weights |= {id(p): f"parameter {p.requires_grad}" for p in parameters}
        tensors = [*parameters, *buffers]
        self._fixed = {t.untyped_storage()._cdata for t in tensors}  # storages of weights
        self._numbers: dict[int, int] = {}
        self._kept: list[Tensor] = []
        self._born: dict[int, tuple[int, int]] = {}  # storage -> (operation, bytes)
        self._last: dict[int, int] = {}  # storage -> the last operation that touches it

    def receive(self, x: Tensor) -> None:
        """Note the input."""
        self.lines.append(f"input {self._token(x)}")

    def give(self, output: Any) -> None:
        """Note the output."""
        self.lines.append(f"output {self._tokens(output)}")

    def mark(self, settings: str) -> Callable[[nn.Module, Any], None]:
        """A hook that notes settings that only training shows, and what they act on."""

        def hook(module: nn.Module, args: Any) -> None:
            self.lines.append(f"training {settings} {self._tokens(args)}")

        return hook

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten.lift_fresh.default:  # a constant: its value is its identity
            self.lines.append(f"constant {args[0].tolist() if args[0].numel() < 64 else ''}")
        given = self._tokens((args, kwargs))
        result = result_of(func, args, kwargs)
        packet = func.overloadpacket
        if packet in flop_registry:
            self.flops += flop_registry[packet](*args, **kwargs, out_val=result)
        self.lines.append(f"{func} {given} -> {self._tokens(result)}")
        return result

    def peak_bytes(self) -> int:
        """Bytes of the activations alive at the same time, at their peak."""
        return peak_bytes(self._born, self._last, len(self.lines))

    def _tokens(self, value: Any) -> str:
        """Arguments or results as text: tensors by number, the rest as it is."""
        return repr(self._named(value))

    def _named(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return _Token(self._token(value))
        kind = type(value)
        if kind is tuple or kind is list:
            return kind(map(self._named, value))
        if kind is dict:
            return {key: self._named(each) for key, each in value.items()}
        if isinstance(value, tuple | list | dict):  # with names, as of the largest and its place
            return tree_map(lambda a: self._named(a) if isinstance(a, Tensor) else a, value)
        return value

    def _token(self, tensor: Tensor) -> str:
        key, now = id(tensor), len(self.lines)
        kind = self._weights.get(key)
        storage = tensor.untyped_storage()
        if kind is None and storage._cdata not in self._fixed:
            self._born.setdefault(storage._cdata, (now, storage.nbytes()))
            self._last[storage._cdata] = now
        if key in self._numbers:
            return f"%{self._numbers[key]}"
        self._numbers[key] = len(self._numbers)
        self._kept.append(tensor)
        shape = list(tensor.shape[1:] if kind is None else tensor.shape)
        return f"%{self._numbers[key]} {kind or ''}{shape} {tensor.dtype}"


class _Token(str):
    """Text that prints without quotes."""

    def __repr__(self) -> str:
        return str(self)
