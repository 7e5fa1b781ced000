# Everything runs in .venv, which make builds itself; needs Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
INSTALLED := $(VENV)/.installed

.PHONY: demo up down status doctor docs test test-faults bench-ingestion bench-accuracy bench-models bench-receiver bench-warehouse bench-dashboard screenshots lint check-shopify-schema format lock clean help

help:            ## Lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 24

demo: $(INSTALLED)   ## Real purchases in, a value for every customer out
	@$(BIN)/clv demo

up: $(INSTALLED)     ## Starts Postgres, the Dagster UI and the MLflow UI
	@$(BIN)/clv up

down:            ## Stops what `make up` and `make demo` started
	@if [ -x $(BIN)/clv ]; then $(BIN)/clv down; fi

status: $(INSTALLED) ## Says what runs, and where
	@$(BIN)/clv status

doctor: $(INSTALLED) ## Says what is wrong, and how to mend it
	@$(BIN)/clv doctor

docs: $(INSTALLED)   ## Writes the documentation of all tables as one file
	@$(BIN)/clv docs

test: $(INSTALLED)   ## Passes the tests
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-faults: $(INSTALLED) ## Passes the long tests: every fault at every moment
	$(BIN)/pytest -m faults

bench-ingestion: $(INSTALLED) ## Measures landing up to 1M orders, beside COPY: takes 15 minutes and 15 GB of disk
	$(BIN)/python -m benchmarks.ingestion

bench-accuracy: $(INSTALLED) ## Judges the champion on published logs; CLV_ONLINE_RETAIL_2 may name a second one
	$(BIN)/python -m benchmarks.accuracy

bench-models: $(INSTALLED) ## Measures fits and predictions beside lifetimes, and a whole contest
	$(BIN)/python -m benchmarks.models
	$(BIN)/python -m benchmarks.contest

bench-dashboard: $(INSTALLED) ## Measures every page of the dashboard with over 100,000 customers; needs make demo and clv down, clv prepare
	$(BIN)/python -m benchmarks.dashboard

screenshots: $(INSTALLED) ## Takes the pictures of README.md; needs make demo and a Chromium
	$(BIN)/python docs/pictures/take.py

bench-receiver: $(INSTALLED) ## Loads the receiver with signed webhooks, also with kill -9 in the middle: takes 3 minutes
	$(BIN)/python -m benchmarks.receiver

bench-warehouse: $(INSTALLED) ## Measures building the marts of 1M orders, beside COPY: takes 10 minutes and 10 GB of disk
	$(BIN)/python -m benchmarks.warehouse

lint: $(INSTALLED)   ## Passes the quality gates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 2 dbt_project
	$(BIN)/dbt --quiet --warn-error parse --no-partial-parse --project-dir dbt_project --profiles-dir dbt_project
	$(BIN)/dg check defs

check-shopify-schema: $(INSTALLED) ## Compares our part of Shopify's schema with the official one: SCHEMA=path
	$(BIN)/python -m demo.stores.shopify.subset --official $(SCHEMA) --check

format: $(INSTALLED) ## Formats the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix dbt_project

lock: $(INSTALLED)   ## Resolves requirements.lock anew
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --group dev --upgrade \
		--custom-compile-command 'make lock' pyproject.toml -o requirements.lock

clean: down      ## Removes .venv, .clv and everything built; the data of .clv are gone
	rm -rf $(VENV) .clv dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v[:2] <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed, this is %d.%d: make PYTHON=python3.12 ..." % v[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test "$$($(BIN)/uv --version 2>/dev/null | cut -d' ' -f2)" = $(UV_VERSION) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo 'Installing the packages of requirements.lock'
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
