# make help tells what there is. All of it works with Go, git and make; what else a target wants, it sees to itself.

GO      ?= go
version := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
commit  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
# A release of v1.2.3 says 1.2.3, however it was built.
version := $(version:v%=%)
date    := $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo unknown)
cli     := github.com/opsctl/opsctl/internal/cli
ldflags := -s -w -X $(cli).version=$(version) -X $(cli).commit=$(commit) -X $(cli).date=$(date)

# Tests of one package run in parallel with those of others; a hung one is told by name after this long.
timeout ?= 15m
# What is tested: make test packages=./pkg/run
packages ?= ./...
# These hold goroutines, so these are tested for races.
concurrent := ./pkg/run/... ./pkg/executor/... ./internal/...
# Benchmarks: make bench bench=Apply packages=./pkg/run
bench   ?= .

.DEFAULT_GOAL := help
# A recording is made anew whenever it is asked for.
.PHONY: docs/demo.svg
.PHONY: help build demo test race lint format snapshot bench clean needs

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/opsctl, static
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(ldflags)' -o bin/opsctl ./cmd/opsctl

demo: build ## a fleet of pretend hosts on this machine, a rollout on it, and what went wrong taken back
	bin/opsctl demo

docs/demo.svg: build ## the demo as the README shows it, recorded anew (wants tmux)
	$(GO) run ./docs/record -out $@ -title 'opsctl demo' bin/opsctl demo

test: needs ## all tests; what they need is installed, or named
	PATH="$$PATH:/usr/sbin:/sbin" $(GO) test -timeout $(timeout) $(packages)

race: ## the packages that hold goroutines, under the race detector (wants a C compiler)
	PATH="$$PATH:/usr/sbin:/sbin" CGO_ENABLED=1 $(GO) test -race -short -timeout $(timeout) $(concurrent)

needs:
	@if command -v bash >/dev/null; then bash .ci/needs; else echo 'missing here: bash; tests that need it are skipped' >&2; fi

lint: ## golangci-lint, with pinned versions of its own
	"$$(bash .ci/tool golangci-lint)" run ./...

format: ## gofumpt, in place
	"$$(bash .ci/tool golangci-lint)" fmt ./...

snapshot: ## what a release would hold, in dist/
	bash .ci/snapshot

bench: ## benchmarks, five times each, for benchstat
	$(GO) test -run '^$$' -bench '$(bench)' -benchmem -count 5 -timeout 60m $(packages)

clean: ## what was built
	rm -rf bin dist completions manpages
