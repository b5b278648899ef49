# make compare and make test set up all they need on a machine with Python 3.11 to 3.13.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
MODEL ?= cnn
OPTIONS ?=
export OMP_NUM_THREADS ?= 2
# Memory in pages of 2 MB, where Linux gives them to those who ask: trees and networks are read in random order.
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup compare report figures app web test test-all attack quick shots check data train deep ensemble lock lowest wheel clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo '  DATA=PATH      FER2013 as a CSV or a folder, for compare, report, data, train and test-all'

setup: $(VENV)/dev ## Make .venv with everything: to run, to train, to develop (the other targets install what they need)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11 to 3.13 is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# Pinned packages: to run; with them, to test what runs, or to train; and all of these, to develop.
$(VENV)/run: requirements-run.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install -r requirements-run.txt
	$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/test: requirements-test.txt $(VENV)/run
	$(PIP) install -r requirements-test.txt
	@touch $@

$(VENV)/train: requirements.txt $(VENV)/run
	$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/train
	$(PIP) install -r requirements-dev.txt
	@touch $@

compare: $(VENV)/run ## Benchmark every trained model; DATA=PATH measures accuracy too
	$(BIN)/python compare.py $(if $(DATA),--data "$(DATA)") $(OPTIONS)

app: $(VENV)/run ## Start the app: pictures and the webcam, at http://localhost:8501
	$(BIN)/facial-emotion app

web: $(VENV)/dev ## Take ONNX Runtime's files for the browser from its npm package again, into facial_emotion/web/vendor
	$(BIN)/python -m workshop web

report: $(VENV)/train ## Benchmark on DATA=PATH and write what is shipped: artifacts/results, README's table, REPORT.md, cards
	$(BIN)/python compare.py --data "$(DATA)" --readme --out artifacts/results $(OPTIONS)
	$(BIN)/python -m workshop report --data "$(DATA)" --out .

figures: $(VENV)/dev ## Measure one core, live video, many pictures and HTTP again, into artifacts/results
	$(BIN)/python -m workshop benchmark core --out artifacts/results/core.json
	$(BIN)/python -m workshop benchmark video --out artifacts/results/live.json
	$(BIN)/python -m workshop benchmark batch --out artifacts/results/batch.json
	$(BIN)/python -m workshop benchmark server --out artifacts/results/serving.json

# A test of a browser has the processor to itself.
test: $(VENV)/test ## Test what runs: models, commands, server, and the app in a browser
	$(BIN)/python -m pytest -n 2 -m "not (training or long or data or browser)"
	$(BIN)/python -m pytest -m "browser and not long"

test-all: test test-rest ## Run all tests; DATA=PATH runs those that need FER2013 too

.PHONY: test-rest
test-rest: $(VENV)/dev
	$(if $(DATA),FER2013="$(DATA)") $(BIN)/python -m pytest -n 2 -m "(training or long or data) and not browser"
	$(BIN)/python -m pytest -m "browser and long"

attack: $(VENV)/test ## Try hostile and odd input: what was tried, expected and found
	$(BIN)/python -m pytest -n 2 -m "attack and not browser"
	$(BIN)/python -m pytest -m "attack and browser"

quick: $(VENV)/test ## Run the tests that take less than a minute together
	$(BIN)/python -m pytest -n 2 -m "not (slow or training or long or data or browser or release)"

shots: $(VENV)/test ## Screenshots of every page of the app in every width and theme, in shots/ (needs Chromium)
	$(BIN)/python -m tests.browser.shots shots

check: $(VENV)/dev ## Linter, formatter and type checker
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

data: $(VENV)/run ## Count and check FER2013 at DATA=PATH
	$(BIN)/facial-emotion data "$(DATA)"

train: $(VENV)/train ## Train the classical models on DATA=PATH into artifacts/; OPTIONS=--overwrite replaces the shipped ones
	for model in lightgbm xgboost svm; do $(BIN)/facial-emotion train $$model --data "$(DATA)" $(OPTIONS) || exit; done

# Memory that is kept instead of given back, and large pages, make training on a CPU up to 1.8 times as fast.
deep: export MALLOC_MMAP_THRESHOLD_ = 4294967296
deep: export MALLOC_TRIM_THRESHOLD_ = 8589934592
deep: export MALLOC_TOP_PAD_ = 268435456
deep: $(VENV)/train ## Train MODEL=cnn, vgg16 or dlib-resnet on DATA=PATH into artifacts/; OPTIONS="--overwrite --resume"
	$(BIN)/facial-emotion train $(MODEL) --data "$(DATA)" $(OPTIONS)

ensemble: $(VENV)/train ## Make the ensemble of all trained models, weighed on DATA=PATH
	$(BIN)/facial-emotion train ensemble --data "$(DATA)" --mirrored $(OPTIONS)

lowest: ## Test with the oldest packages that pyproject.toml allows, on Python 3.11 to 3.13 (needs uv and these)
	for python in 3.11 3.12 3.13; do \
		uv venv --clear --quiet --python $$python $(LOWEST) \
		&& uv pip compile pyproject.toml $(RUN) --resolution lowest-direct --python $(LOWEST) --quiet --output-file $(LOWEST)/lowest.txt \
		&& uv pip install --quiet --only-binary :all: --python $(LOWEST) --requirements $(LOWEST)/lowest.txt \
		&& uv pip install --quiet --python $(LOWEST) --group test --constraints $(LOWEST)/lowest.txt \
		&& uv pip install --quiet --python $(LOWEST) --no-deps . \
		&& $(LOWEST)/bin/python -m pytest -n 2 --override-ini filterwarnings=default \
			-m "not (slow or training or long or data or browser or release)" || exit; \
	done

wheel: $(VENV)/bin/python ## Build the package that can be installed, into dist/
	rm -rf build
	$(PIP) wheel --no-deps --wheel-dir dist .

LOWEST := .venv-lowest
RUN := --extra cli --extra serve --extra app --extra bench --extra heic
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --no-header --no-annotate --no-strip-extras --quiet
lock: ## Pin the newest versions that go together into the requirements files (needs uv)
	$(LOCK) $(RUN) --extra train --extra cluster --group dev --upgrade --output-file requirements-dev.txt
	cp requirements-dev.txt requirements-test.txt && $(LOCK) $(RUN) --group test --output-file requirements-test.txt
	cp requirements-dev.txt requirements.txt && $(LOCK) $(RUN) --extra train --output-file requirements.txt
	cp requirements-dev.txt requirements-run.txt && $(LOCK) $(RUN) --output-file requirements-run.txt

clean: ## Remove .venv, builds and the tools' caches; trained models and checkpoints stay
	rm -rf $(VENV) $(LOWEST) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
