# Every task of the project. Needs make and Python >= 3.11 with venv; `make help` lists the tasks.

PORT ?= 8000
BENCH ?=
TESTS ?=

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest $(TESTS)

# The environment of the caller must not change what is built or tested: neither their modules nor a C locale.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help setup run test soak fuzz bench story check lint contracts clean
.PHONY: style types imports generated migrated

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## build .venv from the hash-locked requirements; does nothing when it is up to date
	@sh .ci/setup

run: setup ## start PostgreSQL, migrate, load the demo regency, serve on 127.0.0.1 (PORT=8000)
	@exec .venv/bin/slrt-api dev --port $(PORT) --data-dir .data

test: setup ## the whole suite with small numbers (TESTS="tests/rules -k ids" selects)
	@SLRT_TEST_SIZE=small $(if $(TESTS),$(PYTEST),sh .ci/tests)

soak: setup ## the same tests with the numbers that the issues name
	@SLRT_TEST_SIZE=soak $(if $(TESTS),$(PYTEST),sh .ci/tests)

fuzz: setup ## hostile and random input only, at full size
	@SLRT_TEST_SIZE=soak $(PYTEST) -m fuzz

bench: setup ## measure, write benchmarks/latest.json (BENCH=rest,graphql selects)
	@$(PYTHON) -m benchmarks $(BENCH)

story: setup ## walk one case around the loop, on SLRT_BASE_URL or a server of its own
	@$(PYTHON) docs/examples/story.py

check: test lint ## what CI runs: the tests and everything of lint

lint: style types imports generated migrated ## style, types, imports, generated contracts, migrations

# One target each, so that `make -k lint` tells everything that is wrong and not only the first.
style: setup
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check

types: setup
	$(PYTHON) -m mypy

imports: setup
	.venv/bin/lint-imports

generated: setup
	.venv/bin/slrt-api openapi export --check
	.venv/bin/slrt-api programs page --check
	.venv/bin/slrt-api lifecycles page --check

migrated: setup
	.venv/bin/slrt-api db check

contracts: setup ## write openapi/*, docs/programs.md and docs/lifecycles.md anew from code and data
	.venv/bin/slrt-api openapi export
	.venv/bin/slrt-api programs page
	.venv/bin/slrt-api lifecycles page

clean: ## remove .venv and caches; .data stays
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
