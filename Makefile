# Every target sets up by itself; a second start of each is quick. Progress goes to standard error.
#
#   make demo [ARGS="--once -o json"]   three emulated clouds, a real Kubernetes API, one pool over all of them
#   make test                           the tests, some of them sampled (seeded)
#   make check                          lint, types, import contracts, dependencies, generated files
#   make test-long [SEED=n]             the full counts of what `make test` samples
#   make lab                            control plane and emulated clouds alone
#   make bench-lab                      how fast the emulated clouds answer, how much a large fleet takes
#   make bench-latency                  from a change of spec to the call that resizes, on a real Kubernetes API
#   make bench-allocate                 how long placing takes, beside CP-SAT and a greedy placement
#   make bench-rest                     calls per API of a fleet at rest, and how soon a resize by hand is seen
#   make bench-scaling                  a week of loads under TargetTracking, Step and a fixed number, in virtual time
#   make generate                       write the generated files anew
#   make setup | clean

UV_VERSION := 0.13.9
PYTHON ?= python3
ARGS ?=
SEED ?=

# What `make check` compares and `make generate` writes: a module, what it generates, further arguments.
define GENERATORS
multicloud.kinds.crd MODE crds deploy/crds charts/multicloud-operator/files/crds --reference docs/reference/crds.md
multicloud.cli.reference MODE docs/reference
endef

# Parts that must work with the lowest versions we claim to support, and everything they import from vendors.
LOWEST_TESTS := tests/model tests/kinds tests/decide/place tests/clouds tests/kube
LOWEST_IMPORTS := aiohttp azure.identity azure.mgmt.containerservice azure.mgmt.core boto3 botocore click cryptography \
  cronsim google.auth google.cloud.container_v1 grpc highspy kopf kubernetes.aio.client prometheus_client pydantic \
  pydantic_settings requests rich structlog yaml

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export GENERATORS
export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV
# Container images often set it; then every process that a test starts compiles three clouds' SDKs anew.
unexport PYTHONDONTWRITEBYTECODE

# Tests that start programs wait for them: one process more than there are cores keeps all cores busy. Files stay in the
# order of collection, which is slow ones first. Each process starts an API server of its own: six of them are enough.
SIDE_BY_SIDE := --numprocesses=$(shell cores=$$(nproc); echo $$((cores < 5 ? cores + 1 : 6))) --dist=loadfile --no-loadscope-reorder

