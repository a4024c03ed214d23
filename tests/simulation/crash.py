"""Crash runs by the thousand: `python -m tests.simulation.crash --seeds 10000`.

A run that fails is told with its seed; `--seed N --trace` replays it and tells what happened.
"""

import sys

from .crash_run import crash_run
from .seeds import main

if __name__ == "__main__":
    sys.exit(main(crash_run, "tests.simulation.crash", sys.argv[1:]))
