# Needs Python 3.11 or newer with venv, and make; nothing else. No compiler, no ffmpeg.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint proto bench clean

help:  ## Say what there is to make.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.run  ## Confirm a video and see its copies blocked, on videos made for the purpose.
	$(BIN)/hashsvc demo

test: $(VENV)/.run  ## Run the tests; ARGS="-k name" picks some.
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.lint  ## Check style, types, the import contracts, the protos and the generated stubs.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd protos && ../$(BIN)/buf lint
	PYTHON=$(CURDIR)/$(BIN)/python protos/generate.sh --check

proto: $(VENV)/.lint  ## Write hashsvc/v1 anew from protos/.
	PYTHON=$(CURDIR)/$(BIN)/python protos/generate.sh

bench: $(VENV)/.bench  ## Run the benchmarks in their short form; ARGS="NAME" runs one whole.
	$(BIN)/python -m benchmarks $(or $(ARGS),all --short)

clean:  ## Remove the environment, caches and the demo's data.
	rm -rf $(VENV) demo-data .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist

# Each stamp says that what it is named after is installed, as pyproject.toml asks now.
# pip is upgraded first: the one that Debian ships knows no --group.
$(VENV)/.pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	touch $@

$(VENV)/.run: pyproject.toml $(VENV)/.pip
	$(BIN)/python -m pip install --quiet --editable '.[videohash]' --group test
	touch $@

$(VENV)/.bench: pyproject.toml $(VENV)/.run
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

$(VENV)/.lint: pyproject.toml $(VENV)/.run
	$(BIN)/python -m pip install --quiet --group lint
	touch $@
