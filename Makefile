# Two commands to begin with: `make demo` and `make test`. Everything needs Python 3.11 or newer and a package index, no more.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# What was installed is named by what was asked for: the same locks again are no work.
STAMP := .venv/.installed-$(shell cat requirements-dev.lock pyproject.toml | cksum | cut -d' ' -f1)
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench measure lock hashes docs mutation

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: $(STAMP) ## libraries and the `inloop` command into .venv

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Inloop needs Python 3.11 or newer; $(PYTHON) is older. Say which one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "this Python cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing the locked libraries into .venv (a minute or two, once)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable . >&2
	@rm -f .venv/.installed-* && touch $@

demo: setup ## an invented company's week on your screen; ONCE=1 runs it through and ends
	@$(BIN)/inloop demo $(if $(ONCE),--once) $(ARGS)

test: setup ## all tests; INLOOP_REQUIRE_ALL=1 fails where a server is missing instead of saying so
	@$(BIN)/python -m pytest $(ARGS)

check: setup ## style, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## messages per second and latencies, beside the tutorial's way of doing it
	@$(BIN)/python -m tests.bench $(ARGS)

hashes: setup ## what public inputs lead to, beside what was pinned; ARGS=--pin pins it
	@$(BIN)/python -m tests.bench.hashes $(ARGS)

measure: setup ## sizes, circles, names used twice, files that one slip crosses; ARGS=--files lists them
	@$(BIN)/python -m tests.bench.house $(ARGS)

mutation: setup ## rules and guards changed in small ways: which change no test notices; ARGS="rules/ --minutes=30"
	@$(BIN)/python -m tests.mutation $(ARGS)

lock: setup ## resolve the libraries anew (needs uv, installed beside the others)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  pyproject.toml --extra dev --output-file requirements-dev.lock
	@# What runs is what was tested: the short list takes its versions from the long one.
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  pyproject.toml --constraint requirements-dev.lock --output-file requirements.lock

docs: setup ## the documentation as a site in build/site; a broken link stops it
	@$(BIN)/python -m deploy.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open build/site/index.html; for the search: $(BIN)/python -m http.server -d build/site 8000"
