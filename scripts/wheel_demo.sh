#!/usr/bin/env bash
# Build the wheel, install it in an empty environment outside of the tree, and let it make a network
# there: what who installs the package has.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=$PWD/constraints.txt
outside=$(mktemp -d)
trap 'rm -rf "$outside"' EXIT
"${PYTHON:-python3}" -m venv "$outside/venv"
"$outside/venv/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$outside/dist" .
"$outside/venv/bin/pip" install --quiet --disable-pip-version-check -c "$pins" "$outside"/dist/*.whl
cd "$outside"
unset PYTHONPATH
venv/bin/netwright search --data fashion14 --limit params=50000 --trials 2 --trial-epochs 1 \
    --finals 2x4 --full-epochs 4 --out best
venv/bin/python - <<'END'
import sys
from pathlib import Path

import netwright

assert Path(netwright.__file__).is_relative_to(sys.prefix), netwright.__file__
sys.path.insert(0, "best")
import torch
from model import load

assert load()(torch.zeros(2, 1, 14, 14)).shape == (2, 10)
print("the wheel's network answers")
END
