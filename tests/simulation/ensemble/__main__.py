"""Ensembles under faults by the thousand: `python -m tests.simulation.ensemble --seeds 10000`.

A run that fails is told with its seed; `--seed N --trace` replays it and tells what happened. `--layout 3` or, with two
observers, `--layout 5+2` has all runs play with that ensemble; a replay needs the same one again.
"""

import sys
from argparse import ArgumentParser
from functools import partial

from zkeeper.quorum.marks import MARKS

from ..seeds import main  # noqa: TID252  the package has one name in pytest and another as a program
from .ensemble_run import ensemble_run
from .servers import Layout


def layout(text: str) -> Layout:
    participants, _, observers = text.partition("+")
    return Layout(int(participants), int(observers or 0))


if __name__ == "__main__":
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--layout", type=layout)
    own, others = parser.parse_known_args()
    run = partial(ensemble_run, layout=own.layout)
    sys.exit(main(run, "tests.simulation.ensemble", others, [f"mark {name}" for name in MARKS]))
