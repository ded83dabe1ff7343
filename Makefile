# Two commands do everything on a machine with Python (3.11 to 3.13) and pip:
#   make demo   sets up and runs the main job on corpus_samples/
#   make test   sets up and passes the tests
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TAG := $(shell $(PYTHON) -c 'import sys; print("py%d%d" % sys.version_info[:2])')
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-spark lint check audit lock clean

demo: $(VENV)/.runtime
	$(BIN)/abstractor demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2

# Needs Java 17, and half a gigabyte for PySpark.
test-spark: $(VENV)/.spark
	$(BIN)/python -m pytest tests/batch/engine/test_spark.py

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

# Known vulnerabilities in everything that is pinned. It asks PyPI, so it is no part of `check`. Where it can't ask, about one package or about
# all, it fails (--strict): a passed audit always means that every package was looked up.
audit: $(VENV)-audit/.ready
	for lock in requirements/runtime-*.txt requirements/dev-*.txt requirements/spark-*.txt requirements/audit-*.txt; do \
	  echo $$lock && $(VENV)-audit/bin/pip-audit --strict --disable-pip --require-hashes -r $$lock || exit 1; done

$(VENV)-audit/.ready: requirements/audit-$(TAG).txt
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/audit-$(TAG).txt
	touch $@

# A stamp is newer than the lock it was made from: the second run installs nothing.
$(VENV)/.runtime: requirements/runtime-$(TAG).txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/runtime-$(TAG).txt
	$(PIP) install --no-deps -e .
	touch $@

$(VENV)/.dev: requirements/dev-$(TAG).txt $(VENV)/.runtime
	$(PIP) install --require-hashes -r requirements/dev-$(TAG).txt
	touch $@

$(VENV)/.spark: requirements/spark-$(TAG).txt $(VENV)/.dev
	$(PIP) install --require-hashes -r requirements/spark-$(TAG).txt
	touch $@

# Maintainers: resolve the pins anew (needs uv).
lock:
	for v in 3.11 3.12 3.13; do t=py$$(echo $$v | tr -d .); \
	  uv pip compile --quiet --python-version $$v --generate-hashes --no-emit-index-url --no-header \
	    pyproject.toml -o requirements/runtime-$$t.txt && \
	  uv pip compile --quiet --python-version $$v --generate-hashes --no-emit-index-url --no-header \
	    pyproject.toml --group dev -c requirements/runtime-$$t.txt -o requirements/dev-$$t.txt && \
	  uv pip compile --quiet --python-version $$v --generate-hashes --no-emit-index-url --no-header \
	    pyproject.toml --extra spark -c requirements/dev-$$t.txt -o requirements/spark-$$t.txt && \
	  uv pip compile --quiet --python-version $$v --generate-hashes --no-emit-index-url --no-header \
	    --group audit -o requirements/audit-$$t.txt || exit 1; done

clean:
	rm -rf $(VENV) $(VENV)-audit build dist
