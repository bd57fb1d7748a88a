"""A trained network as a file of Python that an engineer could have written."""

from __future__ import annotations

from torch import nn

from netwright.export.source.answers import Answers
from netwright.export.source.classes import classes_of
from netwright.export.source.format import laid_out
from netwright.export.source.parts import Part, part_of, place
from netwright.export.source.writer import Writer, text
from netwright.network.signature import Signature

_LOAD = '''
def load(path=WEIGHTS):
    """The trained network in eval mode."""
    network = Network()
    network.load_state_dict(read_safetensors(path))
    return network.eval()


def read_safetensors(path):
    """The tensors of a safetensors file by name."""
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start]) if 8 < start <= len(data) else {}
    header.pop("__metadata__", None)
    if not header or len(data) != start + max(e["data_offsets"][1] for e in header.values()):
        raise ValueError(f"{path} is cut off or no safetensors file")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = bytearray(data[start + begin : start + end])
        dtype = DTYPES[entry["dtype"]]
        flat = torch.frombuffer(values, dtype=dtype) if values else torch.empty(0, dtype=dtype)
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
    signature: Signature,
    *,
    docstring: str = "",
    answers: Answers | None = None,
) -> str:
    """The text of `model.py`: the network's classes, `Network`, and `load`.

    `Network` has the state-dict keys of `model`, and computes what it does; `signature` is what
    its docstring says that it takes and gives. With `answers`, whose decoder is the child `decoder`
    of `model`, it has `predict`.

    Raises:
        ExportError: A module cannot be written as source; the message names it and the remedy.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        root = part_of(model)
    finally:
        for module, training in modes.items():
            module.training = training
    classes = classes_of(root)
    writer = Writer(classes)
    network = _network(root, writer, signature)
    if answers is not None:
        network += ["", *(f"    {line}".rstrip() for line in answers.methods)]
    blocks = [*(writer.block(made) for made in classes[:-1]), network]
    body = "\n\n\n".join("\n".join(lines) for lines in blocks)
    below = answers.below if answers is not None else ""
    return laid_out(f"{_head(docstring, body)}\n\n{body}\n") + "\n" + _LOAD + below


def _head(docstring: str, body: str) -> str:
    """Docstring and imports."""
    told = docstring.strip() or "A network found by netwright."
    lines = [f'"""{told}', '"""'] if "\n" in told else [f'"""{told}"""']
    lines += ["", "import json"]
    lines += ["from collections import OrderedDict"] if "OrderedDict(" in body else []
    lines += ["from pathlib import Path", "", "import torch", "from torch import nn"]
    lines += ["from torch.nn import functional as F"] if "F." in body else []
    return "\n".join([*lines, "", 'WEIGHTS = Path(__file__).with_name("model.safetensors")', ""])


def _network(root: Part, writer: Writer, signature: Signature) -> list[str]:
    """The class of the network itself."""
    lines = [f"class Network(nn.{root.base}):"]
    lines += [*(f"    {line}".rstrip() for line in signature_docstring(signature)), ""]
    lines.append("    def __init__(self):")
    init = writer.constructor(root, [text(number.value) for number in root.numbers])
    lines += [f"        {line}" for line in init + _ties(root)]
    if root.forward.lines:
        names = ", ".join(["self", *root.forward.inputs])
        lines += ["", f"    def forward({names}):"]
        lines += [f"        {line}" for line in writer.forward(root)]
    return lines


def signature_docstring(signature: Signature, told: str = "") -> list[str]:
    """The lines of a docstring that says what is taken and given, after what else is `told`."""
    takes, gives = (
        [spec.text for spec in specs] for specs in (signature.inputs, signature.outputs)
    )
    line = f'"""{told}Takes {", ".join(takes)}; gives {", ".join(gives)}."""'
    if len(line) <= 96:
        return [line]
    return [
        f'"""{told}Takes and gives tensors by name.',
        "",
        "Takes:",
        *(f"    {text}" for text in takes),
        "",
        "Gives:",
        *(f"    {text}" for text in gives),
        '"""',
    ]


def _ties(root: Part) -> list[str]:
    """Assignments that make weights one which are one in the network."""
    model = root.module
    aliases = tuple(
        f"{part.path}.{name}".lstrip(".") for part in root.walk() for name, _ in part.aliases
    )
    first: dict[int, str] = {}
    lines = []
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if any(name.startswith(f"{alias}.") for alias in aliases):
            continue
        other = first.setdefault(id(parameter), name)
        if other != name:
            lines.append(f"{place(model, name)} = {place(model, other)}")
    return lines
