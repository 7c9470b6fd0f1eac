# Two commands matter: `make lab` and `make test`. Both need only Python >= 3.11 and make; what else they need they
# install into .venv, once. Without make (Windows): python course/bootstrap.py lab

ifeq ($(OS),Windows_NT)
PYTHON ?= python
else
PYTHON ?= $(shell command -v python3 || command -v python || echo python3)
endif
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help lab test teach bench clean

help:
	@echo 'make lab     the course: JupyterLab in your workspace. Options: make lab ARGS="--port 9000 --no-browser"'
	@echo 'make test    run the tests. Options: make test ARGS="-k autograd -x"'
	@echo 'make teach   for instructors: JupyterLab with nbgrader in the classroom. Options as for lab'
	@echo 'make bench   training steps beside PyTorch and others: docs/performance.md. Options: make bench ARGS=mlp'
	@echo 'make clean   remove .venv and what was built; your workspace and the classroom stay'

lab teach test bench:
	@"$(PYTHON)" course/bootstrap.py $@ $(ARGS)

clean:
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis
