"""The two data sets that need no download."""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path

import numpy as np

from netwright.data.arrays import from_parts
from netwright.data.building import build_data
from netwright.data.dataset import ArrayData
from netwright.data.npz import read_npz
from netwright.data.split import Split
from netwright.errors import DataError
from netwright.tasks import Classification

FASHION14_PATH = Path(__file__).with_name("fashion14.npz")
FASHION14_SHA256 = "cda9a2beafa1de75a081c92a5d36135b7a95628bd8c771ec7db3f5f6820fcf2b"
FASHION14_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_fashion14() -> ArrayData:
    """Fashion-MNIST mean-pooled to 14x14: 10,000 train, 5,000 validation, 10,000 test rows.

    Train and validation are a fixed stratified sample of the original train part, test is the whole
    original test part. Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; MIT, (c) 2017 Zalando SE, see
    `fashion14.LICENSE` beside the file.

    Raises:
        DataError: the shipped file is damaged.
    """
    found = hashlib.sha256(FASHION14_PATH.read_bytes()).hexdigest()
    if found != FASHION14_SHA256:
        raise DataError(f"{FASHION14_PATH} is damaged (SHA-256 {found}): reinstall netwright.")
    arrays = read_npz(FASHION14_PATH)
    pieces = {
        part: (arrays[f"x_{key}"][:, None], arrays[f"y_{key}"].astype(np.int64), None)
        for part, key in (("train", "train"), ("validation", "val"), ("test", "test"))
    }
    return build_data(
        pieces, Classification(FASHION14_CLASSES), name="fashion14", source="fashion14"
    )


def load_digits(split: Split) -> ArrayData:
    """scikit-learn's 1,797 handwritten digits, (1, 8, 8), values 0..16."""
    # imported here: it takes longer than torch does, and every worker imports this module
    bunch = import_module("sklearn.datasets").load_digits()
    return from_parts(
        {"train": (bunch.images.astype(np.uint8), bunch.target)},
        split,
        name="digits",
        source="digits",
    )
