"""Pickles of published benchmarks, read without running what is in them.

A pickle may name any function and have it called. Here it may name plain containers and numbers of
numpy alone; all else is refused before it is looked up.
"""

from __future__ import annotations

import bz2
import codecs
import io
import pickle
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from netwright.errors import DataError

_SCALAR = np.float64(0).__reduce__()[0]
_ARRAY = np.zeros(1).__reduce__()[0]
_BUFFER = np.zeros(1).__reduce_ex__(5)[0]

_NAMED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("builtins", "dict"): dict,
    ("builtins", "list"): list,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("_codecs", "encode"): codecs.encode,  # bytes, as protocol 2 writes them
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy._core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "_reconstruct"): _ARRAY,
    ("numpy._core.numeric", "_frombuffer"): _BUFFER,
}

_FORMER = {
    "__builtin__": "builtins",  # as protocol 2 has it
    "numpy.core.multiarray": "numpy._core.multiarray",  # as numpy 1 has it
    "numpy.core.numeric": "numpy._core.numeric",
}


class _Restricted(pickle.Unpickler):  # noqa: S301 - it runs nothing
    def find_class(self, module: str, name: str) -> Any:
        module = _FORMER.get(module, module)
        if (module, name) not in _NAMED:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, and only containers and numbers are read"
            )
        return _NAMED[module, name]


def read_pickle(path: Path) -> Any:
    """What a pickle holds; one that ends in .pbz2 is compressed.

    Raises:
        DataError: It is damaged, no such file, or holds more than containers and numbers.
    """
    try:
        content = path.read_bytes()
        content = bz2.decompress(content) if path.suffix == ".pbz2" else content
        return _Restricted(io.BytesIO(content)).load()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise DataError(f"{path} cannot be read as a benchmark's pickle: {error}.") from error
