# Every target sets itself up; `make` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := studies/irkd/overlays/demo.yaml studies/lightnn/overlays/demo.yaml profiles/demo/studies.yaml
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: FORCE help setup install-runtime install-dev demo watch watch-demo archive test faults mutants report-test vlm-test slurm-test gpu-test gpu-check bench lint keep-reference readme settings wheels lock clean-demo

help:
	@echo 'make setup           build .venv with the pinned packages'
	@echo 'make demo            both studies with a small budget, on two CPU cores'
	@echo 'make watch           watch progress of the trainings; overlays: CONFIG=; of the demo: make watch-demo'
	@echo 'make archive         results of each study in one file, without weights (runs missing jobs); overlays: CONFIG='
	@echo 'make test            all tests except the six below'
	@echo 'make faults          tests that kill, damage and change things: what continues ends with the same bytes'
	@echo 'make mutants         small mistakes, each made in a copy of the repository, which the tests must notice'
	@echo 'make report-test     tests of reports in Chromium and of tables in LaTeX (installs it if missing); after make demo'
	@echo 'make vlm-test        the study vlm from end to end with networks that timm has for tests, on made-up data'
	@echo 'make slurm-test      tests on a one-machine Slurm cluster (installs Slurm if it is missing)'
	@echo 'make gpu-test        tests on a GPU: same bits repeated, as one CUDA graph and resumed, and close to a CPU'
	@echo 'make gpu-check       check this GPU: repeatability, milliseconds, hours of the study; on a CPU: ARGS=--rehearse'
	@echo 'make bench           speed of training steps, compared with the notebooks and timm'
	@echo 'make lint            snakemake --lint, snakefmt, ruff, codespell'
	@echo 'make keep-reference  rebuild the pages of results/reference after a change of evidence or code; overlays: CONFIG='
	@echo 'make readme          update the generated parts of README.md and docs'
	@echo 'make settings        write docs/configuration.md and the JSON Schemas for editors from the typed settings'
	@echo 'make wheels          packages for a machine without a network, in wheels/: docs/offline-node.md'
	@echo 'make lock            envs/*.lock from envs/*.txt: every package that they need, with its hashes'
	@echo 'make clean-demo      delete the results of the demo'
	@echo
	@echo 'The real study, on a GPU: source $(VENV)/bin/activate && snakemake --cores 8 all'

setup: $(VENV)/.runtime

# Programs of an environment name its Python, which a renamed checkout no longer has.
STARTS = $(BIN)/pip --version >/dev/null 2>&1

# The stamps hold the installed lock, so that a touched one with the same content installs nothing.
$(VENV)/.runtime: FORCE
	@cmp -s envs/requirements.lock $@ && $(STARTS) || $(MAKE) --no-print-directory install-runtime

FORCE:

INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes

