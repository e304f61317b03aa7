# Each target does its own set-up: Python >= 3.11 and make are all a machine needs.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
UV := $(BIN)/uv

.PHONY: help setup test soak lint format demo standalone serve lock clean bench
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/ready ## the virtual environments that every other target uses

.venv/ready: requirements-dev.txt requirements.txt pyproject.toml
	@echo "setting up .venv (the first time takes about half a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.12 or the like")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q "$$(grep -oE '^uv==[^ ]+' requirements-dev.txt)"
	@$(UV) pip sync -q --python $(BIN)/python requirements-dev.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@$(UV) venv -q --clear --python $(BIN)/python .venv-runtime
	@$(UV) pip sync -q --python .venv-runtime/bin/python requirements.txt
	@touch $@

test: .venv/ready ## every test but the soak and the benchmarks
	$(BIN)/pytest -n auto --dist loadgroup

soak: .venv/ready ## a minute of random faults; SOAK_SECONDS and SOAK_SEED change it
	$(BIN)/pytest -m soak -s tests/soak

lint: .venv/ready ## ruff and mypy, as CI runs them
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/ready ## what ruff can mend by itself
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

demo: .venv/ready ## the mint in a world on loopback, as a table
	@$(BIN)/fullsend sandbox demo

standalone: .venv/ready ## a mint of one's own with a fallback, in the same world, as a table
	@$(BIN)/fullsend sandbox standalone

serve: .venv/ready ## the same world kept running on fixed ports, with a curl that mints
	@$(BIN)/fullsend sandbox serve

bench: .venv/ready ## the mint beside a plain one, measured; QUICK=1 is under a minute, WRITE=1 writes docs/bench/
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(WRITE),--write)

lock: ## pin requirements.txt and requirements-dev.txt anew from pyproject.toml
	@test -x $(UV) || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q uv; }
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml -o requirements.txt $(LOCK)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml --all-extras --group dev -c requirements.txt -o requirements-dev.txt $(LOCK)

clean: ## everything that was made
	rm -rf .venv .venv-runtime build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
