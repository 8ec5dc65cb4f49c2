# `make run` opens the study room, `make help` names the rest. Python 3.11, 3.12 or 3.13 and make are all it takes.

.DEFAULT_GOAL := help
.PHONY: help run test soak coverage check format docs words vectors pictures lock clean install install-dev
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
ARGS ?=
TESTS ?=
# Three on two cores: some tests wait for sockets and other processes.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal

help: ## Name these targets
	@grep -hE '^[a-z-]+:.*##' Makefile | awk -F ':[^#]*## *' '{ printf "make %-8s %s\n", $$1, $$2 }'

run: install ## Open the study room: on Discord or Slack where a token is set, else in this terminal
	@$(BIN)/studyhall run $(ARGS)

test: install-dev ## Run the tests; some of them: make test TESTS=tests/store
	@echo 'Tests (a few minutes)' >&2
	@$(PYTEST) $(TESTS)

soak: install-dev ## Run the tests for hours: all on both databases, properties on thousands of new examples
	@$(PYTEST) --databases both --hypothesis-profile deep $(TESTS)

coverage: install-dev ## Run the tests and name the lines of code that none of them reaches
	@$(PYTEST) --cov --cov-report term $(TESTS)

check: install-dev ## Check formatting, lint, types, import rules, dependencies, migrations and the bank
	@echo '1/8 Formatting (make format puts it right)' >&2
	@$(BIN)/ruff format --check .
	@echo '2/8 Lint' >&2
	@$(BIN)/ruff check .
	@echo '3/8 Types (a minute the first time)' >&2
	@$(BIN)/mypy
	@echo '4/8 Import rules' >&2
	@$(BIN)/lint-imports --no-logo
	@echo '5/8 Dependencies: whatever is imported is declared, and the other way round' >&2
	@$(BIN)/deptry bot knowledge migrations
	@$(BIN)/deptry --ignore DEP002,DEP004 tests benchmarks docs .ci .slack
	@echo '6/8 Migrations make the tables that the code has' >&2
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	export DATABASE_URL="sqlite:///$$folder/check.db" STUDYHALL_DATA="$$folder" STUDYHALL_CONFIG=config.example.toml && \
	$(BIN)/studyhall db upgrade && $(BIN)/studyhall db check
	@echo '7/8 What comes prepared fits the bank (make vectors puts it right)' >&2
	@$(BIN)/studyhall bank vectors --check
	@echo '8/8 The built-in bank (half a minute)' >&2
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	STUDYHALL_DATA="$$folder" STUDYHALL_CONFIG=config.example.toml $(BIN)/studyhall bank check

format: install-dev ## Format the code and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: install ## Write docs/commands.md and docs/settings.md anew
	@$(BIN)/studyhall docs

words: install ## List every sentence that a person can see
	@$(BIN)/python .ci/words.py $(ARGS)

vectors: install ## Bring what comes prepared with the bank up to date, once its texts are done
	@$(BIN)/studyhall bank vectors

pictures: install-dev ## Draw the pictures in docs/images anew; those of Discord and Slack need chromium
	@$(BIN)/python docs/pictures.py
	@$(BIN)/python docs/discord_pictures.py --kept
	@$(BIN)/python docs/slack_pictures.py --kept

lock: install-dev ## Write the lock files anew, from the newest versions pyproject.toml allows
	@echo 'Resolving (a minute)' >&2
	@$(BIN)/python .ci/lock.py

clean: ## Remove what was installed and cached; data and settings stay
	@rm -rf .venv build ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

install:
	@.ci/install runtime

install-dev:
	@.ci/install dev
