"""A trained network as a file of Python that an engineer could have written."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from netwright.export.classes import Part, Writer, classes_of, part_of
from netwright.export.layout import laid_out

_LOAD = '''
def load(path=Path(__file__).with_name("model.safetensors")):
    """The trained network in eval mode; it takes raw inputs."""
    network = Network()
    network.load_state_dict(read_safetensors(path))
    return network.eval()


def read_safetensors(path):
    """The tensors of a safetensors file by name."""
    data = Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            if end > len(data):
                raise ValueError(f"{path} is cut off: it ends before {name}")
            dtype = DTYPES[entry["dtype"]]
            flat = torch.frombuffer(bytearray(data[start:end]), dtype=dtype)
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
'''


def model_source(
    model: nn.Module,
    *,
    inputs: Sequence[int],
    mean: Tensor | None = None,
    std: Tensor | None = None,
    docstring: str = "",
) -> str:
    """The text of `model.py`: the network's classes, `Network`, and `load`.

    `Network` has the state-dict keys of `model`, and takes raw inputs of shape (b, *inputs): it
    subtracts `mean` and divides by `std` first, which are buffers of it.

    Raises:
        ExportError: A module cannot be written as source; the message names it and the remedy.
    """
    root = part_of(model)
    classes = classes_of(root)
    writer = Writer(classes)
    blocks = [writer.write(made) for made in classes if made.name != "Network"]
    network = _network(model, root, writer, inputs, mean, std)
    body = "\n\n\n".join("\n".join(lines) for lines in [*blocks, network])
    ordered = "from collections import OrderedDict\n" if "OrderedDict(" in body else ""
    told = docstring.strip() or "A network found by netwright."
    told += "\n" if "\n" in told else ""
    head = (
        f'"""{told}"""\n\n'
        f"import json\n{ordered}from pathlib import Path\n\nimport torch\nfrom torch import nn\n"
    )
    return laid_out(f"{head}\n\n{body}\n") + "\n" + _LOAD


def _network(
    model: nn.Module,
    root: Part,
    writer: Writer,
    inputs: Sequence[int],
    mean: Tensor | None,
    std: Tensor | None,
) -> list[str]:
    texts = [repr(value) for _, value in root.numbers()]
    sequential = type(model) is nn.Sequential
    lines = [f"class Network(nn.{'Sequential' if sequential else 'Module'}):"]
    shape = ", ".join(["b", *map(str, inputs)])
    lines += [f'    """Takes raw inputs ({shape}) of any dtype and gives logits."""', ""]
    lines.append("    def __init__(self):")
    if sequential:
        at, calls = 0, []
        for _, child in root.children:
            count = len(child.numbers())
            calls.append(writer.call(child, texts[at : at + count]))
            at += count
        lines.append(f"        super().__init__({', '.join(calls)})")
    elif root.own:
        lines.append("        super().__init__()")
        lines += [f"        {line}" for line in writer.constructor_lines(root, texts)]
    else:  # one layer of torch's own
        lines.append("        super().__init__()")
        lines.append(f"        self.layer = {writer.call(root, texts)}")
    if mean is not None and std is not None:
        for name, value in (("mean", mean), ("std", std)):
            lines.append(
                f'        self.register_buffer("{name}", torch.empty({tuple(value.shape)}))'
            )
    lines += [f"        {line}" for line in _ties(model)]
    name = root.inputs[0] if root.own else "x"
    lines += ["", f"    def forward(self, {', '.join(root.inputs) if root.own else 'x'}):"]
    raw = f"{name}.float()" if mean is None else f"({name}.float() - self.mean) / self.std"
    if sequential:
        return [*lines, f"        return super().forward({raw})"]
    lines.append(f"        {name} = {raw}")
    return lines + [f"        {line}" for line in (root.forward or ["return self.layer(x)"])]


def _ties(model: nn.Module) -> list[str]:
    """Assignments that make weights one which are one in the network."""
    first: dict[int, str] = {}
    lines = []
    for name, parameter in model.named_parameters(remove_duplicate=False):
        other = first.setdefault(id(parameter), name)
        if other != name:
            lines.append(f"{_place(name)} = {_place(other)}")
    return lines


def _place(path: str) -> str:
    made = "self"
    for word in path.split("."):
        made += f"[{word}]" if word.isdigit() else f".{word}"
    return made

