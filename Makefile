# The only commands a newcomer needs. Assumed: Python 3.11 or newer, git and make; everything else is fetched.
#   make run     start the service in practice mode and print its address
#   make test    run the whole suite
#   make lint    style, types and floors
#   make bench   measurements against peers and bounds (see benchmarks/README.md)
#   make lock    work out requirements/*.txt anew
#   make clean   remove the environment and what the tools left

VENV ?= .venv
# The lock files hold pins and hashes for every platform from Python 3.11 up; 3.11 is what the suite runs on, so it is
# tried first.
PYTHON ?= $(firstword $(foreach p,python3.11 python3 python3.12 python3.13 python3.14 python,$(shell \
	$(p) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(p))))
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
# Not compiled ahead: Python does that for the part it uses, and the first start is half a minute sooner.
INSTALL := $(PIP) install --no-compile --require-hashes --requirement
# Built with the hatchling of the lock file: nothing is fetched here, and nothing unhashed.
INSTALL_SELF := $(PIP) install --no-deps --no-build-isolation --no-index --editable .
# A lock names packages and hashes, never an address: who uses a mirror of the index keeps it in pip's own settings.
# Extras stay in the lock: a pip older than 23.3 takes "coverage[toml]" for unpinned where only "coverage" is.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-strip-extras --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format bench lock clean

help:
	@sed -n 's/^#   //p' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/.service
	@$(BIN)/competence serve

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal --cov --cov-report=term

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# Existing pins are kept where they still fit; `make lock UPGRADE=--upgrade` takes the newest.
lock: | $(BIN)/python
	$(INSTALL) requirements/lock.txt
	$(LOCK) $(UPGRADE) --output-file requirements/lock.txt requirements/lock.in
	$(LOCK) $(UPGRADE) --extra service --output-file requirements/service.txt pyproject.toml requirements/service.in
	$(LOCK) $(UPGRADE) --extra service --extra dev --constraint requirements/service.txt --output-file requirements/dev.txt pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (with venv). Install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# One stamp per lock file: a second `make run` goes straight to the service.
$(VENV)/.service: requirements/service.txt pyproject.toml | $(BIN)/python
	@echo "Fetching what the service needs (once, about a minute)."
	$(INSTALL) requirements/service.txt
	$(INSTALL_SELF)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Fetching what the service and the tests need (once, about a minute)."
	$(INSTALL) requirements/dev.txt
	$(INSTALL_SELF)
	@touch $(VENV)/.service $@
