# `make demo` and `make test` work on a fresh machine with Python 3.11+ and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# The whole demo, in minutes of wall time, from the search to the exported network; on two cores.
MINUTES ?= 5
DEMO_FLAGS ?= --trial-epochs 2 --full-epochs 20 --finals 6x6,2x20
PYTEST_FLAGS ?=

# Run by CI, two at a time; `make thorough` runs all of them.
BENCHMARKS ?= end_to_end overhead spaces strategies

.PHONY: demo environment test check docs benchmarks thorough clean

demo: $(VENV)/.installed
	$(BIN)/netwright search --data fashion14 --limit latency_ms@onnxruntime=0.05 --minutes $(MINUTES) \
		--store demo/runs.db --run demo-$$(date +%Y%m%d-%H%M%S) --out demo/best $(DEMO_FLAGS)

environment: $(VENV)/.developing

test: $(VENV)/.developing
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_FLAGS)

# By hand, before a release: an hour or two, and several GB for the oldest torch.
thorough: $(VENV)/.developing
	$(BIN)/python -m pytest -n 2 --dist worksteal -m '' --hypothesis-profile default $(PYTEST_FLAGS)
	$(MAKE) benchmarks BENCHMARKS="$(basename $(notdir $(wildcard benchmarks/*.py)))"
	PYTHON=$(PYTHON) bash scripts/wheel_demo.sh
	PYTHON=$(PYTHON) bash scripts/oldest_torch.sh

benchmarks: $(VENV)/.developing
	printf '%s\n' $(BENCHMARKS) | PYTHON=$(BIN)/python xargs -P 2 -n 1 bash scripts/quick_benchmark.sh

check: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site of the documents, in build/site, where a warning is an error; and all their code is run.
docs: $(VENV)/.developing
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python -m pytest -n 2 --dist worksteal -m snippets tests/docs $(PYTEST_FLAGS)

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "netwright needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all]'
	touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	touch $@

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
