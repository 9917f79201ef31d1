# The doors to the project. `make help` lists them.

TARGET := wasm32-wasip1
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BUILT := $(TARGET_DIR)/$(TARGET)/release
# What modules are built from, besides their sources.
BUILT_FROM := Cargo.toml Cargo.lock rust-toolchain.toml .cargo/config.toml
SOURCES := $(shell find src json-view/src -name '*.rs') json-view/Cargo.toml $(BUILT_FROM)

# Modules are built by the flags in .cargo/config.toml, which those of an environment would take the place of. One more keeps
# the home of whoever builds out of the module, which panics would name: everybody gets the same bytes.
CARGO_HOME ?= $(HOME)/.cargo
NO_HOME := target.$(TARGET).rustflags = ["--remap-path-prefix=$(CARGO_HOME)/registry/src=/crates"]
WASM_CARGO := env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS cargo --config '$(NO_HOME)'

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

# Kubewarden's tool for authors of policies.
KWCTL ?= kwctl

# A version of Kubernetes that e2e-tests/control-plane pins besides the newest one, such as 1.34.4.
KUBERNETES ?=
# The folder of the control plane, which `make control-plane` fills.
CONTROL_PLANE ?= $(abspath $(TARGET_DIR))/control-plane$(addprefix -,$(KUBERNETES))
# The folder in which `make e2e-tests` looks for a control plane. Programs that it lacks are looked for on the PATH.
KUBEBUILDER_ASSETS ?= $(wildcard $(CONTROL_PLANE))
# The suites that `make e2e-tests` runs, all by default, and the module that they try, by default the one built here.
SUITES ?=
POLICY ?=

# How often `make soak` asks.
EVALUATIONS ?= 1000000

.DEFAULT_GOAL := help

.PHONY: help
help: ## List these targets
	@sed -n 's/^\([a-z0-9.-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

.PHONY: run
run: policy.wasm host ## Judge examples/, or your own: make run FILE=pod.yaml SETTINGS=settings.yaml
ifeq ($(FILE),)
	@# Most examples are there to be denied (1); anything else that is not success is an error.
	@$(HOST) $(SETTINGS_FLAG) $(EXAMPLES) || [ $$? -eq 1 ]
	@echo
	@$(HOST) --settings examples/policies/fix-mutating.yaml examples/fix/nginx.yaml
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

# Makes what it needs by itself, which depends on what is installed.
.PHONY: e2e-tests
e2e-tests: ## Try the module in Kubewarden's programs and a cluster, as far as they are installed
	@KWCTL=$(KWCTL) HOST=$(TARGET_DIR)/debug/immutable-pods-host KUBEBUILDER_ASSETS=$(KUBEBUILDER_ASSETS) POLICY=$(POLICY) \
		e2e-tests/run $(SUITES)

.PHONY: control-plane
control-plane: ## Build the control plane for e2e-tests, 20 minutes the first time; needs Go
	e2e-tests/control-plane/build $(CONTROL_PLANE) $(KUBERNETES)

.PHONY: bounds
bounds: policy.wasm ## Show what the largest requests cost, in every shape that somebody might think of
	BOUNDS=full cargo test --locked --test engine bounds:: -- --nocapture

.PHONY: soak
soak: policy.wasm ## Ask the policy over and over, and watch its memory: make soak EVALUATIONS=1000000
	cargo bench --locked --bench soak -- $(EVALUATIONS)

policy.wasm: $(SOURCES) | toolchain ## Build the module
	$(WASM_CARGO) rustc --locked --release --lib --crate-type cdylib --target $(TARGET)
	$(call shrink,$(BUILT)/immutable_pods_policy.wasm)

annotated-policy.wasm: policy.wasm metadata.yml README.md ## Add the metadata that policy servers ask for; needs kwctl
	$(KWCTL) annotate --metadata-path metadata.yml --usage-path README.md --output-path $@ policy.wasm

.PHONY: reproduce
reproduce: policy.wasm ## Build the module again in another place, and compare
	scripts/reproduce

.PHONY: release-check
release-check: ## Check what names the version: make release-check VERSION=v1.2.3
	@scripts/release-check "$(VERSION)"

# The crates of the module, without those of tests and tools. cargo-cyclonedx writes a file into each package.
policy-sbom.cdx.json: Cargo.toml Cargo.lock ## List what the module is made of; needs cargo-cyclonedx
	cargo cyclonedx --format json --target $(TARGET) --override-filename policy-sbom.cdx
	rm -f host/$@ benches/*/$@

# The date is that of the last change, so it may differ.
.PHONY: check-artifacthub
check-artifacthub: ## Compare artifacthub-pkg.yml with what kwctl makes; needs kwctl
	$(KWCTL) scaffold artifacthub --metadata-path metadata.yml --questions-path questions-ui.yml --output /dev/stdout | \
		diff --ignore-matching-lines='^createdAt: ' artifacthub-pkg.yml -

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

# For how many seconds each fuzz target runs.
TIME ?= 60

.PHONY: fuzz
fuzz: ## Look for requests that break the policy, which takes a nightly compiler: make fuzz TIME=600
	fuzz/run $(TIME)

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all
	cargo fmt $(FUZZ)
	rustfmt --edition 2024 $(RULES)

.PHONY: lint
lint: ## Check format and lints
	cargo fmt --all --check
	cargo fmt $(FUZZ) --check
	rustfmt --edition 2024 --check $(RULES)
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	@# What `make bench` does not run is none of all targets.
	cargo clippy --locked --bench soak -- --deny warnings
	cargo clippy --locked $(FUZZ) --target-dir $(or $(CARGO_TARGET_DIR),target)/fuzz -- --deny warnings
	@$(call where_installed,shellcheck,.ci/run scripts/* e2e-tests/run e2e-tests/control-plane/build)
	@$(call where_installed,actionlint)
	@$(call where_installed,zizmor,--quiet --offline .github)

# The fuzz targets are a workspace of their own.
FUZZ := --manifest-path fuzz/Cargo.toml

# Linters of what is not Rust.
where_installed = if command -v $(1) > /dev/null; then $(1) $(2); else echo "$(1) is not installed, and was skipped"; fi

# rustfmt does not follow modules that a macro declares.
RULES := $(wildcard src/rules/*.rs)

.PHONY: clean
clean: ## Remove everything that was built
	cargo clean
	rm -f policy.wasm floor.wasm typical.wasm annotated-policy.wasm policy-sbom.cdx.json
