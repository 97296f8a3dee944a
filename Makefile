# The map of commands. STACK chooses the stack: sandbox (default), dev or prod.
STACK ?= sandbox
export STACK

.DEFAULT_GOAL := help
.PHONY: help up demo bench bench-growth status preview refresh env down test lint lock

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## deploy the pipeline (prepares what the stack runs on first)
	@scripts/up.sh

demo: ## change rows in PostgreSQL and compare them with the Parquet on S3, row by row
	@scripts/run.sh python -m demo --stack $(STACK)

bench: ## put load on the pipeline, measure it, compare every row, write docs/bench (ARGS="--rate 8000")
	@scripts/run.sh python -m bench --stack $(STACK) $(ARGS)

bench-growth: ## measure how cost grows with tables, row width and partitions
	@scripts/run.sh python -m bench.growth --stack $(STACK) $(ARGS)

status: ## pods, connectors, topics, objects and the budget at a glance
	@scripts/run.sh python -m clients.status --stack $(STACK)

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
