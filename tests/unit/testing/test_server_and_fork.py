"""A process that has a server of `zkeeper.testing`, and forks."""

import subprocess
import sys

PROGRAM = """
import os, sys
from zkeeper.testing import Server

with Server(in_memory=True) as server:
    child = os.fork()
    if child == 0:
        sys.exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_child_that_was_forked_off_beside_a_server_ends_as_it_wants_to() -> None:
    """uvloop's thread pool, which a child lacks, crashed it at its end."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "7\n"
