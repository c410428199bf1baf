# Each target installs what it needs. You only need Python 3.10 or newer, make, and access to the
# package registries.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo metabase test e2e services services-stop fuzz faults mutation lint test-all bench compare load docs screenshots release-check audit messages clean

demo: $(VENV)/.demo
	$(BIN)/python -m example_project.demo

# Starts only the stand-in, set up as little as a new Metabase, for a site of your own.
metabase: $(VENV)/.demo
	$(BIN)/python -m example_project.metabase

# Runs all tests except the browser tests, on all cores. Tests that need a server are skipped if it
# does not answer; coverage below 100% is then reported, but is not an error. If ARGS names tests,
# coverage is not reported.
test: $(VENV)/.test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses=logical $(ARGS)
	$(BIN)/coverage combine --quiet
	$(if $(filter tests/%,$(ARGS)),@:,$(BIN)/coverage report --omit='tests/e2e/*' \
	$$($(BIN)/python -m tests.servers status >&2 || echo --fail-under=0))

# Runs the browser tests, one after the other. They are skipped without Chromium or Node.
e2e: $(VENV)/.test
	$(BIN)/coverage run --concurrency=greenlet,thread -m pytest tests/e2e $(ARGS)
	$(BIN)/coverage combine --quiet --append
	$(BIN)/coverage report --include='tests/e2e/*' --fail-under=0

# Starts PostgreSQL, MariaDB, Redis and Memcached for the tests, unless they already answer. They
# use free ports and temporary folders. `make services-stop` stops them.
services: $(VENV)/.test
	$(BIN)/python -m tests.servers start

services-stop: $(VENV)/.test
	$(BIN)/python -m tests.servers stop

# Runs the property tests for FUZZ_MINUTES (30 by default).
fuzz: $(VENV)/.test
	HYPOTHESIS_PROFILE=fuzz DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m tests.properties.fuzz

# Writes the tables of docs/common-faults.md again, from the output of the tools.
faults: $(VENV)/.test
	FAULTS_PAGE=docs/common-faults.md $(BIN)/python -m pytest tests/faults/test_table.py -q

# Runs the mutation tests, which takes half an hour (docs/development/mutation.md).
mutation: $(VENV)/.mutation
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results --all true | awk -F '[.:]' 'NF > 3 { n[$$2 ":" $$NF]++ } END { for (k in n) print k, n[k] }' | sort

lint: $(VENV)/.test $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy  # -m, because django-hosts installs a package `tests` as well
	$(BIN)/lint-imports --no-cache

# Runs the tests on every supported version of Python and Django. Pythons are looked for on PATH and
# in pyenv.
test-all: $(VENV)/.tox
	TOX_DISCOVER="$$(ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.1?.*/bin/python 2>/dev/null | paste -sd:)" \
	$(BIN)/tox run $(ARGS)

# Compares the view with a hand-written one for benchmarks/README.md, which takes 20 minutes.
bench: $(VENV)/.demo $(VENV)/.bench
	$(BIN)/python benchmarks/run.py $(ARGS)

# Builds the documentation in build/docs. Warnings are errors.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -b html -W --keep-going -q -E docs build/docs

# Takes the pictures of docs/images again: the demo in Chromium.
screenshots: $(VENV)/.test
	PYTHONPATH=. $(BIN)/python docs/screenshots.py  # django-hosts installs a package `tests` as well

# Compares the view with others (those for Node come from the npm registry), and with larger tables.
compare: $(VENV)/.demo $(VENV)/.bench
	$(BIN)/python benchmarks/compare.py $(ARGS)

# Checks that 200 users at once get their own tokens only, which takes five minutes.
load: $(VENV)/.demo $(VENV)/.bench
	$(BIN)/python benchmarks/crossing.py $(ARGS)

# Builds the package twice, follows the README in empty environments, and tests the documentation.
release-check: $(VENV)/.release
	$(BIN)/python -m pytest release

# Looks for known vulnerabilities in the dependencies. With ARGS=--strict, it fails if a dependency
# could not be looked up.
audit: $(VENV)/.audit
	$(BIN)/python -m release.audit $(ARGS)

# Updates the translations after a change of a string that users see. Needs GNU gettext.
messages: $(VENV)/.test
	cd django_metabase_sso && ../$(BIN)/django-admin makemessages --all --no-obsolete --add-location=file
	cd django_metabase_sso && ../$(BIN)/django-admin compilemessages

clean:
	rm -rf $(VENV) .tox .e2e .coverage .mypy_cache .ruff_cache build dist mutants

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# Creates a stamp for each dependency group in pyproject.toml.
$(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable . --group $*
	touch $@
