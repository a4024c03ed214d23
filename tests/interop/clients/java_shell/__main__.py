"""Run every check of the shell: `python -m interop.clients.java_shell SERVER PROXY CONTROL`."""

import functools
import sys

from interop.clients.harness import Addresses, run_checks

from . import nodes, sessions, watches
from .bench import run_in_bench
from .shell import Shell

ALL = {**nodes.CHECKS, **watches.CHECKS, **sessions.CHECKS}

addresses = Addresses(*sys.argv[1:4])
shell = Shell(addresses.server)
exit_code = run_checks(
    {name: functools.partial(run_in_bench, name, check, addresses, shell) for name, check in ALL.items()}
)
shell.close()
sys.exit(exit_code)
