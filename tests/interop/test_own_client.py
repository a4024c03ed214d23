"""The client's suite (`tests/client`) against Apache ZooKeeper, and against our server as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import need_zkjava
from .servers import KINDS, run_server

SUITE = Path(__file__).parents[1] / "client"
DEADLINE_S = 300.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_suite_of_the_client(kind: str, tmp_path: Path) -> None:
    if kind == "java":
        need_zkjava()
    with run_server(kind, tmp_path) as server:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(SUITE)],
            env={**os.environ, "ZKEEPER_TEST_SERVER": server.address},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:]
