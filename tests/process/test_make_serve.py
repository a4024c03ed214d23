"""`make serve` with a program in zkeeper's place: which words reach it, and that it ends with make."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DEADLINE_S = 30.0


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment whose `zkeeper` prints its number and its words, and waits for the end of its input."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    (tmp_path / "bin").mkdir()
    for name, text in (("python", "exit 0"), ("zkeeper", 'printf "told:%s\\n" $$ "$@" end; exec cat')):
        script = tmp_path / "bin" / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
    return tmp_path


@contextlib.contextmanager
def make_serve(environment: Path, words: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """make as it serves, and what the server has told."""
    command = [
        "make", "-C", str(REPOSITORY), "-o", f"{environment}/built", f"WHEEL_VENV={environment}", f"SERVE={words}",
        "serve",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        told = []
        while (line := process.stdout.readline().strip()) not in ("", "told:end"):
            told.append(line)
        yield process, [line.removeprefix("told:") for line in told if line.startswith("told:")]


def test_a_quoted_word_is_one_and_the_server_ends_with_make(environment: Path) -> None:
    with make_serve(environment, '"my zoo.cfg" --check') as (make, (number, *words)):
        assert words == ["serve", "my zoo.cfg", "--check"]
        make.terminate()
        assert make.wait(DEADLINE_S) != 0
        assert is_gone(int(number))


def is_gone(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True
