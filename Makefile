# Tasks of the project. `make help` lists them.

TARGET := wasm32-wasip1
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BUILT := $(TARGET_DIR)/$(TARGET)/release
# Inputs of a module build, besides its sources.
BUILT_FROM := Cargo.toml Cargo.lock rust-toolchain.toml .cargo/config.toml
SOURCES := $(shell find src json-view/src -name '*.rs') json-view/Cargo.toml $(BUILT_FROM)

# Modules are built with the flags in .cargo/config.toml, which RUSTFLAGS would replace. The additional flag keeps the path of
# Cargo's home out of panic messages, so that a build has the same bytes on every machine.
CARGO_HOME ?= $(HOME)/.cargo
NO_HOME := target.$(TARGET).rustflags = ["--remap-path-prefix=$(CARGO_HOME)/registry/src=/crates"]
WASM_CARGO := env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS cargo --config '$(NO_HOME)'

# Manifests and settings for `make run`.
FILE ?=
SETTINGS ?=
# Registry responses for `make run`, recorded by kwctl.
REPLAY ?=

# Kubewarden's command-line tool.
KWCTL ?= kwctl

# An older Kubernetes version that e2e-tests/control-plane pins, such as 1.34.4. Default: the newest.
KUBERNETES ?=
# Output folder of `make control-plane`.
CONTROL_PLANE ?= $(abspath $(TARGET_DIR))/control-plane$(addprefix -,$(KUBERNETES))
# Folder with the control plane for `make e2e-tests`. Programs that are not in the folder come from the PATH.
KUBEBUILDER_ASSETS ?= $(wildcard $(CONTROL_PLANE))
# Suites that `make e2e-tests` runs (default: all), and the module that they test (default: the one built here).
SUITES ?=
POLICY ?=

# Number of evaluations of `make soak`.
EVALUATIONS ?= 1000000

.DEFAULT_GOAL := help

.PHONY: help
help: ## List these targets
	@sed -n 's/^\([a-z0-9.-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

.PHONY: run
run: policy.wasm program ## Evaluate examples/, or your own: make run FILE=pod.yaml SETTINGS=settings.yaml
ifeq ($(FILE),)
	@# Most examples are denied (exit code 1). Every other failure is an error.
	@$(CHECK) $(SETTINGS_FLAG) $(EXAMPLES) || [ $$? -eq 1 ]
	@echo
	@$(CHECK) --policy examples/policies/fix-mutating.yaml examples/fix/nginx.yaml
	@echo
	@$(CHECK) --policy examples/registry/policy.yaml \
		--replay-host-capabilities-interactions examples/registry/recording.kwctl examples/registry/nginx.yaml
else
	@$(CHECK) $(SETTINGS_FLAG) $(REPLAY_FLAG) $(FILE)
endif

EXAMPLES := examples/nginx examples/httpd examples/everything-wrong.yaml

CHECK = $(PROGRAM) check --module policy.wasm --show-fixes --recursive
SETTINGS_FLAG = $(if $(SETTINGS),--policy $(SETTINGS))
REPLAY_FLAG = $(if $(REPLAY),--replay-host-capabilities-interactions $(REPLAY))

PROGRAM := $(TARGET_DIR)/debug/immutable-pods

# Without the client for `check --cluster`, which is a third of a first build. `cargo install` builds with the client.
.PHONY: program
program: ## Build the command-line program
	@cargo build --locked --package immutable-pods --no-default-features

# Platform of `make dist`, by default this machine. On Linux the program is static.
DIST_TARGET ?= $(patsubst %-linux-gnu,%-linux-musl,$(shell rustc --version --verbose | sed -n 's/^host: //p'))
# A program for this machine, if the one for the platform does not run here.
RUNNABLE ?=

.PHONY: dist
dist: ## Write a release archive of the program into dist/: make dist DIST_TARGET=aarch64-unknown-linux-musl
	@program=$$(scripts/dist/build $(DIST_TARGET)) && scripts/dist/archive $(DIST_TARGET) "$$program" $(RUNNABLE)

