# make run, make test, make lint: see README.md. Everything else here serves those.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
# Tests start hundreds of processes, and each would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE
bootstrap := sh localcloud/bootstrap.sh
bin := .venv/bin
compile := $(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

fast := tests/test_docs.py tests/test_dependencies.py tests/test_environment.py tests/identity tests/tasks \
	tests/etl/test_capture.py tests/etl/test_engine.py tests/etl/test_catalog.py tests/run/test_ports.py \
	tests/run/test_settings.py tests/api/test_costs.py

quick := "not slow and not long and not browser"
# Tests run in random order; SEED=<the number that a run printed> repeats its order.
SEED ?= default
shuffled := -p randomly --randomly-seed=$(SEED)

BENCH ?= api lists admin_lists insights language scale wire cold_start load durable

.PHONY: help run test test-fast test-long test-clock test-crash test-parity bench bench-lake screenshots lint format \
	errors messages lock sbom audit env clean lint-style lint-types lint-infra-types lint-stacks test-app test-checks

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: ## start everything; PORT, LOCAL_AWS_PORT, LOCAL_DIR, DEMO=0 and DURABLE=1 are honoured
	@exec env STOP_WITH_PARENT=1 $(bootstrap) run -m localcloud.run

test: env infra-env ## check and run a slice of every suite: eight to eleven minutes on two cores
	@$(MAKE) -j 2 --output-sync=target test-checks test-app

test-checks: lint test-infra

test-app:
	@exec $(bootstrap) test -m pytest $(shuffled) -n auto --dist loadfile -m "not long" $(ARGS)

test-long: .venv-audit/.complete ## run what test leaves out, and pages in full Chromium; start, kill and load whole systems
	@exec env WHOLE=1 CHROMIUM=/usr/bin/chromium $(bootstrap) test -m pytest -n auto --dist loadfile -m "long or browser or sliced" $(ARGS)

test-fast: ## run the rules, the API's costs, identity, the engine and the documents: under a minute
	@exec $(bootstrap) test -m pytest $(shuffled) -n auto --dist loadfile -m $(quick) $(or $(ARGS),$(fast))

test-clock: ## run test-fast at midnight, at a month's end, on a leap day and when clocks change, in other time zones
	@exec $(bootstrap) test -m tests.clock -n auto --dist loadfile -m $(quick) $(or $(ARGS),$(fast))

test-crash: ## kill everything under load ten times, take its power ten times, and count what was lost
	@exec $(bootstrap) test -m tests.run.crash --rounds 10 $(ARGS)

test-parity: .venv-spark4/.complete ## put 200,000 events through DuckDB, Spark and a plain count, run the Glue job, kill the lake at every write
	@exec $(bootstrap) test -m pytest tests/etl/large_parity.py tests/etl/glue_parity.py tests/etl/every_write.py \
		tests/etl/long_histories.py tests/etl/tallies_parity.py $(ARGS)

.venv-spark4/.complete: requirements/spark4.txt
	@$(bootstrap) test
	@$(bin)/uv venv --quiet --clear --python $(bin)/python .venv-spark4
	@$(bin)/uv pip install --quiet --python .venv-spark4/bin/python --require-hashes -r requirements/spark4.txt
	@touch $@

bench-lake: ## measure the lake at 200,000, 2 and 10 million events beside DuckDB by hand and PySpark: takes long
	@exec $(bootstrap) test -m bench.lake $(ARGS)

bench: ## print the tables of docs/benchmarks.md; BENCH=api for one of them
	@for name in $(BENCH); do echo "== $$name"; case $$name in \
		cold_start) $(MAKE) infra-env && $(infra_python) -m bench.cold_start $(ARGS);; \
		*) $(bootstrap) test -m bench.$$name $(ARGS);; esac || exit 1; done

screenshots: ## render every page at both sizes and themes into build/screenshots
	@exec $(bootstrap) test -m tests.screenshots $(ARGS)

env: ## make the environments without starting anything
	@$(bootstrap) dev

lint: env infra-env ## check style, types and templates, of pages and of stacks
	@$(MAKE) -j 2 lint-stacks lint-types lint-infra-types lint-style