UV := .tools/uv/bin/uv
BIN := .venv/bin
PYTHON_PATH = "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
IMPORT_ALL := from importlib import import_module; import sys; [import_module(name) for name in sys.argv[1:]]
SOURCES := operator tests $(patsubst %/,%,$(dir $(firstword $(wildcard bench/*.py))))

# $(call step,what it is,command): one line; the command's own words only when it fails.
define step
@printf '%-58s' '$(strip $(1))' >&2; began=$$SECONDS; \
if said=$$( { $(2) ; } 2>&1 ); then printf 'ok %4s s\n' $$((SECONDS - began)) >&2; \
else printf 'FAILED\n%s\n' "$$said" >&2; exit 1; fi
endef

.PHONY: help setup demo lab bench-lab bench-latency bench-allocate bench-rest bench-scaling mutation test test-long check generate clean controlplane
.PHONY: check-lint check-format check-types check-imports check-lock check-installed check-lowest check-generated

help:
	@sed -n 's/^#   //p' Makefile

# --- setting up -------------------------------------------------------------------------------------------------------

setup: .venv/.made
	@:

# A python3 that is old or lacks venv is the one thing that we cannot install.
.tools/uv-$(UV_VERSION).made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing), and 3.11 or newer is needed:" \
	    "install one and name it, as in: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module. Debian and Ubuntu keep it in a package of its own: apt-get install" \
	    "$$($(PYTHON) -c 'import sys; print("python3.%d-venv" % sys.version_info[1])') (or python3-venv)" >&2; exit 1; }
	@rm -rf .tools/uv .tools/uv-*.made
	$(call step,uv $(UV_VERSION) into .tools/uv,$(PYTHON) -m venv .tools/uv && \
	  .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION))
	@touch $@

.venv/.made: .tools/uv-$(UV_VERSION).made pyproject.toml uv.lock
	$(call step,packages of uv.lock into .venv,$(UV) sync --frozen \
	  --python $(PYTHON_PATH))
	@touch $@

# The first build takes minutes and shows its own progress; later it only looks.
controlplane: setup
	@$(BIN)/python -m multicloud_lab.controlplane build >/dev/null

# --- trying -----------------------------------------------------------------------------------------------------------

demo: setup
	@$(BIN)/multicloud demo $(ARGS)

lab: setup
	@$(BIN)/multicloud lab $(ARGS)

# --- testing ----------------------------------------------------------------------------------------------------------

test: controlplane
	@$(BIN)/python -m pytest -m 'not long' $(SIDE_BY_SIDE) --durations=10 $(ARGS)

test-long: controlplane
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) --full $(if $(SEED),--seed=$(SEED)) $(ARGS)

# --- measuring --------------------------------------------------------------------------------------------------------

bench-lab: setup
	@$(BIN)/python -m bench.lab $(ARGS)

bench-latency: controlplane
	@PYTHONPATH=tests $(BIN)/python -m bench.latency $(ARGS)

bench-allocate: setup
	@PYTHONPATH=tests $(BIN)/python -m bench.allocate $(ARGS)

bench-rest: setup
	@PYTHONPATH=tests $(BIN)/python -m bench.rest $(ARGS)

bench-scaling: setup
	@$(BIN)/python -m bench.scaling $(ARGS)

# mutmut brings a terminal interface and a parser along: only for this, so it is no dependency of the project.
mutation: setup
	@$(UV) run --frozen --with mutmut==3.8.1 python -m bench.mutation $(ARGS)

# --- checking ---------------------------------------------------------------------------------------------------------

# Goes on after a failure: one run names everything that is wrong. Two at a time: the types keep one
# core busy for a minute.
check: setup
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target check-types check-lint \
	  check-format check-imports check-lock check-installed check-lowest check-generated

check-lint: setup
	$(call step,lint,$(BIN)/ruff check $(SOURCES))

check-format: setup
	$(call step,format,$(BIN)/ruff format --check $(SOURCES))

check-types: setup
	$(call step,types,$(BIN)/mypy $(SOURCES))

check-imports: setup
	$(call step,import contracts,$(BIN)/lint-imports --no-logo)

check-lock: setup
	$(call step,uv.lock agrees with pyproject.toml,$(UV) lock --check)

check-installed: setup
	$(call step,installed packages agree with each other,$(UV) pip check --python .venv)

check-lowest: .tools/lowest/.made
	$(call step,every SDK in its lowest version can be imported,\
	  .tools/lowest/bin/python -c '$(IMPORT_ALL)' $(LOWEST_IMPORTS))
	$(call step,tests with the lowest versions,.tools/lowest/bin/python -m pytest -m 'not long' -p no:cacheprovider --numprocesses=2 \
	  $(wildcard $(LOWEST_TESTS)))

check-generated: setup
	$(call step,generated files are up to date,while read -r generator; do \
	  $(BIN)/python -m $${generator/MODE/--check} || wrong=1; done <<<"$$GENERATORS"; exit $${wrong:-0})

generate: setup
	$(call step,generated files,while read -r generator; do \
	  $(BIN)/python -m $${generator/MODE/--write} || wrong=1; done <<<"$$GENERATORS"; exit $${wrong:-0})

# The lowest direct versions that pyproject.toml allows, in an environment of their own.
.tools/lowest/.made: .tools/uv-$(UV_VERSION).made pyproject.toml
	$(call step,lowest versions into .tools/lowest,rm -rf .tools/lowest && \
	  $(UV) venv --quiet --python $(PYTHON_PATH) .tools/lowest && \
	  $(UV) pip compile --quiet --resolution lowest-direct --group dev --python .tools/lowest pyproject.toml \
	    --output-file .tools/lowest/requirements.txt && \
	  $(UV) pip sync --quiet --python .tools/lowest .tools/lowest/requirements.txt && \
	  $(UV) pip check --python .tools/lowest)
	@touch $@

# --- cleaning ---------------------------------------------------------------------------------------------------------

# The control plane's programs stay in ~/.cache/multicloud: building them takes minutes, and other clones use them.
clean:
	@rm -rf .venv .tools .work dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find operator tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
