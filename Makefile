# make demo and make test each set up everything they need on a fresh machine (Python 3.11+).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check format clean

demo: $(VENV)/.demo-ready
	$(BIN)/auris demo --out demo

test: $(VENV)/.dev-ready
	$(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 4 --dist loadfile

check: $(VENV)/.dev-ready
	bash .ci/run

format: $(VENV)/.dev-ready
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo build dist

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# torch first, at the tested version: without the pin pip may take a build with gigabytes of CUDA libraries.
$(VENV)/.demo-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) "$$(grep '^torch==' constraints.txt)"
	$(PIP) -e ".[plot]"
	touch $@

$(VENV)/.dev-ready: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) "$$(grep '^torch==' constraints.txt)"
	$(PIP) -e ".[dev]"
	touch $@ $(VENV)/.demo-ready
