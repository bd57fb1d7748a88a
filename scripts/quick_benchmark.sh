#!/usr/bin/env bash
# Run one benchmark by its name, quickly, and print its table when it is done.
set -uo pipefail

mkdir -p build
made=build/$1
"${PYTHON:-python3}" "benchmarks/$1.py" --quick --json "$made.json" >"$made.txt" 2>&1
status=$?
cat "$made.txt"
exit $status
