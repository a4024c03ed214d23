"""Type checkers accept the examples of the documentation, as strict as they can be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .doc_examples import ROOT, examples

PAGES = ("README.md", "docs/tutorial.md", "docs/client.md", "docs/blocking.md", "docs/recipes.md", "docs/testing.md")
DEADLINE_S = 300.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All examples, each a module."""
    folder = tmp_path_factory.mktemp("examples")
    for page in PAGES:
        found = examples(page)
        assert found, page
        for example in found:
            (folder / f"{example.name}.py").write_text(example.source)
    return folder


def accepted(folder: Path, *words: str) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stdout + done.stderr


def modules(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.glob("*.py"))


@pytest.mark.slow
def test_mypy_accepts_them(folder: Path) -> None:
    pytest.importorskip("mypy")
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--strict", "--cache-dir", str(folder / "cache")]
    accepted(folder, sys.executable, "-m", "mypy", *options, *modules(folder))


@pytest.mark.slow
def test_pyright_accepts_them(folder: Path) -> None:
    pytest.importorskip("pyright")
    # The types of kazoo itself are not complete.
    kazoo = [path.name for path in folder.glob("*.py") if "kazoo" in path.read_text()]
    settings = {"typeCheckingMode": "strict", "reportMissingTypeStubs": False, "exclude": kazoo}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    accepted(folder, sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--project", str(folder))


@pytest.mark.slow
def test_mypy_notices_a_wrong_one(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "wrong.py").write_text("import zkeeper\n\nzkeeper.connect(2181)\n")
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--strict", "--cache-dir", str(tmp_path / "cache")]
    with pytest.raises(AssertionError, match="arg-type"):
        accepted(tmp_path, sys.executable, "-m", "mypy", *options, str(tmp_path / "wrong.py"))
