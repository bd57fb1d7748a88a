#!/usr/bin/env bash
# Run the tests with the oldest torch that pyproject.toml declares, in an environment of its own:
#     bash scripts/oldest_torch.sh [ARGUMENTS OF PYTEST]
# Pip takes the build for CUDA, some 6 GB installed, where its index has no other.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${OLDEST_VENV:-build/oldest-torch}
torch=$("${PYTHON:-python3}" - <<'END'
import tomllib

with open("pyproject.toml", "rb") as file:
    needs = tomllib.load(file)["project"]["dependencies"]
(oldest,) = [need.removeprefix("torch>=") for need in needs if need.startswith("torch>=")]
print(f"torch=={oldest}")
END
)
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "$torch" -e '.[all,dev]'
"$venv/bin/python" -c 'import torch; print("the oldest torch:", torch.__version__)'
"$venv/bin/python" -m pytest -n 2 --dist loadfile "$@"
