# Everything beyond Go, a C compiler and Python 3 is fetched by the targets that
# need it and kept outside the tree, under $(CACHE).
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

GO      ?= go
CACHE   ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/noised
TOOLS   := $(CACHE)/bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X github.com/noised/noised/cmd/noised/internal/build.version=$(VERSION)

LINT_VERSION := v2.15.0
LINT         := $(TOOLS)/golangci-lint
VULN_VERSION := v1.1.4
VULN         := $(TOOLS)/govulncheck
VENV         := $(CACHE)/venv-$(shell cksum < notebooks/requirements.txt | cut -d' ' -f1)
PYTHON       := $(VENV)/bin/python
VENV_READY   := $(VENV)/ready

# Packages with goroutines or shared state, for the race detector.
RACE ?= ./privacy/containment ./privacy/anomaly ./privacy/controldb ./privacy/ledger ./privacy/policy ./privacy/keyring ./privacy/translog ./analytics/catalog ./analytics/query ./analytics/turns ./ingest/job ./ingest/child ./api/...

# SQLite is C that was made Go: the detector, which knows nothing of the memory that it
# manages, finds no race in there, and makes it fifteen times slower.
WITH_RACE := -race $(addprefix -gcflags=,$(addsuffix =-race=false,modernc.org/sqlite/lib modernc.org/libc modernc.org/memory))

.PHONY: help setup build demo test race race-long test-long figures lint generate bench bench-quick bench-load bench-docs tpch crypto privacy-audit privacy-audit-long governance vault guarantee drill vuln notebook pyarrow clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(LINT) $(VENV_READY) ## Fetch modules and tools for development
	$(GO) mod download

build: ## Build bin/noised
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/noised ./cmd/noised

demo: build ## Load 14 departments, ask three questions, show two refusals
	bin/noised demo --exit $(if $(DATA),--data $(DATA))

test: build ## Run every test
	NOISED_E2E_BINARY=$(CURDIR)/bin/noised $(GO) test -p 2 -timeout 20m ./...

# -short: tests of random cases take a fifth of them here, and all of them in make test.
race: build ## Run the tests of concurrent packages under the race detector
	NOISED_TEST_WORKER=$(CURDIR)/bin/noised $(GO) test $(WITH_RACE) -short -p 2 -timeout 20m $(RACE)
	$(GO) build $(WITH_RACE) -o bin/noised-race ./cmd/noised
	NOISED_E2E_BINARY=$(CURDIR)/bin/noised-race $(GO) test -count=1 -timeout 20m \
		-run 'TestBudgetIsNeverOverspent|TestHangUpIsRetriedForFree|TestKilledWhileLoading' ./cmd/noised/e2e

race-long: build ## The same with the command line's scripts and all random cases
	NOISED_TEST_WORKER=$(CURDIR)/bin/noised $(GO) test $(WITH_RACE) -p 2 -timeout 60m $(RACE) ./cmd/noised

test-long: ## Run the end-to-end tests with many more races and crashes
	NOISED_E2E_LONG=1 $(GO) test -count=1 -v -timeout 60m ./cmd/noised/e2e

figures: ## Print what intervals cover, races spend and crashes leave
	$(GO) test -count=1 -v -timeout 20m -run 'TestAnswersLie|TestBudgetIs|TestKilled' ./cmd/noised/e2e | grep -v '^=== '

# The server may attach data files read-only; nothing but the load worker may
# open one for writing. A linter does not look into SQL text, so grep does.
lint: $(LINT) ## Check style, imports and forbidden calls
	$(LINT) run --build-tags audit,governance,vault ./...
	@! git grep -nIiE 'access_mode[^a-z]+read_write|attach [^;]*\(\s*read_write' -- '*.go' ':!ingest/build' ':!ingest/duck' ':!ingest/segment' ':!*_test.go' \
		|| { echo 'lint: the server never attaches a data file read-write: write segments in ingest/build'; exit 1; }
	@! $(GO) list -deps ./cmd/noised | grep -n 'google/differential-privacy' \
		|| { echo 'lint: noised must not link the noise library, whose floating-point noise is not private near zero'; exit 1; }
	@! git ls-files -z | xargs -0 -r ls -dlL 2>/dev/null | awk '$$5 > 5000000 { print "lint: " $$NF " is too large to be kept here"; n++ } END { exit !n }'

generate: ## Generate the API types from api/openapi.yaml
	$(GO) generate ./...

# DuckDB's generator of TPC-H data, of the version that the engine links. Where it
# cannot be had, bench.json says that TPC-H is missing.
TPCH_VERSION := 1.5.5
TPCH_DIR     := $(CACHE)/tpch-$(TPCH_VERSION)
TPCH         := $(TPCH_DIR)/duckdb_extension_tpch/extensions/v$(TPCH_VERSION)/tpch.duckdb_extension
BENCH        := $(GO) run ./cmd/noised/bench -binary bin/noised -cache $(CACHE)/bench -tpch-extension $(TPCH)

