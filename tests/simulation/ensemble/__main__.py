"""Ensembles under faults by the thousand: `python -m tests.simulation.ensemble --seeds 10000`.

A run that fails is told with its seed; `--seed N --trace` replays it and tells what happened. `--layout 3` or, with two
observers, `--layout 5+2` has all runs play with that ensemble; a replay needs the same one again. Marks that no run has
reached are told; each of them has a scenario in `test_marks_reached.py`.
"""

import sys
from functools import partial

from zkeeper.quorum.marks import MARKS

from ..seeds import argument_parser, play  # noqa: TID252  the package has one name in pytest and another as a program
from .ensemble_run import ensemble_run
from .servers import Layout

PROGRAM = "tests.simulation.ensemble"


def layout(text: str) -> Layout:
    participants, _, observers = text.partition("+")
    return Layout(int(participants), int(observers or 0))


def main(arguments: list[str]) -> int:
    parser = argument_parser(PROGRAM)
    meaning = "play with that ensemble, such as 3 or 5+2, where each seed draws its own otherwise"
    parser.add_argument("--layout", type=layout, metavar="VOTERS[+OBSERVERS]", help=meaning)
    options = parser.parse_args(arguments)
    wanted: Layout | None = options.layout
    program = PROGRAM if wanted is None else f"{PROGRAM} --layout {wanted.participants}+{wanted.observers}"
    return play(partial(ensemble_run, layout=wanted), program, options, [f"mark {name}" for name in MARKS])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
