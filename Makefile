# `make` or `make help` lists what there is. Everything a target needs is checked by scripts/setup first.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export COURIER_TOOLS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/courier/tools
export PATH := $(COURIER_TOOLS)/bin:$(PATH)
target := $(or $(CARGO_TARGET_DIR),target)

# One set of packages and features for every cargo command, so that each dependency is compiled once.
all := --locked --workspace --all-features

# The benchmark's own program, outside the workspace.
delay_line := bench/delay-line/Cargo.toml

# The console's bundle, which the binary embeds, and all that it is made of. Folders are in it, too: they are newer where a
# file is gone.
bundle := console/dist/index.html
bundle_of := $(shell find console/src console/public) $(addprefix console/,index.html package-lock.json postcss.config.js vite.config.ts)

# Of the workspace, and of what is built apart from it.
locks = $(shell git ls-files '*Cargo.lock')

.PHONY: help build run test lint console pictures soak fuzz bench bench-jobs bench-history fmt clean
.PHONY: check-format check-locks check-licences check-console check-code check-tests check-browser check-docs

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the optimised binary with the console in it: target/release/courier
	@scripts/setup build
	@$(MAKE) $(bundle)
	cargo build --locked --release -p courier

run: ## build, and watch files move: `courier demo`
	@scripts/setup build
	@$(MAKE) $(bundle)
	cargo build $(all) --bin courier
	@exec $(target)/debug/courier demo

test: ## everything that must be true before a change goes in
	@scripts/setup test
	@for stage in format locks licences console code tests browser docs; do $(MAKE) check-$$stage; done

lint: ## the part of `make test` that compiles nothing to run
	@scripts/setup test
	@for stage in format locks licences console code; do $(MAKE) check-$$stage; done

console: ## the console beside a server that runs, with changes seen at once; COURIER_SERVER=http://127.0.0.1:8440
	@scripts/setup build
	npm run --prefix console dev

pictures: ## take the pictures of the console in docs/pictures anew
	@scripts/setup test
	@$(MAKE) $(bundle)
	cargo build $(all) --bin courier
	COURIER_BIN=$(abspath $(target))/debug/courier npm run --prefix console pictures

soak: ## kill everything in mid-transfer, twenty times each; SOAK_ROUNDS=5 SOAK_MIB=256 SOAK_FILES=1000 SOAK_SEED=7 SOAK_ARGS="-E 'test(nodes)'"
	@scripts/setup test
	COURIER_SOAK_ROUNDS=$(SOAK_ROUNDS) COURIER_SOAK_MIB=$(SOAK_MIB) COURIER_SOAK_FILES=$(SOAK_FILES) \
	  $(if $(SOAK_SEED),COURIER_SOAK_SEED=$(SOAK_SEED)) \
	  cargo nextest run --locked -p courier --all-features --profile soak $(SOAK_ARGS)

SOAK_ROUNDS ?= 20
SOAK_MIB ?= 64
SOAK_FILES ?= 10000

fuzz: ## feed nonsense to what reads foreign bytes; FUZZ_SECONDS=600 FUZZ_TARGETS=key_files
	@scripts/setup fuzz
	@for name in $(FUZZ_TARGETS); do \
	  printf '\n== %s, %s seconds\n' $$name $(FUZZ_SECONDS); \
	  mkdir -p fuzz/corpus/$$name; \
	  cargo fuzz run --sanitizer none $$name fuzz/corpus/$$name fuzz/seeds/$$name -- \
	    -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=512 -timeout=10 -verbosity=0 $(FUZZ_ARGS); \
	done

FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))

bench: ## Courier and today's clients side by side; BENCH_ARGS="--only sftp-up,ftp-wan-up --rounds 1"
	@scripts/setup bench
	cargo build --locked --release -p courier
	cargo build --locked --release --manifest-path $(delay_line) --target-dir $(target)
	@python3 bench/bench.py --courier $(target)/release/courier --delay-line $(target)/release/delay-line $(BENCH_ARGS)

bench-jobs: ## how soon jobs begin, how many fit into a minute, what idle schedules cost; BENCH_ARGS="--only burst"
	@scripts/setup test
	cargo build --locked --release -p courier
	@python3 bench/jobs.py --courier $(target)/release/courier $(BENCH_ARGS)

bench-history: ## what ten million pulled files cost; BENCH_ARGS="--databases sqlite"
	@scripts/setup test
	cargo build --locked --release -p courier-store --example history
	@python3 bench/history.py --program $(target)/release/examples/history $(BENCH_ARGS)

fmt: ## format the sources
	@scripts/setup build
	cargo fmt --all
	cargo fmt --manifest-path $(delay_line)
	npm run --prefix console format

clean: ## remove what was built
	cargo clean
	rm -rf console/dist

$(bundle): $(bundle_of)
	npm run --prefix console build

# ---- the stages of `make test`, cheap ones first

heading = @printf '\n== %s\n' "$(1)"

check-format:
	$(call heading,format)
	cargo fmt --all -- --check
	cargo fmt --manifest-path $(delay_line) -- --check

check-locks:
	$(call heading,lock files: the public registries and nothing else)
	scripts/check-locks

check-licences:
	$(call heading,licences$(comma) banned crates$(comma) sources)
	@for lock in $(locks); do \
	  cargo deny --log-level error --locked --manifest-path $${lock%.lock}.toml check licenses bans sources; \
	done
	console/scripts/licences.mjs

check-console:
	$(call heading,console: style$(comma) types$(comma) unit tests$(comma) bundle)
	npm run --prefix console check
	npm run --prefix console test
	@$(MAKE) $(bundle)
	console/scripts/size.mjs

check-code:
	$(call heading,clippy)
	cargo clippy $(all) --all-targets -- -D warnings
	cargo clippy --locked --manifest-path $(delay_line) --target-dir $(target) -- -D warnings

check-tests:
	$(call heading,tests)
	cargo nextest run $(all) --profile ci
	cargo test $(all) --doc --quiet

check-browser:
	$(call heading,the console in a browser)
	cargo build $(all) --bin courier
	COURIER_BIN=$(abspath $(target))/debug/courier npm run --prefix console browser

check-docs:
	$(call heading,documentation)
	RUSTDOCFLAGS='-D warnings' cargo doc $(all) --no-deps

comma := ,
