# `make run` opens the study room, and `make help` lists the rest. You need make and Python 3.11, 3.12 or 3.13.

.DEFAULT_GOAL := help
.PHONY: help run test soak coverage check format docs words vectors pictures lock clean install install-dev
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
ARGS ?=
TESTS ?=
# Three workers for two cores, because some tests wait for sockets and other processes. Bytecode is kept: to compile the
# tests anew takes each worker 5 s.
PYTEST = OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist worksteal

help: ## List these targets
	@grep -hE '^[a-z-]+:.*##' Makefile | awk -F ':[^#]*## *' '{ printf "make %-8s %s\n", $$1, $$2 }'

run: install ## Start the bot: on Discord or Slack if a token is set, or else in this terminal
	@$(BIN)/studyhall run $(ARGS)

test: install-dev ## Run the tests, or some of them: make test TESTS=tests/store
	@echo 'Tests (a few minutes)' >&2
	@$(PYTEST) $(TESTS)

soak: install-dev ## Run for hours what's too long for make test, or go on where that was stopped; ARGS=--help says more
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.soak $(ARGS)

coverage: install-dev ## Run the tests and list the lines of code that none of them reaches
	@$(PYTEST) --cov --cov-report term $(TESTS)

check: install-dev ## Check formatting, lint, types, import rules, dependencies, migrations and the bank
	@echo '1/8 Formatting (make format fixes it)' >&2
	@$(BIN)/ruff format --check .
	@echo '2/8 Lint' >&2
	@$(BIN)/ruff check .
	@echo '3/8 Types (a minute the first time)' >&2
	@$(BIN)/mypy
	@echo '4/8 Import rules' >&2
	@$(BIN)/lint-imports --no-logo
	@echo "5/8 Dependencies: what's imported is declared, and what's declared is used" >&2
	@$(BIN)/deptry bot knowledge migrations
	@$(BIN)/deptry --ignore DEP002,DEP004 tests benchmarks docs .ci .slack
	@echo '6/8 Migrations create the tables that the code declares' >&2
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	export DATABASE_URL="sqlite:///$$folder/check.db" STUDYHALL_DATA="$$folder" STUDYHALL_CONFIG=config.example.toml && \
	$(BIN)/studyhall db upgrade && $(BIN)/studyhall db check
	@echo '7/8 The parsed questions and vectors match the bank (make vectors fixes it)' >&2
	@$(BIN)/studyhall bank vectors --check
	@echo '8/8 The built-in bank (half a minute)' >&2
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	STUDYHALL_DATA="$$folder" STUDYHALL_CONFIG=config.example.toml $(BIN)/studyhall bank check

format: install-dev ## Format the code and fix what lint can fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: install ## Generate docs/commands.md and docs/settings.md
	@$(BIN)/studyhall docs

words: install ## List every sentence that people can see
	@$(BIN)/python .ci/words.py $(ARGS)

vectors: install ## Update the parsed questions and vectors, once you are done with the texts of the bank
	@$(BIN)/studyhall bank vectors

pictures: install-dev ## Draw the pictures in docs/images; those of Discord and Slack need Chromium
	@$(BIN)/python docs/pictures.py
	@$(BIN)/python docs/discord_pictures.py --kept
	@$(BIN)/python docs/slack_pictures.py --kept

lock: install-dev ## Update the lock files to the newest versions that pyproject.toml allows
	@echo 'Resolving (a minute)' >&2
	@$(BIN)/python .ci/lock.py

clean: ## Remove everything installed and cached, but keep data and settings
	@rm -rf .venv build ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

install:
	@.ci/install runtime

install-dev:
	@.ci/install dev
