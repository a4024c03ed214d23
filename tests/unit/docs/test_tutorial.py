"""The tutorial and the README do what they say: programs run, and print what stands below them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from zkeeper.testing import Server

from .doc_examples import ROOT, Example, examples

ADDRESS = "127.0.0.1:2181"
DEADLINE_S = 60.0
EXAMPLES = examples("docs/tutorial.md")
PROGRAMS = [one for one in EXAMPLES if one.output is not None]
TESTS = [one for one in EXAMPLES if one.output is None]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Server() as server:
        yield server.address


def run(*words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_programs_print_what_the_page_says(address: str) -> None:
    assert len(PROGRAMS) == 11
    for example in PROGRAMS:
        assert ADDRESS in example.source
        assert run("-c", example.source.replace(ADDRESS, address)) == example.output, f"line {example.line}"


@pytest.mark.parametrize("example", TESTS, ids=lambda one: one.name)
def test_its_tests_pass(example: Example, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "test_greeting.py").write_text(example.source)
    said = run("-m", "pytest", "-p", "zkeeper.testing.pytest_plugin", "-p", "no:cacheprovider", str(folder))
    assert f"{example.source.count('def test_')} passed" in said


def test_the_program_of_the_readme_runs(address: str) -> None:
    (example,) = examples("README.md")
    said = run("-c", example.source.replace(ADDRESS, address)).splitlines()
    assert said[0] == "b'work'"
    assert said[1].startswith("held since 0x")


def test_every_page_that_it_leads_to_exists() -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text()
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]*)\)", text)]
    assert len(links) > 5
    assert [link for link in links if link and not (ROOT / "docs" / link).exists()] == []