bench: build tpch ## Measure what privacy costs, with all goals; writes bench.json
	$(BENCH) -o bench.json

bench-quick: build tpch ## The same at small sizes, in minutes, judging nothing
	$(BENCH) -quick -o bench-quick.json

bench-load: build ## Load a CSV file of 2 GB: speed and memory
	$(BENCH) -only loads -o bench-load.json

bench-docs: ## Write bench.json into docs/performance.md
	$(GO) run ./cmd/noised/bench -o bench.json -render docs/performance.md

tpch:
	@[ -f $(TPCH) ] || { python3 -m venv $(TPCH_DIR)/venv \
		&& $(TPCH_DIR)/venv/bin/pip download --quiet --no-deps --only-binary :all: --dest $(TPCH_DIR) duckdb-extension-tpch==$(TPCH_VERSION) \
		&& python3 -m zipfile -e $(TPCH_DIR)/*.whl $(TPCH_DIR); } || echo 'make: no tpch extension of DuckDB: the benchmark goes without TPC-H'

# DuckDB's extension that encrypts data files, with OpenSSL's ciphers. The server
# checks its digest, and DuckDB its publisher's signature.
CRYPTO_DIR := $(CACHE)/crypto-$(TPCH_VERSION)
CRYPTO     := $(CRYPTO_DIR)/duckdb_extension_httpfs/extensions/v$(TPCH_VERSION)/httpfs.duckdb_extension

crypto: $(CRYPTO) ## Fetch the extension for --crypto-extension, and say where it is
	@echo $(CRYPTO)

$(CRYPTO):
	@python3 -m venv $(CRYPTO_DIR)/venv \
		&& $(CRYPTO_DIR)/venv/bin/pip download --quiet --no-deps --only-binary :all: --dest $(CRYPTO_DIR) duckdb-extension-httpfs==$(TPCH_VERSION) \
		&& python3 -m zipfile -e $(CRYPTO_DIR)/*.whl $(CRYPTO_DIR)

privacy-audit: build ## Attack the program and seed bugs, in minutes; writes privacy-audit.json
	NOISED_E2E_BINARY=$(CURDIR)/bin/noised $(GO) run ./cmd/noised/audit -o privacy-audit.json

privacy-audit-long: build ## The same at full sizes, in hours
	NOISED_E2E_BINARY=$(CURDIR)/bin/noised $(GO) run ./cmd/noised/audit -long -o privacy-audit.json

governance: build ## Try the walls between tenants; writes governance.json
	NOISED_E2E_BINARY=$(CURDIR)/bin/noised $(GO) run ./cmd/noised/governance -o governance.json

vault: build $(CRYPTO) ## Tamper with the log, search what is at rest, feed damaged files; writes vault.json
	NOISED_E2E_BINARY=$(CURDIR)/bin/noised NOISED_VAULT_EXTENSION=$(CRYPTO) $(GO) run ./cmd/noised/vault -o vault.json

# What the guarantee is held to, figure by figure; about half an hour.
guarantee: build ## Audit, fuzz the planner for ten minutes, compare errors with dpagg's, time queries
	$(GO) test -run '^$$' -fuzz '^FuzzPlan$$' -fuzztime 10m ./analytics/planner
	NOISED_E2E_BINARY=$(CURDIR)/bin/noised $(GO) run ./cmd/noised/audit -o privacy-audit.json
	$(BENCH) -only accuracy,latencies -o bench.json

drill: build $(CRYPTO) ## Rehearse the theft of a key, a backup and a node; writes drill.json
	$(GO) run ./cmd/noised/drill -binary bin/noised -crypto-extension $(CRYPTO) -o drill.json

vuln: $(VULN) ## Look for known vulnerabilities (needs the network)
	$(VULN) ./...

notebook: build $(VENV_READY) ## Execute notebooks/first_steps.ipynb
	$(PYTHON) notebooks/execute.py notebooks/first_steps.ipynb

pyarrow: build $(VENV_READY) ## Read a result stream with pyarrow
	$(PYTHON) notebooks/pyarrow_check.py

clean: ## Remove what the targets leave in the tree
	rm -rf bin bench.json bench-quick.json bench-load.json privacy-audit.json governance.json vault.json drill.json

# Network installs are tried three times.
retry = for i in 1 2 3; do $(1) && break || { [ $$i -lt 3 ] && sleep 5; }; done

$(LINT):
	$(call retry,GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION))

$(VULN):
	$(call retry,GOBIN=$(TOOLS) $(GO) install golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION))

$(VENV_READY): notebooks/requirements.txt
	python3 -m venv $(VENV) || { echo 'make: the notebook needs Python 3 with venv'; exit 1; }
	$(call retry,$(VENV)/bin/pip install --quiet -r notebooks/requirements.txt)
	touch $@
