# `make demo` and `make test` set up all they need in .venv; `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test long lint format docs bench lab lab-up lab-down clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
TESTS ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## the virtual environment, with everything that development needs

demo: setup ## the whole pipeline on a recorded incident, ending with the answer
	@$(BIN)/tapio demo

test: setup ## all tests; those that need root or the lab say so and skip (TESTS=path chooses some)
	@$(BIN)/pytest -m "not long" $(TESTS)

long: setup ## the tests that take long
	@$(BIN)/pytest -m long $(TESTS)

lint: setup ## the gates: ruff, mypy, import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## lay the sources out
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: setup ## write what is generated: docs/raw-events.md, docs/rules.md, deploy/rbac*.yaml
	$(BIN)/python -m tapio.cli.docs docs
	$(BIN)/python -m tapio.cli.rbac deploy

bench: setup ## the benchmarks, printed as ratios
	@for bench in benchmarks/bench_*.py; do $(BIN)/python -m "benchmarks.$$(basename "$$bench" .py)"; done

lab: setup ## build the real Kubernetes for the tests (cached outside the checkout)
	@$(BIN)/python -m tests.lab build

lab-up: setup ## start it (needs root)
	@$(BIN)/python -m tests.lab up

lab-down: setup ## stop it
	@$(BIN)/python -m tests.lab down

clean: ## remove the virtual environment and the tools' caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Bytecode is compiled here, even where PYTHONDONTWRITEBYTECODE is set: without it `ray.init` takes 9 s instead of 3.
$(VENV)/.installed: pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "setup: needs Python 3.11 or newer; PYTHON=/path/to/python chooses one" >&2; exit 1; }
	@echo "setup 1/3: $(VENV), by $(PYTHON)"
	@"$(BIN)/python" -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV) \
	  || { rm -rf $(VENV); echo "setup: no virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "setup 2/3: packages (the first time about 250 MB are fetched)"
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --disable-pip-version-check --no-compile \
	  --progress-bar off -e '.[dev]' \
	  | awk '/^ *(Downloading|Using cached) / { if (++n % 20 == 0) { print "           " n " fetched"; fflush() } } \
	         /^Installing collected/ { print "           installing"; fflush() } /^ *ERROR/'
	@echo "setup 3/3: bytecode"
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib tapio actors serve \
	  -x '/(tests?|lib2to3|templates)/' || true
	@touch $@
