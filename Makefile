# make compare and make test set up all they need on a machine with Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
MODEL ?= cnn
OPTIONS ?=
export OMP_NUM_THREADS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup compare report app test check data train deep ensemble lock clean

help: ## Show what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo '  DATA=PATH      FER2013 as a CSV or a folder, for compare, report, data, train and test'

setup: $(VENV)/ready ## Make .venv with every pinned package (the other targets do it by themselves)

$(VENV)/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

compare: $(VENV)/ready ## Benchmark every trained model; DATA=PATH measures accuracy too
	$(BIN)/python compare.py $(if $(DATA),--data "$(DATA)")

report: $(VENV)/ready ## Benchmark on DATA=PATH and write REPORT.md, its pictures and the model cards
	$(BIN)/python compare.py --data "$(DATA)" --readme
	$(BIN)/python report.py --data "$(DATA)"

app: $(VENV)/ready ## Start the app: pictures and the webcam, at http://localhost:8501
	$(BIN)/streamlit run app.py

test: $(VENV)/ready ## Run the tests; DATA=PATH runs those that need FER2013 too
	$(if $(DATA),FER2013="$(DATA)") $(BIN)/python -m pytest -n 2 --ignore tests/browser
	$(BIN)/python -m pytest tests/browser

check: $(VENV)/ready ## Linter, formatter and type checker
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

data: $(VENV)/ready ## Count and check FER2013 at DATA=PATH
	$(BIN)/python -m data.fer2013 "$(DATA)"

train: $(VENV)/ready ## Train the three classical models on DATA=PATH into artifacts/
	for model in lightgbm xgboost svm; do $(BIN)/python -m classical.train $$model --data "$(DATA)" || exit; done

# Large pages, and memory that is kept instead of given back, make training on a CPU up to 1.8 times as fast.
deep: export GLIBC_TUNABLES = glibc.malloc.hugetlb=1
deep: export MALLOC_MMAP_THRESHOLD_ = 4294967296
deep: export MALLOC_TRIM_THRESHOLD_ = 8589934592
deep: export MALLOC_TOP_PAD_ = 268435456
deep: $(VENV)/ready ## Train MODEL=cnn or vgg16 on DATA=PATH into artifacts/; OPTIONS=--resume goes on
	$(BIN)/python -m deep.train $(MODEL) --data "$(DATA)" $(OPTIONS)

ensemble: $(VENV)/ready ## Make the ensemble of all trained models, weighed on DATA=PATH
	$(BIN)/python ensemble.py ensemble --data "$(DATA)" --mirrored

lock: ## Pin the newest versions that go together into requirements.txt (needs uv)
	uv pip compile pyproject.toml --extra dev --python-version 3.11 --no-header --no-annotate -o requirements.txt

clean: ## Remove .venv and the caches
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache
