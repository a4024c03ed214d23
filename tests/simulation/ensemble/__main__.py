"""Ensembles under faults by the thousand: `python -m tests.simulation.ensemble --seeds 10000`.

A run that fails is told with its seed; `--seed N --trace` replays it and tells what happened.
"""

import sys

from ..seeds import main  # noqa: TID252  the package has one name in pytest and another as a program
from .ensemble_run import ensemble_run

if __name__ == "__main__":
    sys.exit(main(ensemble_run, "tests.simulation.ensemble", sys.argv[1:]))
