# The map of commands. STACK chooses the stack: sandbox (default), dev or prod.
STACK ?= sandbox
export STACK

FAULTS = $(foreach fault,$(FAULT),--fault $(fault))

.DEFAULT_GOAL := help
.PHONY: help up demo status chaos recover preview refresh env down test lint lock

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## deploy the pipeline (prepares what the stack runs on first)
	@scripts/up.sh

demo: ## change rows in PostgreSQL and compare them with the Parquet on S3, row by row
	@scripts/run.sh python -m demo --stack $(STACK)

status: ## pods, connectors, topics, objects and the budget at a glance
	@scripts/run.sh python -m clients.status --stack $(STACK)

chaos: ## inject faults under load and count what is lost; FAULT=name for one, QUICK=1 for shorter ones
	@scripts/run.sh python -m chaos --stack $(STACK) $(FAULTS) $(if $(QUICK),--quick) \
		$(if $(FAULT),,--output docs/chaos)

recover: ## make a lost replication slot anew, or COLUMN=schema.table.column of a changed type fit
	@scripts/run.sh python -m clients.recover --stack $(STACK) $(if $(COLUMN),--column $(COLUMN))

preview: ## show what `make up` would change, with the policies
	@scripts/preview.sh

refresh: ## find what was changed by hand
	@scripts/run.sh pulumi refresh --yes --stack $(STACK)

env: ## print the exports with which pulumi, kubectl, psql and aws reach the stack
	@scripts/env.sh

down: ## remove the pipeline; of the sandbox everything but its cache
	@scripts/down.sh

test: lint ## all tests: unit, aws, policies, plugins, engine and end to end
	@scripts/test.sh

lint: ## ruff, mypy and shellcheck
	@scripts/lint.sh

lock: ## compile the pinned requirements after changing a requirements.in
	@scripts/lock.sh
