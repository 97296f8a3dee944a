# The map of commands. STACK chooses the stack: sandbox (default), dev or prod.
STACK ?= sandbox
export STACK

# SQL may have a dollar sign, which make would expand.
ifdef Q
override export Q := $(value Q)
endif

# One of the captured databases; without it, all of them, or the only one that has the table.
CHOSEN = $(if $(SOURCE),--source "$(SOURCE)")
FAULTS = $(foreach fault,$(FAULT),--fault $(fault))

.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*## .*/\1/p' $(MAKEFILE_LIST))

# What a review looks at where no stack is named.
REVIEWED = $(if $(filter file,$(origin STACK)),sandbox dev prod,$(STACK))

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## deploy the pipeline (prepares what the stack runs on first)
	@scripts/up.sh

demo: ## change rows in PostgreSQL and compare them with the Parquet on S3, row by row
	@bin/datapipe demo

bench: ## put load on the pipeline, measure it, compare every row, write docs/bench (ARGS="--rate 8000")
	@bin/datapipe bench $(ARGS)

bench-growth: ## measure how cost grows with tables, row width and partitions
	@bin/datapipe bench-growth $(ARGS)

bench-maintenance: ## measure a load without and with the archive's maintenance, compare every row
	@bin/datapipe bench-maintenance $(ARGS)

bench-snapshot: ## add a table of ten million rows, kill the worker on the way, and count what arrives
	@bin/datapipe bench-snapshot $(ARGS)

bench-tpch: ## measure TPC-H's snapshot and stream from an existing server, compare every row (ARGS="--kill-at 0.4")
	@bin/datapipe bench-tpch $(ARGS)

bench-sql: ## measure queries of the present state at 1, 10 and 50 million changes; needs no stack (ARGS="--s3")
	@bin/datapipe bench-sql $(ARGS)

bench-program: ## measure preview and up by tables, and of as many empty resources; needs no stack (ARGS="--tables 10 100")
	@bin/datapipe bench-program $(ARGS)

bench-archive: ## age an Iceberg table to 43,200 commits, without maintenance and with it; needs no stack
	@bin/datapipe bench-archive $(ARGS)

status: ## pods, connectors, topics, objects and the budget at a glance
	@bin/datapipe status

verify: ## compare the archive with PostgreSQL, every row (SOURCE=name, ARGS="--table public.users --sample 5%")
	@bin/datapipe verify $(CHOSEN) $(ARGS)

maintain: ## expire snapshots, merge small files and delete old ones now, and print what was done
	@bin/datapipe maintain

sql: ## query the archive: a prompt, or Q="SELECT …"; FORMAT=csv|json|parquet, AT="2026-11-27 10:00", TYPES=archived, SOURCE=name
	@bin/datapipe sql $(if $(value Q),--query "$$Q") $(CHOSEN) $(if $(AT),--at "$$AT") \
	  $(if $(FORMAT),--format "$$FORMAT") $(if $(TYPES),--types "$$TYPES")

chaos: ## inject faults under load and count what is lost; FAULT=name for one, QUICK=1 for a few, RATE=n
	@bin/datapipe chaos $(FAULTS) $(if $(QUICK),--quick) $(if $(RATE),--rate $(RATE)) --output docs/chaos

chaos-sources: ## kill, fail over and cut off a sample database while another goes on; FAULT=name for one
	@bin/datapipe chaos-sources $(FAULTS)

recover: ## recreate lost slots, read replaced tables again; SOURCE=name: after a failover; SCHEMA=subject: register it; ROW=…: let it through
	@bin/datapipe recover $(if $(SCHEMA),schema $(SCHEMA),$(if $(ROW),row $(ROW) $(CHOSEN), \
	  $(if $(SOURCE),source "$(SOURCE)" $(if $(YES),--yes),all)))

source-sql: ## print the SQL that prepares existing databases; SOURCE=name in datapipe:sources for one
	@bin/datapipe source sql $(SOURCE)

doctor: ## say what is wrong with existing databases and how to fix it (SOURCE=name, WHERE=cluster|here)
	@bin/datapipe source doctor $(SOURCE) $(if $(WHERE),--where $(WHERE))

sample-databases: ## start two PostgreSQL servers that stand in for your own, as sources of the stack; SCALE=1
	@bin/datapipe sample-databases start --configure $(if $(SCALE),--scale-factor $(SCALE))

# As given: make would expand a $ in them.
erase: export ERASED_TABLE = $(value TABLE)
erase: export ERASED_KEY = $(value KEY)
erase: ## show what erasing a key's rows from the archive would do; YES=1 erases (TABLE=public.users KEY=42, SOURCE=name)
	@bin/datapipe erase --table "$$ERASED_TABLE" --key "$$ERASED_KEY" $(CHOSEN) $(if $(YES),--yes) $(ARGS)

shapes: ## deploy dev's layout in the sandbox with images in its shape, kill everything, count what is lost
	@scripts/shapes.sh

several: ## deploy two workers and five brokers in the sandbox, kill some of them, count what is lost
	@scripts/several.sh

dlq: ## list the records that the sink refused, and why; bin/datapipe dlq --help has the rest
	@bin/datapipe dlq list $(CHOSEN)

preview: ## show what `make up` would change, with the policies
	@scripts/preview.sh

policy: ## judge a stack, or all three, without a cluster or cloud, and print the budgets
	@scripts/policy.sh $(REVIEWED)

checkov: ## have checkov judge their Kubernetes objects too
	@scripts/checkov.sh $(REVIEWED)

drift: ## fail if the stack was changed by hand or is not what this checkout says
	@scripts/drift.sh

rotate: ## replace every password and access key; old ones are revoked when nobody uses them
	@scripts/rotate.sh

refresh: ## show what was changed by hand and accept it into the state; make drift only shows it
	@scripts/refresh.sh

env: ## print the exports with which pulumi, kubectl, psql and aws reach the stack (SOURCE=name: psql's database)
	@bin/datapipe env $(CHOSEN)

down: ## remove the pipeline; of the sandbox everything but its cache (SLOTS=drop|keep: those of existing databases)
	@SLOTS="$(SLOTS)" scripts/down.sh

unit: ## the tests that need neither root nor a cluster, within two minutes (ARGS="-k source")
	@scripts/unit.sh $(ARGS)

test: lint ## all tests; deploys the sandbox first
	@scripts/test.sh

lint: ## ruff, mypy, shellcheck, actionlint, zizmor, and the documents
	@scripts/lint.sh

docs: ## update the generated parts of the documents and build their site in site/
	@scripts/docs.sh

lock: ## compile the pinned requirements after changing a requirements.in
	@scripts/lock.sh
