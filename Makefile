# `make run` brings the service up with sample data, `make test` checks everything. See README.md.
PYTHON ?= python3.11
VENV := .venv
UV := 0.13.9
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
# TORCH_BACKEND=cpu installs PyTorch's CPU build instead of the CUDA build.
TORCH_BACKEND ?=
# How our own packages are installed: this folder itself, or with SOURCE=. the wheel that is made of it.
SOURCE ?= -e .

# Set where an image is built, it would have every process compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run serve test test-fast lint bench quality audit sbom lock clean

run: $(VENV)/.runtime
	@$(BIN)/python -m local.launch --samples

serve: $(VENV)/.runtime
	@$(BIN)/python -m local.launch

test: lint test-fast
	$(PYTEST) -m "service or slow"

test-fast: $(VENV)/.dev
	$(PYTEST) -m "not (service or slow)"

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .

bench: $(VENV)/.dev
	@$(BIN)/python -m bench

quality: $(VENV)/.dev
	@$(BIN)/python -m bench.quality

audit: $(VENV)/.uv
	@.ci/audit $(BIN)/uv

sbom: $(VENV)/.runtime
	@mkdir -p build
	@$(BIN)/uv tool run --from cyclonedx-bom==7.5.0 cyclonedx-py environment --output-reproducible --of JSON -o build/sbom.json $(BIN)/python
	@echo "build/sbom.json"

lock: $(VENV)/.uv
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) build

$(VENV)/.uv:
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing; install Python 3.11 or set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "error: $(PYTHON) is not Python 3.11; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.uv requirements.lock pyproject.toml
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/.dev: $(VENV)/.uv requirements-dev.lock pyproject.toml
	@$(call install,requirements-dev.lock)
	@touch $@

define install
echo "Installing packages (several GB the first time) ..."; \
$(if $(TORCH_BACKEND),\
  $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --torch-backend $(TORCH_BACKEND) --no-verify-hashes \
    -c $(1) -r pyproject.toml --all-extras,\
  $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r $(1)) && \
$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation $(SOURCE)
endef