install-runtime:
	@case "$$PWD" in *[\ \'\"]*) \
		echo "The path $$PWD has a space or a quote, with which Snakemake cannot start Python: rename the folder."; exit 1;; esac
	@$(STARTS) || ! test -e $(VENV)/pyvenv.cfg || rm -rf $(VENV)
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v[:2] <= (3, 12) else f"Python 3.11 or 3.12 is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r envs/requirements.lock
	$(BIN)/pip check
	cp envs/requirements.lock $(VENV)/.runtime

$(VENV)/.dev: envs/requirements-dev.lock $(VENV)/.runtime
	@cmp -s $< $@ && touch $@ || $(MAKE) --no-print-directory install-dev

install-dev:
	$(INSTALL) -r envs/requirements-dev.lock
	$(BIN)/pip check
	cp envs/requirements-dev.lock $(VENV)/.dev

demo: $(VENV)/.runtime
	@echo 'All 46 trainings of both studies on real CIFAR-10, with a small budget on two CPU cores: about ten minutes.'
	@echo 'In another terminal, make watch-demo shows their progress.'
	$(BIN)/python workflow_scripts/drive.py --profile profiles/demo all \
	  --report results/demo/report.html --report-after-run
	@echo
	@cat results/demo/irkd/tables/table1.md results/demo/lightnn/tables/accuracies.md
	@echo
	@sed '/^### 1\./,$$d' results/demo/irkd/claims/claims.md
	@echo
	@echo 'results/demo/report.html (open it in a browser) shows everything. In results/demo/irkd and results/demo/lightnn are tables/,'
	@echo 'pairs/, claims/ and costs/ (csv, md, tex, html), figures/ (svg, png), provenance/ (the run behind each number), evaluation/,'
	@echo 'and runs/ with the weights, history.csv and run.json of each training. The logs of their jobs are in logs/.'

# Overlays of config.yaml, for watch, archive and keep-reference.
CONFIG =
OVERLAYS = $(if $(CONFIG),--configfile $(CONFIG))

watch-demo: CONFIG = $(DEMO)
watch watch-demo: $(VENV)/.runtime
	@$(BIN)/python workflow_scripts/watch.py $(CONFIG)

archive: $(VENV)/.runtime
	$(BIN)/snakemake --cores all archive $(OVERLAYS)

# One thread per worker: two workers fill two cores; a worker without tests takes some of the other's.
test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m 'not faults'

faults: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m faults tests/system tests/properties

mutants: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal tests/mutants

vlm-test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/vlm

# Debian packages, with which the tests compile the tables of LaTeX and read them.
report-test: $(VENV)/.dev
	@for program in pdflatex pdftotext; do \
		command -v $$program >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
			texlive-latex-recommended poppler-utils >/dev/null; break; }; \
	done
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/report

# Debian packages; RUNLEVEL keeps their daemons from starting, as the tests start their own.
slurm-test: $(VENV)/.dev
	@for program in munged slurmctld slurmd sbatch; do \
		command -v $$program >/dev/null || { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends munge slurmctld slurmd slurm-client >/dev/null; break; }; \
	done
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/slurm

gpu-test: $(VENV)/.dev
	$(BIN)/pytest tests/gpu

# Options of python -m bench.gpu_check and python -m bench; see docs/bench.md.
ARGS =

gpu-check: $(VENV)/.runtime
	PYTHONPATH=workflow_scripts $(BIN)/python -m bench.gpu_check $(ARGS)

bench: $(VENV)/.dev
	PYTHONPATH=workflow_scripts $(BIN)/python -m bench $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/snakemake --lint
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	git ls-files -z | xargs -0 $(BIN)/codespell

# To add evidence, first unpack an archive of results over results/reference.
keep-reference: $(VENV)/.runtime
	rm -rf results/rebuilt
	$(BIN)/snakemake --cores 2 reference_rebuild $(OVERLAYS)
	find results/rebuilt -name logs -prune -exec rm -rf {} +
	for study in $$(cd results/rebuilt && find . -name provenance -printf '%h\n'); do \
		kept=results/reference/$$study; \
		[ -d $$kept/runs ] || continue; \
		find $$kept -mindepth 1 -maxdepth 1 ! -name runs ! -name evaluation -exec rm -rf {} + && \
		cp -r results/rebuilt/$$study/. $$kept && \
		(cd $$kept && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort \
			| xargs -d '\n' sha256sum > SHA256SUMS) || exit; \
	done

readme: $(VENV)/.runtime
	$(BIN)/python workflow_scripts/write_readme.py

# Every key of config.yaml and study.yaml, for people and for editors; a test fails when they are stale.
settings: $(VENV)/.runtime
	$(BIN)/python workflow_scripts/write_settings.py

# Python version of the machine without a network, and further pinned packages that it has (such as scipy).
PYTHON_VERSION := 3.12
HAS :=

wheels:
	$(PYTHON) workflow_scripts/collect_wheels.py wheels $(PYTHON_VERSION) $(HAS)

# Packages already locked keep their versions; to have newer ones, delete their lines or the files first.
# One version of a package for all supported Pythons; for the tests the same ones as for running.
COMPILE = $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock'

lock: $(VENV)/.dev
	$(COMPILE) envs/requirements-dev.txt -o envs/requirements-dev.lock
	$(COMPILE) envs/requirements.txt --constraint envs/requirements-dev.lock -o envs/requirements.lock

clean-demo:
	rm -rf results/demo
