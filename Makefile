# setup   a virtual environment with exactly the versions of constraints.txt
# demo    the main job, end to end, on real smart-watch recordings
# test    everything that must hold; ends with 0 when it does
# check   style, types, and the law of the house
# evaluate, bench   accuracy (TASK=match_outcome: of that one) and speed, written to docs/results
# bench-ingest   speed and memory of reading files beside the readers people use now
# fuzz    malformed input for minutes instead of seconds (MINUTES=5)
# fuzz-ingest   20,000 mutated files through all readers (FILES=500)
# reliability, clients   what holds under load and faults, and for real clients, written there too
PYTHON ?= python3
VENV ?= .venv
MINUTES ?= 5
FILES ?= 20000
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test check evaluate bench bench-ingest reliability clients fuzz fuzz-ingest clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[train,demo,dev]'
	@touch $(STAMP)

demo: setup
	$(BIN)/python demo/demo.py

test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

evaluate: setup
	$(BIN)/python -m evaluation $(TASK)

bench: setup
	$(BIN)/python -m benchmark

bench-ingest: setup
	$(BIN)/python -m benchmark.ingest $(MEASURE)

reliability: setup
	$(BIN)/python -m reliability

clients: setup
	$(BIN)/python -m clients

fuzz: setup
	$(BIN)/python -m tests.serve.fuzz $(MINUTES)

fuzz-ingest: setup
	$(BIN)/python -m tests.ingest.fuzz $(FILES)

clean:
	rm -rf $(VENV) .clients .demo build dist
