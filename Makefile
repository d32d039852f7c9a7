# Everything runs in .venv, which `make` sets up itself: CPython >= 3.11 and make are all it takes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
.DEFAULT_GOAL := help

# As many processes of tests as there are cores. A file's tests stay together with the server or shop it has made; files
# go out in order, so that the acceptance tests, which wait most, come first and the short unit tests even out the end.
WORKERS ?= logical
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help install demo test test-fast test-long lint format bench bench-smoke faults lock clean

help:  ## show the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 20

$(VENV)/.installed: pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash .ci/install runtime

$(VENV)/.installed-dev: pyproject.toml constraints-dev.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash .ci/install dev

install: $(VENV)/.installed  ## set up .venv with what serving and training need

demo: $(VENV)/.installed  ## a small shop, trained and served on http://127.0.0.1:8000
	@$(BIN)/etappe demo

test: $(VENV)/.installed-dev  ## all tests but those that only test-long runs
	@$(PYTEST) -m "not long"

test-fast: $(VENV)/.installed-dev  ## the unit tests: no server, no store, within a minute
	@$(PYTEST) -m "not long" tests/unit

test-long: $(VENV)/.installed-dev  ## the tests that take long, and many more random cases of those that draw them
	@TESTS_LONG=1 $(PYTEST) -m "long or seeded"

lint: $(VENV)/.installed-dev  ## formatting, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.installed-dev  ## format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev  ## decisions and events per second beside bare ones, what Redis comes to hold, the simulated shop
	@$(BIN)/python -m benchmarks.decide
	@$(BIN)/python -m benchmarks.overload
	@$(BIN)/python -m benchmarks.ingest
	@$(BIN)/python -m benchmarks.record
	@$(BIN)/python -m benchmarks.growth
	@$(BIN)/python -m benchmarks.simulated

bench-smoke: $(VENV)/.installed-dev  ## the same at a size that only shows it runs
	@$(BIN)/python -m benchmarks.decide --smoke
	@$(BIN)/python -m benchmarks.overload --smoke
	@$(BIN)/python -m benchmarks.ingest --smoke
	@$(BIN)/python -m benchmarks.record --smoke
	@$(BIN)/python -m benchmarks.growth --smoke
	@$(BIN)/python -m benchmarks.simulated --smoke

faults: $(VENV)/.installed-dev  ## 200 faults under traffic, the log compared event by event
	@$(BIN)/python -m benchmarks.faults --runs 200 --seed 1

lock:  ## freeze versions and hashes anew (needs uv on PATH)
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-strip-extras --upgrade --extra build pyproject.toml -o constraints.txt
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --no-strip-extras -c constraints.txt --extra build --extra dev pyproject.toml -o constraints-dev.txt

clean:  ## remove .venv and caches; data folders stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
