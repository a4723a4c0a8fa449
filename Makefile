# Everything goes into .venv; nothing outside this folder is touched but the cache of models.
#
# On Linux the package index's own torch brings several gigabytes of CUDA. Without an NVIDIA GPU
# the CPU build does the same in a tenth of the space: pip takes it where PyTorch's installation
# page says that it is,
#
#     make demo PIP_FLAGS="--extra-index-url <the index that page names for CPU>"
#
# PIP_FLAGS goes to every `pip install`; pip's own settings (a mirror, a proxy) apply as well.

PYTHON ?= python3
PIP_FLAGS ?=
# What `make test` installs besides the package: names of optional dependencies.
EXTRAS ?= dev
# Test processes, of one thread each: two of two threads are slower on two cores.
JOBS ?= 2
PYTEST_FLAGS ?=
DEMO_OUT ?= demo-output

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ROOMS := datasets exporters training
# A stamp per set of extras: asking for another set installs it.
comma := ,
DEV := $(VENV)/.installed-$(subst $(comma),-,$(EXTRAS))

.DEFAULT_GOAL := help
.PHONY: help demo install test check types format wheel bench clean interpreter libraries

help: ## list the targets
	@awk -F ': .*## ' '/^[a-z]+:.* ## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "PYTHON=python3.12 chooses the interpreter, PIP_FLAGS=... goes to pip install."

demo: $(VENV)/.installed ## install, then turn a clip of two people into motion
	$(BIN)/mocap demo --out $(DEMO_OUT)

install: $(DEV) ## make the environment that the other targets use

test: $(DEV) ## run every test; PYTEST_FLAGS="-k bvh" chooses
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_FLAGS)

check: $(DEV) types ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

# The folders become one package only when installed. mypy does not follow an editable install,
# so it gets the package as a user has it, in links.
types: $(DEV)
	@rm -rf build/typed && mkdir -p build/typed/mocap
	@ln -s $(addprefix $(CURDIR)/,$(wildcard mocap/*) $(ROOMS)) build/typed/mocap/
	cd build/typed && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml \
		--cache-dir $(CURDIR)/.mypy_cache

format: $(DEV) ## rewrite the sources as `make check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The wheel is built from the sdist, elsewhere: a file that was deleted here cannot linger in it.
wheel: $(DEV) ## build dist/*.tar.gz and dist/*.whl
	@rm -rf dist && mkdir -p build
	$(BIN)/python -m build --no-isolation --outdir dist . > build/wheel.log 2>&1 || \
		{ cat build/wheel.log; exit 1; }
	@ls -l dist

bench: $(DEV) ## run the benchmarks
	$(BIN)/python benchmarks/bvh.py
	$(BIN)/python benchmarks/extract.py "$$($(BIN)/python -c \
		'import mocap.assets; print(mocap.assets.fetch("demo_clip"))')"

clean: ## remove what make has made, the environment included
	@if [ -e $(VENV)/.made ]; then echo "rm -rf $(VENV)"; rm -rf $(VENV); fi
	rm -rf build dist demo-output *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path "./$(VENV)/*" -exec rm -rf {} +

interpreter:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo "mocap needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)"; \
		echo "Name another: make PYTHON=python3.12 ..."; exit 1; }

# What the wheels of opencv and mediapipe take from the system, without which they do not load.
libraries: interpreter
	@$(PYTHON) -c 'import ctypes, sys; sys.platform != "linux" or [ctypes.CDLL(n) for n in \
		("libGL.so.1", "libEGL.so.1", "libGLESv2.so.2", "libgthread-2.0.so.0")]' || { \
		echo "mocap needs this library of the system. Debian and Ubuntu have all that it needs in:"; \
		echo "  apt-get install libgl1 libegl1 libgles2 libglib2.0-0"; exit 1; }

# A Debian python3 without python3-venv cannot put pip into an environment, but can from outside.
$(VENV)/.made: | libraries
	$(PYTHON) -m venv $(VENV) || { $(PYTHON) -m venv --clear --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(BIN)/python install $(PIP_FLAGS) pip; }
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	$(PIP) install $(PIP_FLAGS) --editable .
	@touch $@

$(VENV)/.installed-%: $(VENV)/.installed
	$(PIP) install $(PIP_FLAGS) --editable ".[$(EXTRAS)]"
	@touch $@
