# Every target sets up what it needs first; see README.md.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.complete
ARGS   ?=

.PHONY: cockpit test lint bench soak screenshots docs peers wheel lock clean

$(STAMP): requirements/lock.txt pyproject.toml packaging/linux/prepare.sh
	sh packaging/linux/prepare.sh $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

cockpit: $(STAMP)
	$(BIN)/studio-cockpit --practice $(ARGS)

test: lint
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m studio_brain.doors.lint

bench: $(STAMP)
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.benchmarks $(ARGS)

# The long campaigns; every one prints its seed. ARGS="tamper --seed 7 --count 500" runs one of them shorter.
soak: $(STAMP)
	$(BIN)/python -m tests.simulation $(ARGS)

# The pages that are written from the program itself.
docs: $(STAMP)
	$(BIN)/python -m studio_brain.doors.reason_page

screenshots: $(STAMP)
	QT_QPA_PLATFORM=offscreen $(BIN)/studio-cockpit --practice --screenshot docs/screenshots $(ARGS)

wheel: $(STAMP)
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

# Needs uv; writes pinned versions with hashes for every platform, without registry addresses.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header \
	  --group dev --extra postgresql --output-file requirements/lock.txt

clean:
	rm -rf $(VENV) .cache build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