# Undefined imports of the module would not be an error on Linux, but on macOS and Windows.
.PHONY: link-check
link-check: ## Check that the program links without undefined symbols
	@cargo rustc --quiet --locked --package immutable-pods --bin immutable-pods -- -C link-arg=-Wl,-z,defs

.PHONY: test
test: policy.wasm floor.wasm ## Run all tests, on the module that policy servers load
ifneq ($(shell command -v cargo-nextest 2> /dev/null),)
	cargo nextest run --locked --workspace
	@# nextest does not run the examples in doc comments.
	cargo test --locked --workspace --doc
else
	cargo test --locked --workspace
endif

# Builds what it needs, depending on the installed programs.
.PHONY: e2e-tests
e2e-tests: ## Run the module in Kubewarden's programs and a cluster, if they are installed
	@KWCTL=$(KWCTL) PROGRAM=$(PROGRAM) KUBEBUILDER_ASSETS=$(KUBEBUILDER_ASSETS) POLICY=$(POLICY) \
		e2e-tests/run $(SUITES)

.PHONY: control-plane
control-plane: ## Build the control plane for e2e-tests (20 minutes the first time; needs Go)
	e2e-tests/control-plane/build $(CONTROL_PLANE) $(KUBERNETES)

.PHONY: bounds
bounds: policy.wasm ## Print the cost of the largest requests, in every known shape
	BOUNDS=full cargo test --locked --test engine bounds:: -- --nocapture

.PHONY: soak
soak: policy.wasm ## Evaluate requests repeatedly and check memory: make soak EVALUATIONS=1000000
	cargo bench --locked --bench soak -- $(EVALUATIONS)

policy.wasm: $(SOURCES) | toolchain ## Build the module
	$(WASM_CARGO) rustc --locked --release --lib --crate-type cdylib --target $(TARGET)
	@cp $(BUILT)/immutable_pods_policy.wasm $@

annotated-policy.wasm: policy.wasm metadata.yml README.md ## Add the metadata that policy servers require; needs kwctl
	$(KWCTL) annotate --metadata-path metadata.yml --usage-path README.md --output-path $@ policy.wasm

.PHONY: reproduce
reproduce: policy.wasm ## Build the module again in another folder, and compare the bytes
	scripts/reproduce

.PHONY: release-check
release-check: ## Check that all files have one version: make release-check VERSION=v1.2.3
	@scripts/release-check "$(VERSION)"

# Lists the crates of the module, without tests and tools. cargo-cyclonedx writes a file into each package.
policy-sbom.cdx.json: Cargo.toml Cargo.lock ## List the crates in the module; needs cargo-cyclonedx
	cargo cyclonedx --format json --target $(TARGET) --override-filename policy-sbom.cdx
	rm -f cli/$@ json-view/$@ site/playground/check/$@ testing/$@ testing/mutants/$@ xtask/$@ benches/*/$@

# On all platforms together.
immutable-pods-sbom.cdx.json: cli/Cargo.toml Cargo.lock ## List the crates in the program; needs cargo-cyclonedx
	cargo cyclonedx --format json --target all --override-filename immutable-pods-sbom.cdx
	mv cli/$@ $@
	rm -f json-view/$@ site/playground/check/$@ testing/$@ testing/mutants/$@ xtask/$@ benches/*/$@

# The date is the date of the last change, so it may differ. kwctl writes the provider and the chart of the Kubewarden project.
.PHONY: check-artifacthub
check-artifacthub: ## Compare artifacthub-pkg.yml with the output of kwctl; needs kwctl
	$(KWCTL) scaffold artifacthub --metadata-path metadata.yml --output /dev/stdout | \
		diff --ignore-matching-lines='^createdAt: ' --ignore-matching-lines='^  name: ' \
			--ignore-matching-lines='^- url: https://artifacthub.io/packages/helm/' artifacthub-pkg.yml -

CHART := charts/immutable-pods-policy

# `make e2e-tests SUITES=chart` tests what the chart renders.
.PHONY: chart
chart: ## Lint, render and package the Helm chart into target/chart; needs helm
ifeq ($(shell command -v helm 2> /dev/null),)
	@echo "skipped: helm is not installed"