lint-style:
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/lint-imports --no-cache > .lint-imports.log || { cat .lint-imports.log; exit 1; }
	@$(bin)/djlint --lint --quiet templates

lint-types:
	@$(bin)/mypy

lint-infra-types: # CDK's types are in .venv-infra only
	@$(bin)/mypy --python-executable $(infra_python) --cache-dir .mypy_cache/infra --follow-imports silent -p infra

lint-stacks:
	@$(infra_python) -m infra.lint

format: env ## rewrite the code in the project's style
	@$(bin)/ruff check --fix .
	@$(bin)/ruff format .
	@$(bin)/djlint --reformat --quiet templates

errors: env ## write docs/errors.md from the codes of the API's problems
	@$(bin)/python -m todo_site.api_problems > docs/errors.md

messages: env ## bring the translation catalogues up to date with the texts in code and templates
	@$(bin)/python -m localcloud.translations

lock: env ## renew the lock files from requirements/*.in
	@cd requirements && for name in web lake build localaws node spark spark4 audit dev; do \
		../$(compile) --upgrade $$name.in -o $$name.txt || exit 1; done

.venv-audit/.complete: requirements/audit.txt
	@$(bootstrap) test
	@$(bin)/uv venv --quiet --clear --python $(bin)/python .venv-audit
	@$(bin)/uv pip install --quiet --python .venv-audit/bin/python --require-hashes -r requirements/audit.txt
	@touch $@

shipped := web lake

sbom: env .venv-audit/.complete ## write what the product is made of into build/sbom, in CycloneDX's format
	@mkdir -p build/sbom
	@for name in $(shipped); do .venv-audit/bin/cyclonedx-py requirements --output-reproducible --output-format JSON \
		-o build/sbom/$$name.json requirements/$$name.txt && echo "wrote build/sbom/$$name.json" || exit 1; done

audit: env .venv-audit/.complete ## ask the advisories of PyPI and npm about what is pinned: needs the network
	@$(bin)/python -m localcloud.audit $(shipped) infra dev

clean: ## remove environments and caches; the data in .local stay
	rm -rf .venv .venv-audit .venv-aws .venv-infra .venv-node .venv-spark .venv-spark4 node_modules staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- AWS: the stage is STAGE=dev or prod; credentials come from the environment (docs/runbooks/deploy.md) ---
infra_python := .venv-infra/bin/python

.PHONY: infra-env test-infra deploy rollback env-of destroy deploy-rehearsal

# Rebuilt if the lock file has other content: a checkout changes the times of files.
infra-env: env
	@cmp -s requirements/infra.txt .venv-infra/.complete || { \
		echo "Making .venv-infra (CDK, cfn-lint, Zappa), once: takes about a minute"; \
		$(bin)/uv venv --quiet --clear --seed --python $(bin)/python .venv-infra && \
		$(bin)/uv pip install --quiet --python $(infra_python) --require-hashes -r requirements/infra.txt && \
		cp requirements/infra.txt .venv-infra/.complete; }

test-infra: infra-env ## synthesise the stacks, check them, create them in a local AWS
	@exec $(infra_python) -m pytest tests/infra -p no:django -o addopts="" --confcutdir=tests/infra -q $(ARGS)

deploy: infra-env ## deploy or update STAGE in your AWS account, then test it
	@exec $(infra_python) -m infra.deployment up $(or $(STAGE),dev)

rollback: infra-env ## let STAGE run the code before the present one, or that of VERSION=<version of the function>
	@exec $(infra_python) -m infra.deployment rollback $(or $(STAGE),dev)

env-of: ## print the exports that the commands of the runbooks need: eval "$$(make -s env-of STAGE=prod)"
	@$(MAKE) infra-env >&2
	@exec $(infra_python) -m infra.deployment env $(or $(STAGE),dev)

destroy: infra-env ## remove STAGE; ERASE_DATA=<stage> removes its data too; CONFIRM=<stage> answers the question
	@exec $(infra_python) -m infra.deployment down $(or $(STAGE),dev)

deploy-rehearsal: infra-env ## do all of it in a throwaway local AWS: deploy, test, update, remove
	@exec $(infra_python) -m infra.rehearsal $(ARGS)
