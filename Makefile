# Each target does its own set-up: Python >= 3.11 and make are all a machine needs.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
UV := $(BIN)/uv
# Every mint and command that a test starts would compile the source again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: trust-oracle gcloud notes image docs fuzz-api audit sbom wheel help setup test soak lint format demo standalone serve cloud lock clean bench
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/ready ## make the virtual environments that every other target uses

.venv/ready: requirements-dev.txt requirements.txt pyproject.toml sandbox/pyproject.toml
	@echo "setting up .venv (the first time takes about half a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.12 or the like")'
	@$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt >.venv/uv.txt
	@$(BIN)/python -m pip install -q --require-hashes -r .venv/uv.txt
	@$(UV) pip sync -q --compile-bytecode --python $(BIN)/python requirements-dev.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e . -e sandbox
	@$(UV) venv -q --clear --python $(BIN)/python .venv-runtime
	@$(UV) pip sync -q --compile-bytecode --python .venv-runtime/bin/python requirements.txt
	@touch $@

# Two workers more than there are CPUs: half of the time a test waits, for a process or for a deadline. A worker gets
# neighboring tests, which share fixtures, and takes some of another one's when it has none left.
test: .venv/ready ## run the tests, except those with their own target
	$(BIN)/pytest -n $$($(BIN)/python -c 'import os; print((os.cpu_count() or 1) + 2)') --dist worksteal

test-long: .venv/ready ## run the long tests: kills, many processes at once, generated requests
	$(BIN)/pytest -m long -n $$($(BIN)/python -c 'import os; print(os.cpu_count() or 1)') --dist worksteal
	FUZZ_REQUESTS=$${FUZZ_REQUESTS:-5000} $(BIN)/pytest -m "hypothesis and not soak" --hypothesis-profile=thorough --timeout 900 -n $$($(BIN)/python -c 'import os; print(os.cpu_count() or 1)') --dist worksteal

gcloud: .venv/ready ## run the real gcloud against the sandbox
	$(BIN)/pytest -m gcloud -n $$($(BIN)/python -c 'import os; print(os.cpu_count() or 1)') tests/gcloud

soak: .venv/ready ## run a minute of random faults; SOAK_SECONDS and SOAK_SEED change it
	$(BIN)/pytest -m soak -s tests/soak

lint: .venv/ready ## run ruff, mypy and the import contracts, as CI does
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/ready ## format, and apply ruff's fixes
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

demo: .venv/ready ## mint in the sandbox, and print what is granted and refused
	@$(BIN)/fullsend sandbox demo

standalone: .venv/ready ## mint from a standalone mint and its fallback in the sandbox
	@$(BIN)/fullsend sandbox standalone

serve: .venv/ready ## keep the sandbox and a mint running on fixed ports; PORT=18080 moves them, ISSUERS=gitlab adds one
	@$(BIN)/fullsend sandbox serve --from-make $(if $(PORT),--port $(PORT)) $(ISSUERS:%=--issuer %)

cloud: .venv/ready ## keep an empty Google project and a GitHub running, to deploy into; ISSUERS=gitlab adds one
	@$(BIN)/fullsend sandbox cloud $(ISSUERS:%=--issuer %)

# The Python of the machine may be built without the optimizations that the deployed one has (docs/adr/0096).
bench: .venv/ready ## measure the mint beside a plain baseline; QUICK=1 takes under a minute, WRITE=1 writes docs/bench/, BENCH_PYTHON=/usr/bin/python3 runs the servers
	@rm -rf .venv-bench
	@$(if $(BENCH_PYTHON),$(UV) venv -q --python $(BENCH_PYTHON) .venv-bench && $(UV) pip sync -q --compile-bytecode --python .venv-bench/bin/python requirements.txt)
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(WRITE),--write)

docs: .venv/ready ## write the generated pages: configuration.md, errors.md, metrics.md, hints, shell completion, example environments
	$(BIN)/python scripts/docs/configuration.py
	$(BIN)/python scripts/docs/examples.py
	$(BIN)/python scripts/docs/errors.py
	$(BIN)/python scripts/docs/metrics.py
	$(BIN)/python scripts/docs/completion.py

trust-oracle: .venv/ready ## compare 20,000 generated requests with a second oracle; TRUST_SEED repeats a run
	TRUST_REQUESTS=$${TRUST_REQUESTS:-20000} $(BIN)/pytest -q tests/property/test_property_trust.py tests/property/test_property_jobs.py

fuzz-api: .venv/ready ## send many generated requests to both mints and check docs/openapi.yaml
	FUZZ_API_EXAMPLES=$${FUZZ_API_EXAMPLES:-1000} $(BIN)/pytest -q -n 2 tests/integration/test_openapi.py

audit: .venv/ready ## look for known vulnerabilities in every pinned package (uses the network)
	$(BIN)/pip-audit --strict --progress-spinner off --require-hashes --disable-pip -r requirements.txt
	$(BIN)/pip-audit --strict --progress-spinner off --require-hashes --disable-pip -r deploy/requirements.txt
	$(BIN)/pip-audit --strict --progress-spinner off --require-hashes --disable-pip -r requirements-dev.txt

sbom: .venv/ready ## write dist/sbom.cdx.json and dist/sbom-image.cdx.json: the packages of the upload and of the image, as CycloneDX
	@mkdir -p dist
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom.cdx.json requirements.txt
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o dist/sbom-image.cdx.json deploy/requirements.txt

# The umask of the shell that builds would be in the wheels.
wheel: .venv/ready ## build both wheels and the upload of the committed code into dist/; the same commit gives the same bytes
	@rm -rf dist/source && mkdir -p dist/source && umask 022 && git archive HEAD | tar -x -C dist/source
	umask 022 && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(UV) build -q --wheel --no-build-isolation --python $(BIN)/python --out-dir dist dist/source
	umask 022 && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(UV) build -q --wheel --no-build-isolation --python $(BIN)/python --out-dir dist dist/source/sandbox
	@$(BIN)/python scripts/release/source.py dist/source dist
	@rm -rf dist/source && ls dist/*.whl

notes: ## print the release notes of VERSION from CHANGELOG.md
	@python3 scripts/release/notes.py $(or $(VERSION),Unreleased)

image: .venv/ready ## build the standalone mint's image with docker, podman or buildah; IMAGE names it
	@scripts/release/image.sh $(or $(IMAGE),fullsend-mint)

test-image: .venv/ready ## build the image on Debian's Python with buildah, and mint with it (minutes)
	@base=localhost/mint-base:$$(sha256sum scripts/release/debian_base.sh | cut -c1-12); \
	buildah inspect --type image $$base >/dev/null 2>&1 || scripts/release/debian_base.sh $$base; \
	BASE=$$base scripts/release/image.sh localhost/fullsend-mint
	$(BIN)/pytest -q -m image tests/image

lock: ## pin every requirements file again from pyproject.toml
	@test -x $(UV) || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q uv; }
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml --extra hosted -o requirements.txt $(LOCK)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml --extra metrics --extra redis -c requirements.txt -o deploy/requirements.txt $(LOCK)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml sandbox/pyproject.toml --all-extras --group dev -c requirements.txt -o requirements-dev.txt $(LOCK)

clean: ## delete everything that the targets made
	rm -rf .venv .venv-runtime .venv-bench build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
