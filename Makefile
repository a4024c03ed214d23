# zkeeper: everything from a clone, Python 3.11 or later and, for speed, a C compiler.

PYTHON ?= python3
VENV := .venv
WHEEL_VENV := .venv-wheel
BIN := $(VENV)/bin
WHEEL_BIN := $(WHEEL_VENV)/bin
SOURCES := $(shell find src -name '*.py') pyproject.toml setup.py
SERVE ?=
IS_COMPILED := 'from zkeeper.cli.serve import is_compiled; \
	print("the wheel is", "compiled" if is_compiled() else "not compiled: is there a C compiler, with the headers of Python?")'
# Where ZooKeeper's jars are started from, for `make interop`, `make differential` and `make bench`.
ZKJAVA ?= $(abspath ../shared/tools/zkjava)
export ZKJAVA

.PHONY: help serve test check unit wheel-test interop differential crash kill soak recipes client-faults ensemble-faults fuzz bench bench-client bench-ensemble clean

help:
	@echo "make serve         build zkeeper and run a server on loopback (SERVE='zoo.cfg' for a configuration)"
	@echo "make test          lint, types, and all tests, uncompiled and against the built wheel"
	@echo "make check         lint and types;   make unit   all tests, uncompiled;   make wheel-test   against the built wheel"
	@echo "make interop       drive the server with clients of other projects (needs Java, Maven, npm, a C compiler)"
	@echo "make differential  compare it with Apache ZooKeeper, request by request"
	@echo "make recipes       10,000 simulated runs of recipes over connections that break"
	@echo "make client-faults 10,000 simulated runs of the client under faults"
	@echo "make ensemble-faults  20,000 simulated runs of ensembles under faults"
	@echo "make crash         10,000 simulated crashes;   make fuzz   a million mutated inputs"
	@echo "make kill          100 rounds of kill -9 under load"
	@echo "make soak          half an hour of kills, pauses and partitions of an ensemble under load"
	@echo "make bench         measure it beside Apache ZooKeeper;   make bench-client   the client beside kazoo"
	@echo "make bench-ensemble  three servers beside three of Apache ZooKeeper"
	@echo "make clean         remove the virtual environments and all that was built"

serve: $(WHEEL_VENV)/built
	@$(WHEEL_BIN)/python -c $(IS_COMPILED)
	exec $(WHEEL_BIN)/zkeeper serve $(SERVE)

test: check unit wheel-test

check: $(VENV)/ready
	$(BIN)/ruff check src tests benchmarks setup.py
	$(BIN)/ruff format --check src tests benchmarks setup.py
	$(BIN)/mypy

unit: $(VENV)/ready
	$(BIN)/python -m pytest -n 2

wheel-test: $(WHEEL_VENV)/tested
	@$(WHEEL_BIN)/python -c $(IS_COMPILED)
	$(WHEEL_BIN)/python -m pytest -n 2

interop: $(WHEEL_VENV)/tested
	PYTHON=$(abspath $(WHEEL_BIN))/python bash tests/interop/setup.sh
	ZKEEPER_INTEROP_REQUIRE=1 $(WHEEL_BIN)/python -m pytest -n 2 --dist loadfile tests/interop

DIFFERENTIAL_REQUESTS ?= 200000
SEED ?= 1
differential: $(WHEEL_VENV)/tested
	$(WHEEL_BIN)/python -m tests.interop.differential --left java --right zkeeper \
		--requests $(DIFFERENTIAL_REQUESTS) --seed $(SEED) --java-command "$(PYTHON) $(ZKJAVA) server"

# Simulated runs: which seed comes first, and in how many processes.
FIRST_SEED ?= 0
JOBS ?= $(shell nproc)
RUNS = --first $(FIRST_SEED) --jobs $(JOBS) $(if $(RUN_MINUTES),--minutes $(RUN_MINUTES))

CRASH_SEEDS ?= 10000
crash: $(WHEEL_VENV)/tested
	$(WHEEL_BIN)/python -m tests.simulation.crash --seeds $(CRASH_SEEDS) $(RUNS)

ROUNDS ?= 100
KILL_SEED ?=
kill: $(WHEEL_VENV)/tested
	PYTHONPATH=tests $(WHEEL_BIN)/python -m process.kill --rounds $(ROUNDS) $(if $(KILL_SEED),--seed $(KILL_SEED))

MINUTES ?= 30
SOAK_KINDS ?= ZZZ
SOAK_SEED ?=
soak: $(WHEEL_VENV)/tested
	PYTHONPATH=tests $(WHEEL_BIN)/python -m process.ensemble.soak --minutes $(MINUTES) --kinds $(SOAK_KINDS) \
		$(if $(SOAK_SEED),--seed $(SOAK_SEED))

RECIPE_SEEDS ?= 10000
recipes: $(WHEEL_VENV)/tested
	$(WHEEL_BIN)/python -m tests.simulation.recipes --seeds $(RECIPE_SEEDS) $(RUNS)

ENSEMBLE_SEEDS ?= 20000
ensemble-faults: $(WHEEL_VENV)/tested
	$(WHEEL_BIN)/python -m tests.simulation.ensemble --seeds $(ENSEMBLE_SEEDS) $(RUNS)

CLIENT_SEEDS ?= 10000
client-faults: $(WHEEL_VENV)/tested
	$(WHEEL_BIN)/python -m tests.simulation.client_faults --seeds $(CLIENT_SEEDS) $(RUNS)

FUZZ_INPUTS ?= 1000000
fuzz: $(WHEEL_VENV)/tested
	$(WHEEL_BIN)/python tests/fuzz/run.py --inputs $(FUZZ_INPUTS)

BENCH ?=
bench: $(WHEEL_VENV)/tested
	$(WHEEL_BIN)/python benchmarks/bench.py $(BENCH)

bench-client: $(WHEEL_VENV)/tested
	$(WHEEL_BIN)/python benchmarks/bench_client.py $(BENCH)

bench-ensemble: $(WHEEL_VENV)/tested
	$(WHEEL_BIN)/python benchmarks/bench_ensemble.py $(BENCH)

# The development environment runs the source as it is, uncompiled.
$(VENV)/ready: pyproject.toml setup.py
	@echo "installing zkeeper for development, with its tools: a minute, once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	ZKEEPER_COMPILE=0 $(BIN)/pip install -q -e '.[dev]'
	touch $@

# The other one has the wheel, compiled where there is a compiler.
$(WHEEL_VENV)/built: $(SOURCES)
	@echo "building and compiling zkeeper: a few minutes, once"
	$(PYTHON) -m venv $(WHEEL_VENV)
	$(WHEEL_BIN)/pip install -q --upgrade pip
	rm -rf build dist
	$(WHEEL_BIN)/pip wheel -q --no-deps -w dist .
	$(WHEEL_BIN)/pip install -q --force-reinstall --no-deps dist/*.whl
	$(WHEEL_BIN)/pip install -q dist/*.whl
	touch $@

$(WHEEL_VENV)/tested: $(WHEEL_VENV)/built
	$(WHEEL_BIN)/pip install -q "$$(ls dist/*.whl)[test]"
	touch $@

clean:
	rm -rf $(VENV) $(WHEEL_VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
