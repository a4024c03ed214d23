"""Recipe runs by the thousand: `python -m tests.simulation.recipes --seeds 10000`.

A run that fails is told with its seed; `--seed N --trace` replays it and tells what happened.
"""

import sys

from ..seeds import main  # noqa: TID252  the package has one name in pytest and another as a program
from .recipe_run import recipe_run

if __name__ == "__main__":
    sys.exit(main(recipe_run, "tests.simulation.recipes", sys.argv[1:]))