else
	@mkdir -p $(TARGET_DIR)/chart
	helm lint --strict --quiet $(CHART)
	helm lint --strict --quiet --set policies=fix+deny $(CHART)
	helm template immutable-pods $(CHART) > $(TARGET_DIR)/chart/deny.yaml
	helm template immutable-pods $(CHART) --set policies=fix+deny > $(TARGET_DIR)/chart/fix+deny.yaml
	helm package --destination $(TARGET_DIR)/chart $(CHART)
endif

# Installs the toolchain in rust-toolchain.toml, and its WebAssembly target, if they are missing.
.PHONY: toolchain
toolchain:
	@rustup target list --installed | grep -qx $(TARGET) || rustup target add $(TARGET) || rustup toolchain install

.PHONY: bench
bench: policy.wasm floor.wasm typical.wasm ## Measure the cost of requests, and write docs/performance.md
	cargo bench --locked

.PHONY: bench-policy-server
bench-policy-server: policy.wasm floor.wasm typical.wasm ## Compare modules in a policy server, and send it many requests; needs wrk
	benches/policy_server/run $(MODULES)

floor.wasm typical.wasm: %.wasm: benches/%/src/lib.rs benches/%/Cargo.toml $(BUILT_FROM) | toolchain
	$(WASM_CARGO) build --locked --release --package $* --target $(TARGET)
	@cp $(BUILT)/$@ $@

# The command `check` for the playground of the site, which asks policy.wasm for verdicts.
site/playground/check.wasm: $(SOURCES) $(shell find cli site/playground/check -name '*.rs' -o -name Cargo.toml) | toolchain
	$(WASM_CARGO) rustc --locked --release --package playground-check --lib --crate-type cdylib --target $(TARGET)
	@cp $(BUILT)/playground_check.wasm $@

.PHONY: site
site: ## Build the documentation site in site/dist; needs Node 20
	@site/run build

.PHONY: site-test
site-test: ## Build the site and test it in a browser; needs Node 20 and Chromium
	@site/run test

# Seconds per fuzz target.
TIME ?= 60

.PHONY: fuzz
fuzz: ## Fuzz the policy; needs a nightly compiler: make fuzz TIME=600
	fuzz/run $(TIME)

.PHONY: mutants
mutants: ## Change the code in one place at a time, and list the changes that no test notices
	testing/mutants/run

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all
	cargo fmt $(FUZZ)

.PHONY: lint
lint: ## Check format, lints and spelling
	cargo fmt --all --check
	cargo fmt $(FUZZ) --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	@# --all-targets skips a benchmark with bench = false.
	cargo clippy --locked --bench soak -- --deny warnings
	cargo clippy --locked $(FUZZ) --target-dir $(or $(CARGO_TARGET_DIR),target)/fuzz -- --deny warnings
ifeq ($(shell uname),Linux)
	@$(MAKE) --no-print-directory link-check
endif
	@$(call if_installed,shellcheck,.ci/run $(shell find scripts -type f) site/run site/lint testing/mutants/run benches/policy_server/run e2e-tests/newcomer e2e-tests/release-stub e2e-tests/run e2e-tests/control-plane/build)
	@$(call if_installed,actionlint)
	@$(call if_installed,zizmor,--quiet --offline .github action.yml)
	@$(call if_installed,helm,lint --strict --quiet $(CHART))
	@$(call if_installed,typos)
	@$(call if_installed,lychee,--offline --no-progress --include-fragments '*.md' docs)
	@scripts/words > /dev/null || scripts/words
	@site/lint

# The fuzz targets are a separate workspace.
FUZZ := --manifest-path fuzz/Cargo.toml

# Linters for files that are not Rust. A missing linter is skipped.
if_installed = if command -v $(1) > /dev/null; then $(1) $(2); else echo "skipped: $(1) is not installed"; fi

.PHONY: clean
clean: ## Remove all build output
	cargo clean
	rm -f policy.wasm floor.wasm typical.wasm annotated-policy.wasm policy-sbom.cdx.json immutable-pods-sbom.cdx.json
	rm -rf dist
