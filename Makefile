# Every target sets itself up; `make` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup install-runtime install-dev demo test lint clean-demo

help:
	@echo 'make setup       build .venv with the pinned packages'
	@echo 'make demo        the whole study with a small budget, on two CPU cores'
	@echo 'make test        all tests'
	@echo 'make lint        snakemake --lint, snakefmt, ruff'
	@echo 'make clean-demo  delete what the demo made'
	@echo
	@echo 'The real study, on a GPU: source $(VENV)/bin/activate && snakemake --cores 8 all'

setup: $(VENV)/.runtime

# The stamps hold the pins that the environment has, so that a merely touched file installs nothing.
$(VENV)/.runtime: envs/requirements.txt
	@cmp -s $< $@ && touch $@ || $(MAKE) --no-print-directory install-runtime

install-runtime:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v[:2] <= (3, 12) else f"Python 3.11 or 3.12 is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/requirements.txt
	cp envs/requirements.txt $(VENV)/.runtime

$(VENV)/.dev: envs/requirements-dev.txt $(VENV)/.runtime
	@cat $^ | cmp -s - $@ && touch $@ || $(MAKE) --no-print-directory install-dev

install-dev:
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/requirements-dev.txt
	cat envs/requirements-dev.txt $(VENV)/.runtime > $(VENV)/.dev

demo: $(VENV)/.runtime
	@echo 'All 17 trainings of Table 1 on real CIFAR-10, with a small budget on two CPU cores: about seven minutes.'
	$(BIN)/python workflow_scripts/drive.py --profile profiles/demo all
	@echo
	@cat results/demo/irkd/tables/table1.md
	@echo
	@echo 'Made in results/demo/irkd: tables/ and costs/ (csv, md, tex, html), figures/ (svg, png), evaluation/, and'
	@echo 'runs/ with the weights, history.csv and run.json of each training. Logs are in results/demo/logs.'

# One thread a worker: two workers fill two cores.
test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

lint: $(VENV)/.dev
	$(BIN)/snakemake --lint
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check

clean-demo:
	rm -rf results/demo
