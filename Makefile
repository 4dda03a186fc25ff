# Every target sets up .venv by itself: nothing but Python >= 3.11 and make is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# What is done here starts hundreds of processes; each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test test-fast lint bench clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[lab,sql]' --group dev
	@touch $@

demo: install
	$(BIN)/chaos run experiments/terminate-instance.yaml

# The tests wait more than they compute, so they run side by side; those that measure have the
# machine to themselves.
test: install
	$(BIN)/python -m pytest -m 'not lab and not alone' -n 4
	$(BIN)/python -m pytest -m 'lab and not alone' -n 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m pytest -m alone

test-fast: install
	$(BIN)/python -m pytest -m 'not real and not many and not lab and not alone' -n 4

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
