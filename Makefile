# The front door. Needs Node 20 or newer with npm, and make; everything else is installed by npm into node_modules.
# The runtime itself is Node 26, which comes as an npm package and goes first on PATH.

SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
INSTALLED := node_modules/.package-lock.json
# An MCP server of other people, installed apart because only its own test needs it.
PEER := test/peers/mcp-server-mysql
TESTS := test/*.test.ts test/rfc test/mcp test/unit test/contract test/property test/e2e

.PHONY: build test test-e2e run bench docker lint vet fmt clean conformance docs

$(INSTALLED): package.json package-lock.json
	npm ci --loglevel=error
	@touch $@

# Runs the demo, or `make run CONFIG=file` a configuration of your own.
run: $(INSTALLED)
ifdef CONFIG
	@node src/main.ts serve --config "$(CONFIG)"
else
	@node src/main.ts demo
endif

test: $(INSTALLED)
	@node scripts/run-tests.ts $(TESTS)

# Needs the Debian packages of test/peers/debian-packages.txt, and says which are missing.
test-e2e: $(INSTALLED) build
	@node test/peers/require-packages.ts
	@$(MAKE) --no-print-directory $(PEER)/$(INSTALLED)
	@node scripts/run-tests.ts test/peers/*.test.ts

$(PEER)/$(INSTALLED): $(PEER)/package.json $(PEER)/package-lock.json
	npm ci --prefix $(PEER) --loglevel=error
	@touch $@

build: $(INSTALLED)
	@node scripts/build.ts

vet: $(INSTALLED)
	@tsc -p .

lint: vet
	@oxlint --type-aware --deny-warnings
	@biome ci
	@knip

fmt: $(INSTALLED)
	@biome check --write

conformance: $(INSTALLED)
	@node scripts/conformance.ts

docs: $(INSTALLED)
	@node scripts/write-configuration-docs.ts

clean:
	rm -rf dist coverage node_modules $(PEER)/node_modules
