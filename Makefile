# Slipway. `make` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
STACK ?= dev
WORKERS ?= 2
# Pulumi's SDK loads in a third of the time from compiled modules.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv up down preview test test-docker lint format types unit docs bench lock mutation

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(INSTALLED) ## make the virtual environment from the lock file

$(INSTALLED): requirements.txt pyproject.toml bin/make-venv
	@bin/make-venv "$(PYTHON)" "$(VENV)"

up: $(INSTALLED) ## run the whole stack on this machine and submit the sample job
	@$(BIN)/slipway up

down: $(INSTALLED) ## end all that `make up` started
	@$(BIN)/slipway down

preview: $(INSTALLED) ## show what a first `pulumi up` of STACK (dev) would make, and the policy pack's verdict
	@$(BIN)/slipway preview --stack $(STACK)

.PHONY: pulumi-up pulumi-preview pulumi-down doctor workflows
# The local stack has nothing to hide: its passphrase only has to be the same each time.
pulumi-up: $(INSTALLED) ## deploy the local stack with the real Pulumi CLI, on this machine's sandbox
	@PULUMI_CONFIG_PASSPHRASE=slipway-local $(BIN)/slipway pulumi up $(ARGS)

pulumi-preview: $(INSTALLED) ## preview it with the real CLI; ARGS are further options of the CLI
	@PULUMI_CONFIG_PASSPHRASE=slipway-local $(BIN)/slipway pulumi preview $(ARGS)

pulumi-down: $(INSTALLED) ## destroy it with the real CLI, and see that nothing is left behind
	@PULUMI_CONFIG_PASSPHRASE=slipway-local $(BIN)/slipway pulumi down $(ARGS)

doctor: $(INSTALLED) ## look whether machine and account are ready for a first deployment of STACK
	@$(BIN)/slipway doctor --stack $(STACK)

test: lint workflows types unit ## lint, format check, workflows, types and every test

lint: $(INSTALLED) ## ruff: lint and format check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

workflows: $(INSTALLED) ## zizmor: what the workflows let in
	@$(BIN)/zizmor --offline --quiet .github

format: $(INSTALLED) ## ruff: mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(INSTALLED) ## pyright, strict
	@$(BIN)/pyright --warnings

unit: $(INSTALLED) ## pytest: unit, contract, function, policy, sandbox end-to-end and browser tests
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile

# `optional` skips the tests with a reason where something is missing; 1 fails.
SLIPWAY_TEST_DOCKER ?= 1
test-docker: $(INSTALLED) ## the real thing: a Docker engine builds, pushes, runs and promotes an arm64 image
	@SLIPWAY_TEST_DOCKER=$(SLIPWAY_TEST_DOCKER) bin/docker-engine run $(BIN)/pytest -rs tests/docker

docs: $(INSTALLED) ## write the generated tables of the documentation
	@$(BIN)/python -m docs.tables
	@$(BIN)/python -m policy.guardrails.docs

mutation: $(INSTALLED) ## mutation testing of the policy pack's rules; takes hours
	@$(BIN)/mutmut run

bench: $(INSTALLED) ## measure how fast it is and print it as a table
	@$(BIN)/python -m bench

lock: $(INSTALLED) ## resolve pyproject.toml anew into requirements.txt
	@$(BIN)/uv pip compile pyproject.toml --group local --group dev --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --universal --python-version 3.11 --quiet --output-file requirements.txt
