"""Make `fashion14.npz` out of Fashion-MNIST, the same bytes on each run.

Images are mean-pooled 2x2 with rounding to 14x14. 10,000 train and 5,000 validation rows are a
stratified sample of the original train part under a fixed seed; test is the whole test part. The
source files are those of Debian's package `dataset-fashion-mnist` (MIT, (c) 2017 Zalando SE).

    python scripts/make_fashion14.py
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SOURCE = Path("/usr/share/datasets/fashion-mnist")
OUT = Path(__file__).parents[1] / "src" / "netwright" / "data" / "fashion14.npz"
SEED = 14
TRAIN_PER_CLASS = 1_000
VALIDATION_PER_CLASS = 500
CLASSES = 10

Bytes = NDArray[np.uint8]


def main(arguments: list[str] | None = None) -> None:
    """Read the source, write the file and print its size and SHA-256."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder of the four .gz files")
    parser.add_argument("--out", type=Path, default=OUT, help="the .npz file to write")
    options = parser.parse_args(arguments)
    write_npz(make_arrays(options.source), options.out)
    content = options.out.read_bytes()
    print(f"{options.out}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


def make_arrays(source: Path) -> dict[str, Bytes]:
    """`x_*` of shape (n, 14, 14) and `y_*` of shape (n,) for train, val and test, all uint8."""
    x, y = read_part(source, "train")
    rng = np.random.Generator(np.random.PCG64(SEED))
    order = rng.permutation(len(y))
    ends = (TRAIN_PER_CLASS, TRAIN_PER_CLASS + VALIDATION_PER_CLASS)
    by_class = [order[y[order] == label][: ends[1]] for label in range(CLASSES)]
    train = rng.permutation(np.concatenate([rows[: ends[0]] for rows in by_class]))
    validation = rng.permutation(np.concatenate([rows[ends[0] :] for rows in by_class]))
    x_test, y_test = read_part(source, "t10k")
    return {
        "x_train": x[train],
        "y_train": y[train],
        "x_val": x[validation],
        "y_val": y[validation],
        "x_test": x_test,
        "y_test": y_test,
    }


def read_part(source: Path, part: str) -> tuple[Bytes, Bytes]:
    """Pooled images and labels of one original part ("train" or "t10k")."""
    x = read_idx(source / f"{part}-images-idx3-ubyte.gz")
    y = read_idx(source / f"{part}-labels-idx1-ubyte.gz")
    n, h, w = x.shape
    blocks = x.reshape(n, h // 2, 2, w // 2, 2).sum(axis=(2, 4), dtype=np.uint16)
    return ((blocks + 2) // 4).astype(np.uint8), y


def read_idx(path: Path) -> Bytes:
    """The array of an IDX file of unsigned bytes."""
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        sys.exit(f"{path} is missing: install Debian's package dataset-fashion-mnist.")
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape.astype(np.int64))


def write_npz(arrays: dict[str, Bytes], out: Path) -> None:
    """A compressed `.npz` whose bytes depend on the arrays and the zlib build alone."""
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, buffer.getvalue(), compresslevel=9)


if __name__ == "__main__":
    main()
