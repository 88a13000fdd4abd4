# The commands of developers. Each can be repeated safely; `make help` lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test lint bench coverage env openapi asyncapi setup

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A build with an empty target folder compiles more than 400 crates; `make run` and `make test` share them.
BUILD_NOTE = if [ -e target/debug/deps ]; then \
	echo "2/3 Building: about a minute on two cores after a change" >&2; \
	else echo "2/3 Building more than 400 crates: about 6 minutes on two cores, only the first time" >&2; fi

# `cargo run` replaces itself with the service, so that signals reach it and no process is left when make ends.
run: ## Build, start with demo data, print address, tokens and curl lines
	@echo "1/3 Looking for missing packages (PostgreSQL, curl): seconds, a minute if some are installed" >&2
	@scripts/setup
	@$(BUILD_NOTE)
	@cargo build --locked
	@echo "3/3 Starting PostgreSQL, migrating, creating demo data: about 5 seconds" >&2
	@cargo run --quiet --locked -- serve --demo

test: ## Run the whole test suite
	@echo "1/3 Looking for missing packages (PostgreSQL, Redis, Node.js, Python): seconds, minutes if some are installed" >&2
	@scripts/setup --test
	@$(BUILD_NOTE)
	@cargo test --locked --workspace --no-run
	@echo "3/3 Testing: about 7 minutes on two cores" >&2
	cargo test --locked --workspace

lint: ## Check the format, and lint with warnings as errors
	@cargo fmt --version >/dev/null 2>&1 || { echo "make lint needs rustfmt: rustup component add rustfmt" >&2; exit 1; }
	@cargo clippy --version >/dev/null 2>&1 || { echo "make lint needs clippy: rustup component add clippy" >&2; exit 1; }
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

bench: ## Run the benchmarks
	@scripts/setup --test
	cargo bench --locked

coverage: ## Run the tests and fail below 80 % of lines covered
	@scripts/setup --test
	@cargo llvm-cov --version >/dev/null 2>&1 || { \
		echo "make coverage needs: cargo install cargo-llvm-cov && rustup component add llvm-tools" >&2; exit 1; }
	cargo llvm-cov --locked --workspace --fail-under-lines 80

# Written to a new file and moved, so that a failed build does not leave an empty file.
env: ## Generate .env.example from the code
	@cargo run --quiet --locked -- config --example > .env.example.new && mv .env.example.new .env.example

openapi: ## Generate openapi.yaml from the code
	@cargo run --quiet --locked -- openapi > openapi.yaml.new && mv openapi.yaml.new openapi.yaml

asyncapi: ## Generate asyncapi.yaml from the code
	@cargo run --quiet --locked -- asyncapi > asyncapi.yaml.new && mv asyncapi.yaml.new asyncapi.yaml

setup: ## Install missing system packages (run and test do this automatically)
	@scripts/setup --test
