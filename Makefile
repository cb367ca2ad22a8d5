# One command to run, one to test: everything a bare machine lacks is installed first (tools/environment.py, tools/vendor.py).
# `make help` lists the targets.
SHELL := /bin/bash
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run test test-fast check bench soak lock screenshots browser-files environment environment-run

PYTHON ?= python3
PY := .venv/bin/python
# Two workers: the suite shares databases and browsers between them, and more would only crowd a small machine.
WORKERS ?= 2
PYTEST := $(PY) -m pytest
ARGS ?=

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: environment-run browser-files ## Start the demo centre and print its addresses (ARGS="--tls …" are handed to it)
	@exec $(PY) -m centre up --demo $(ARGS)

test: environment browser-files ## Every test, with PostgreSQL, Redis, S3 and Chromium found or provisioned (ARGS go to pytest)
	@$(PY) -m tests.support.chromium
	$(PYTEST) -n $(WORKERS) --dist worksteal $(ARGS)

test-fast: environment browser-files ## The tests that take seconds: no browser, no service
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not slow and not browser and not postgres" $(ARGS)

check: environment ## Lint, format, types, layers; then every test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache
	@$(MAKE) --no-print-directory test

bench: environment browser-files ## Ratios against bare limits; results go to docs/measurements/
	$(PY) -m bench $(ARGS)

soak: environment browser-files ## The large counts that `make test` samples
	@$(PY) -m tests.support.chromium
	SOAK=1 $(PYTEST) -n $(WORKERS) --dist worksteal --timeout 3600 $(ARGS)

lock: environment ## Write requirements/*.lock anew from pyproject.toml (ARGS="--upgrade" takes newer releases)
	$(PY) tools/lock.py $(ARGS)

screenshots: environment browser-files ## Draw the pictures of the README from a running demo
	@$(PY) -m tests.support.chromium
	$(PY) tools/screenshots.py $(ARGS)

environment:
	@$(PYTHON) tools/environment.py all

environment-run:
	@$(PYTHON) tools/environment.py run

browser-files: # after the environment, whose interpreter runs it
	@$(PY) tools/vendor.py
