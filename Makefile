# `make` alone lists the targets. Needs a Rust tool chain; `deps`, which the others call, installs the rest.

CARGO ?= cargo
# The directory whose files the demo works on: make run DIR="$HOME/some where". Default: what git tracks here.
DIR ?=
ROUNDS ?= 10
SECONDS ?= 60
RUNS ?= 9
KILLS ?= 200
SEED ?=
# The program steward. Its tests show what would happen without fuses.
CLI = -p steward-cli --features no-fuse
export DIR
# Of `make install`.
PREFIX ?= /usr/local
MODULEDIR ?= $(PREFIX)/lib/steward
DESTDIR ?=

.PHONY: help deps build cli install uninstall run stop test long test-web screenshots lint chaos fuzz matrix suites bench \
    rivals budget docs deny packages test-packages dist clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 20

deps: ## install what is missing: a Redis or Valkey server, clang
	@scripts/deps

build: deps ## build the module: target/release/libsteward.so
	$(CARGO) build --release --locked

cli: deps ## build the program steward: target/release/steward
	$(CARGO) build --release --locked -p steward-cli

install: ## install what `make build cli` has built (PREFIX=/usr/local DESTDIR= MODULEDIR=PREFIX/lib/steward)
	@PREFIX="$(PREFIX)" MODULEDIR="$(MODULEDIR)" DESTDIR="$(DESTDIR)" scripts/install

uninstall: ## remove it again
	@PREFIX="$(PREFIX)" MODULEDIR="$(MODULEDIR)" DESTDIR="$(DESTDIR)" scripts/install --uninstall

run: build ## start a server with the module, run the demo on it and leave it running (DIR=... its files)
	@status=0; demo/run "$$DIR" || status=$$?; scripts/server hint; exit $$status

stop: ## stop the server that `make run` left running
	@scripts/server stop

lint: ## check format and lints; a warning is an error
	@scripts/deps --dev
	$(CARGO) fmt --all --check
	$(CARGO) fmt --check --manifest-path bench/Cargo.toml
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets $(CLI) -- -D warnings
	$(CARGO) clippy --locked --all-targets --manifest-path bench/Cargo.toml -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --quiet --locked --no-deps --document-private-items
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --quiet --locked --no-deps --document-private-items -p steward-cli

test: lint ## lint, unit tests, and tests against a real server, of the libraries for Python and Node too
	$(CARGO) test --locked
	$(CARGO) test --locked $(CLI)
	scripts/python
	scripts/node

long: ## the tests of the program steward that take minutes: kills, cuts, figures (ARGS=--release for those to compare)
	@scripts/deps --dev
	$(CARGO) test --locked $(CLI) $(ARGS) --test cli -- --ignored --nocapture --test-threads=1
	scripts/python --long
	scripts/node --long

test-web: ## all tests of the pages of `steward web`, in a real browser too
	@scripts/deps --dev
	$(CARGO) test --locked $(CLI) --test cli -- web:: --include-ignored

screenshots: ## take the pictures of the pages that are in the manual
	@scripts/deps --dev
	STEWARD_SCREENSHOTS="$(CURDIR)/docs/images" $(CARGO) test --locked $(CLI) --test cli -- web::browser::pictures --ignored

chaos: ## kill and replace servers under load for ROUNDS=10 rounds, and check what each promised (SEED=n repeats one)
	@scripts/deps --dev
	STEWARD_ROUNDS=$(ROUNDS) STEWARD_SEED=$(SEED) $(CARGO) test --locked --test server -- chaos::rounds::many --ignored --nocapture

fuzz: ## hostile calls for SECONDS=60 against a module with AddressSanitizer (SEED=n repeats them)
	@scripts/deps --dev
	STEWARD_SEED=$(SEED) scripts/fuzz $(SECONDS)

matrix: ## the server tests on each version of Redis and Valkey and with io-threads: a table (ARGS=part of test names)
	@scripts/deps --dev
	scripts/matrix $(ARGS)

suites: build ## Redis's own tests with the module in every server, against a run without (ARGS="--single unit/expire")
	scripts/suites $(ARGS)

bench: build ## measure CPU, memory and lateness against streams, Lua and beanstalkd (ARGS=--quick ...)
	@scripts/deps --rivals
	$(CARGO) run --release --locked --manifest-path bench/Cargo.toml -- --module "$$(scripts/server module)" $(ARGS)

rivals: build ## measure against Celery, dramatiq, RQ, BullMQ, streams and beanstalkd (RUNS=9 KILLS=200)
	@scripts/deps --rivals
	scripts/python --bench $(RUNS) $(KILLS)
	scripts/node --bench $(RUNS) $(KILLS)
	for section in cpu beanstalkd; do \
		$(CARGO) run --release --locked --manifest-path bench/Cargo.toml -- --module "$$(scripts/server module)" --only $$section || exit; \
	done

budget: build ## count instructions of commands; fail above bench/budget.tsv (ARGS="--rounds 1")
	@scripts/deps --valgrind
	$(CARGO) run --release --locked --manifest-path bench/Cargo.toml -- budget --module "$$(scripts/server module)" $(ARGS)

docs: ## build the manual as a book, book/index.html, with mdbook, which it installs
	@mdbook --version >/dev/null 2>&1 || $(CARGO) install --locked mdbook
	mdbook build

deny: ## check the licences and sources of all dependencies with cargo-deny, which it installs
	@cargo deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check licenses bans sources
	$(CARGO) deny --manifest-path bench/Cargo.toml check licenses bans sources

packages: build cli ## make the Debian packages steward and steward-module in target/packages
	@scripts/deps --packages
	scripts/packages

test-packages: build cli ## install, start, upgrade, remove and purge them in a fresh Debian, and build the container's image there; as root
	@scripts/deps --packages
	scripts/test-packages

dist: build cli ## make the files of a release in target/dist: archives, packages, checksums, licences, bills of materials
	@scripts/deps --dist
	scripts/dist

clean: ## stop the server; remove it, its data and what was built
	@scripts/server stop
	rm -rf run
	$(CARGO) clean
	$(CARGO) clean --manifest-path bench/Cargo.toml
