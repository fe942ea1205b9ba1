# make demo | demo-torch | test | check | bench: each installs what it needs first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo demo-torch test check bench format docs-rules client-protocol system engine vscode vsix clean
.DEFAULT_GOAL := help

help:
	@echo "make demo        run the main job on docs/examples/digits (about 4 minutes)"
	@echo "make demo-torch  run it on docs/examples/mnist1d (PyTorch, longer)"
	@echo "make test        all tests       make check  formatting, lint, types"
	@echo "make bench       measurements    make clean  remove what make made"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: run make PYTHON=python3.11 …"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

system:
	@sh .ci/system-packages

engine: system
	@sh .ci/docker-engine

vscode:
	@sh .ci/vscode

vsix:
	@cd editor-client && npm ci --no-audit --no-fund --loglevel=error && npm run --silent package

demo: $(STAMP) system
	@sh docs/examples/run-demo digits $(abspath $(BIN)/autosota)

demo-torch: $(STAMP) system
	@sh docs/examples/run-demo mnist1d $(abspath $(BIN)/autosota)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs-rules: $(STAMP)
	$(BIN)/python tests/house/write_rule_pages.py

client-protocol: $(STAMP)
	$(BIN)/python tests/house/write_client_protocol.py

test: $(STAMP) engine vscode
	@sh tests/tiers $(BIN)/python

bench: $(STAMP) engine
	$(BIN)/python tests/bench/run.py

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache
