# The commands of developers. Each can be repeated safely; `make help` lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test lint bench coverage env openapi asyncapi setup

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# `cargo run` replaces itself with the service, so that signals reach it and no process is left when make ends.
run: ## Build, start with demo data, print address, tokens and curl lines
	@scripts/setup
	@cargo run --locked -- serve --demo

test: ## Run the whole test suite
	@scripts/setup --test
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
