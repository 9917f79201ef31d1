# The doors to the project. `make help` lists them.

TARGET := wasm32-wasip1
BUILT := $(or $(CARGO_TARGET_DIR),target)/$(TARGET)/release
# What modules are built from, besides their sources.
BUILT_FROM := Cargo.toml Cargo.lock rust-toolchain.toml .cargo/config.toml
SOURCES := $(shell find src -name '*.rs') $(BUILT_FROM)

# Modules are built by the flags in .cargo/config.toml, which those of an environment would take the place of.
WASM_CARGO := env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS cargo

# Binaryen's optimiser makes modules a seventh smaller. Where it is missing, or too old to read them, they stay as the
# compiler makes them.
WASM_OPT ?= wasm-opt
WASM_FEATURES := --enable-bulk-memory --enable-multivalue --enable-mutable-globals --enable-nontrapping-float-to-int \
	--enable-reference-types --enable-sign-ext --enable-simd

define shrink
@$(WASM_OPT) $(WASM_FEATURES) -Oz --converge $(1) --output $@ 2>/dev/null || \
	{ cp $(1) $@ && echo "wasm-opt does not run: $@ is larger than it could be, and works as well"; }
endef

# What `make run` judges, and by which settings.
FILE ?=
SETTINGS ?=
# What registries say, recorded by kwctl.
REPLAY ?=

# How often `make soak` asks.
EVALUATIONS ?= 1000000

.DEFAULT_GOAL := help

.PHONY: help
help: ## List these targets
	@sed -n 's/^\([a-z.-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

.PHONY: run
run: policy.wasm host ## Judge examples/, or your own: make run FILE=pod.yaml SETTINGS=settings.yaml
ifeq ($(FILE),)
	@# Most examples are there to be denied (1); anything else that is not success is an error.
	@$(HOST) $(SETTINGS_FLAG) $(EXAMPLES) || [ $$? -eq 1 ]
	@echo
	@$(HOST) --settings examples/fix/mutating.yaml examples/fix/nginx.yaml
	@echo
	@$(HOST) --settings examples/registry/policy.yaml \
		--replay-host-capabilities-interactions examples/registry/recording.kwctl examples/registry/nginx.yaml
else
	@$(HOST) $(SETTINGS_FLAG) $(REPLAY_FLAG) $(FILE)
endif

EXAMPLES := examples/nginx examples/httpd examples/everything-wrong.yaml

HOST = cargo run --locked --quiet --package immutable-pods-host -- --policy policy.wasm --show-fixes
SETTINGS_FLAG = $(if $(SETTINGS),--settings $(SETTINGS))
REPLAY_FLAG = $(if $(REPLAY),--replay-host-capabilities-interactions $(REPLAY))

# Apart from `cargo run`, so that a build shows its progress and the verdicts stand alone.
.PHONY: host
host:
	@cargo build --locked --package immutable-pods-host

.PHONY: test
test: policy.wasm floor.wasm ## Run every test, on the module that policy servers load
	cargo test --locked --workspace

.PHONY: bounds
bounds: policy.wasm ## Show what the largest requests cost, in every shape that somebody might think of
	BOUNDS=full cargo test --locked --test engine bounds:: -- --nocapture

.PHONY: soak
soak: policy.wasm ## Ask the policy over and over, and watch its memory: make soak EVALUATIONS=1000000
	cargo bench --locked --bench soak -- $(EVALUATIONS)

policy.wasm: $(SOURCES) | toolchain ## Build the module
	$(WASM_CARGO) build --locked --release --lib --target $(TARGET)
	$(call shrink,$(BUILT)/immutable_pods_policy.wasm)

annotated-policy.wasm: policy.wasm metadata.yml README.md ## Add the metadata that policy servers ask for; needs kwctl
	kwctl annotate --metadata-path metadata.yml --usage-path README.md --output-path $@ policy.wasm

# The toolchain that rust-toolchain.toml names, and the target that a fresh rustup lacks.
.PHONY: toolchain
toolchain:
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET) || rustup toolchain install

.PHONY: bench
bench: policy.wasm floor.wasm typical.wasm ## Measure what requests cost, and write it into the README
	cargo bench --locked

floor.wasm typical.wasm: %.wasm: benches/%/src/lib.rs benches/%/Cargo.toml $(BUILT_FROM) | toolchain
	$(WASM_CARGO) build --locked --release --package $* --target $(TARGET)
	$(call shrink,$(BUILT)/$@)

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all
	rustfmt --edition 2024 $(RULES)

.PHONY: lint
lint: ## Check format and lints
	cargo fmt --all --check
	rustfmt --edition 2024 --check $(RULES)
	cargo clippy --locked --workspace --all-targets -- --deny warnings

# rustfmt does not follow modules that a macro declares.
RULES := $(wildcard src/rules/*.rs)

.PHONY: clean
clean: ## Remove everything that was built
	cargo clean
	rm -f policy.wasm floor.wasm typical.wasm annotated-policy.wasm
