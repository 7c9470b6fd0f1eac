"""What has to be installed is said once: pyproject.toml, environment.yml and the code's imports agree."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

yaml = pytest.importorskip("yaml", reason="needs the extra `course`")

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
OURS = {"engine", "autograders", "course", "tests", "benchmarks"}
HELPERS = (ROOT / "tests", ROOT / "tests" / "autograders", ROOT / "tests" / "browser")  # whose files tests of other folders may import
NAMES_ON_CONDA_FORGE = {
    "jupyter-core": "jupyter_core",
    "ml-dtypes": "ml_dtypes",
    "matplotlib": "matplotlib-base",  # without Qt, which nothing here draws with
    "playwright": "playwright-python",  # `playwright` is the JavaScript one there
}
PACKAGE_OF = {
    "IPython": "ipython",
    "PIL": "pillow",
    "cupy": "cupy-cuda13x",
    "cupyx": "cupy-cuda13x",
    "jupyter_core": "jupyter-core",
    "ml_dtypes": "ml-dtypes",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def bounds(requirements):
    """{name: its bounds, as text} of requirement strings."""
    parsed = [Requirement(text) for text in requirements]
    return {requirement.name: str(requirement.specifier) for requirement in parsed}


def test_conda_and_pip_install_the_same():
    """The same packages with the same lower bounds, whichever way the environment is made."""
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    listed = bounds(entry for entry in conda if isinstance(entry, str) and entry != "pip")
    wanted = bounds(PROJECT["dependencies"] + EXTRAS["course"] + EXTRAS["teach"] + EXTRAS["test"])
    wanted = {NAMES_ON_CONDA_FORGE.get(name, name): bound for name, bound in wanted.items()}
    assert listed == wanted | {"python": PROJECT["requires-python"]}
    assert {"pip": ["--editable ."]} in conda


def test_bounds_are_lower_ones():
    """A pinned course dies with the next Python: each dependency has one lower bound and nothing else."""
    for requirements in (PROJECT["dependencies"], *EXTRAS.values()):
        for name, bound in bounds(requirements).items():
            assert bound.startswith(">=") and "," not in bound, (name, bound)


def test_the_core_needs_numpy_alone():
    assert list(bounds(PROJECT["dependencies"])) == ["numpy"]


def test_what_is_imported_is_declared():
    """Every module from elsewhere that our code or tests import belongs to a package in pyproject.toml."""
    declared = bounds(sum(EXTRAS.values(), PROJECT["dependencies"]))
    undeclared = {}
    for folder in sorted(OURS):
        for path in sorted((ROOT / folder).rglob("*.py")):
            neighbours = {file.stem for folder in (path.parent, *HELPERS) for file in folder.glob("*")}
            for module in imported(path) - sys.stdlib_module_names - OURS - neighbours:
                if PACKAGE_OF.get(module, module) not in declared:
                    undeclared.setdefault(module, []).append(str(path.relative_to(ROOT)))
    known_with = {  # what comes with a declared package for certain, and what a learner's answers make
        "packaging": "pytest", "dask": "distributed", "nbconvert": "jupyterlab", "my_engine": "autograders"}
    assert {module: paths for module, paths in undeclared.items() if module not in known_with} == {}


def imported(path):
    """The top-level names of the modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("package", ["engine", "autograders"])
def test_importing_takes_numpy_alone(package):
    """`import engine` and `import autograders` load nothing from elsewhere but numpy, so a bare install works."""
    code = f"import sys, {package}; print(*(name for name in sys.modules if hasattr(sys.modules[name], '__file__')))"
    listing = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    loaded = {name.partition(".")[0] for name in listing.split()} - sys.stdlib_module_names - OURS
    assert {name for name in loaded if not name.startswith(("_", "sitecustomize"))} <= {"numpy"}
