"""Run every kazoo check: `python -m interop.clients.kazoo_client SERVER PROXY CONTROL`."""

import functools
import sys

from interop.clients.harness import Addresses, run_checks

from . import nodes, recipes, sessions, watches
from .bench import run_in_bench

ALL = {**nodes.CHECKS, **watches.CHECKS, **recipes.CHECKS, **sessions.CHECKS}

addresses = Addresses(*sys.argv[1:4])
sys.exit(run_checks({name: functools.partial(run_in_bench, name, check, addresses) for name, check in ALL.items()}))
