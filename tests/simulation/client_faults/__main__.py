"""Fault runs of the client by the thousand: `python -m tests.simulation.client_faults --seeds 10000`.

A run that fails is told with its seed; `--seed N --trace` replays it and tells what happened.
"""

import sys

from ..seeds import main  # noqa: TID252  the package has one name in pytest and another as a program
from .fault_run import client_fault_run

if __name__ == "__main__":
    sys.exit(main(client_fault_run, "tests.simulation.client_faults", sys.argv[1:]))
