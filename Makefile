# Everything here sets itself up: Python 3.10 or newer, make and the package registries are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo metabase test e2e services services-stop fuzz faults mutation lint test-all bench compare load docs screenshots release-check audit messages clean

demo: $(VENV)/.demo
	$(BIN)/python -m example_project.demo

# The stand-in Metabase alone, as after its installation, for a site of your own.
metabase: $(VENV)/.demo
	$(BIN)/python -m example_project.metabase

# All tests but those of the browser, on every core. Tests that need a server skip, with the reason,
# where there is none; so without all of them, what is not covered is shown and does not count.
# Where ARGS names some tests, coverage is not looked at.
test: $(VENV)/.test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses=logical $(ARGS)
	$(BIN)/coverage combine --quiet
	$(if $(filter tests/%,$(ARGS)),@:,$(BIN)/coverage report --omit='tests/e2e/*' \
	$$($(BIN)/python -m tests.servers status >&2 || echo --fail-under=0))

# The browser's tests, one after the other; they skip, with the reason, without Chromium or Node.
e2e: $(VENV)/.test
	$(BIN)/coverage run --concurrency=greenlet,thread -m pytest tests/e2e $(ARGS)
	$(BIN)/coverage combine --quiet --append
	$(BIN)/coverage report --include='tests/e2e/*' --fail-under=0

# PostgreSQL, MariaDB, Redis and Memcached for the tests: starts those that do not answer, on
# ports of their own, with their data in temporary folders; make services-stop ends them.
services: $(VENV)/.test
	$(BIN)/python -m tests.servers start

services-stop: $(VENV)/.test
	$(BIN)/python -m tests.servers stop

# The properties of tests/properties, for FUZZ_MINUTES together (default 30).
fuzz: $(VENV)/.test
	HYPOTHESIS_PROFILE=fuzz DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m tests.properties.fuzz

# The tables of docs/common-faults.md, written again from what the tools say.
faults: $(VENV)/.test
	FAULTS_PAGE=docs/common-faults.md $(BIN)/python -m pytest tests/faults/test_table.py -q

# Changes of the core that no test notices, by module; docs/development/mutation.md. About half an hour.
mutation: $(VENV)/.mutation
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results --all true | awk -F '[.:]' 'NF > 3 { n[$$2 ":" $$NF]++ } END { for (k in n) print k, n[k] }' | sort

lint: $(VENV)/.test $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy  # -m: django-hosts installs a package `tests` beside ours
	$(BIN)/lint-imports --no-cache

# Every supported Python and Django; finds the Pythons on PATH and those of pyenv.
test-all: $(VENV)/.tox
	TOX_DISCOVER="$$(ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.1?.*/bin/python 2>/dev/null | paste -sd:)" \
	$(BIN)/tox run $(ARGS)

# Our view beside a hand-written one, three times: the table of benchmarks/README.md. Five minutes.
bench: $(VENV)/.demo $(VENV)/.bench
	$(BIN)/python benchmarks/run.py $(ARGS)

# The pages of docs/ as a site in build/docs; a warning is an error.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -b html -W --keep-going -q -E docs build/docs

# Takes the pictures of docs/images again: the demo in Chromium.
screenshots: $(VENV)/.test
	PYTHONPATH=. $(BIN)/python docs/screenshots.py  # django-hosts installs a package `tests`

# Our view beside others (Node's among them, from the npm registry), and as tables grow.
compare: $(VENV)/.demo $(VENV)/.bench
	$(BIN)/python benchmarks/compare.py $(ARGS)

# 200 users at once, and nobody gets another's token; about five minutes.
load: $(VENV)/.demo $(VENV)/.bench
	$(BIN)/python benchmarks/crossing.py $(ARGS)

# Builds the sdist and the wheel, and follows the README with the wheel in empty environments.
release-check: $(VENV)/.release
	$(BIN)/python -m pytest release

# With ARGS=--strict, what could not be looked up fails, too.
audit: $(VENV)/.audit
	$(BIN)/python -m release.audit $(ARGS)

# After a change of a text that people see; needs GNU gettext.
messages: $(VENV)/.test
	cd django_metabase_sso && ../$(BIN)/django-admin makemessages --all --no-obsolete --add-location=file
	cd django_metabase_sso && ../$(BIN)/django-admin compilemessages

clean:
	rm -rf $(VENV) .tox .e2e .coverage .mypy_cache .ruff_cache build dist mutants

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# One stamp for each dependency group of pyproject.toml.
$(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable . --group $*
	touch $@
