# One command for each thing one wants of the shop. Python >= 3.11 and make are all that must be there.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
MESSAGES := store/translations/fr/LC_MESSAGES/messages
export PYTHONUNBUFFERED := 1

.PHONY: help demo test check bench soak mutate format

help: ## what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/.ok $(MESSAGES).mo ## the shop, its worker and the Stripe sandbox on 127.0.0.1 (PORT, SANDBOX_PORT, INSTANCE_PATH)
	@exec $(BIN)/python -m store.demo.serve

test: .venv/.dev $(MESSAGES).mo ## every test, on SQLite and PostgreSQL, with a real browser
	@exec $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: .venv/.dev $(MESSAGES).mo ## format, lint, security scan, types, then every test (the import contract is one: tests/test_house.py)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/ast-grep scan --config tests/scan/sgconfig.yml --error=unused-suppression store config.py wsgi.py templates static/js deploy
	$(BIN)/mypy
	@$(MAKE) --no-print-directory test

format: .venv/.dev ## lay the code out
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.dev $(MESSAGES).mo ## speed, as ratios to named references in the same run
	@exec $(BIN)/python -m bench $(ARGS)

soak: .venv/.dev $(MESSAGES).mo ## wear the books out: random histories, kills, races, walks, deliveries; an hour or more, or MINUTES (SEED repeats a run)
	@exec $(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

mutate: .venv/.dev $(MESSAGES).mo ## break the code format and the ledger's writer in every small way, and see a test fail each time (FILE for one of them)
	@exec nice -n 10 $(BIN)/poodle $(if $(FILE),--only $(FILE))

.venv/.ok: requirements.txt
	@echo "  … libraries (a minute or less the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv && \
	  $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.txt || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: .venv/.ok requirements-dev.txt
	@echo "  … libraries of the tests"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m tests.browser
	@touch $@

$(MESSAGES).mo: $(MESSAGES).po .venv/.ok
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@ --locale fr
