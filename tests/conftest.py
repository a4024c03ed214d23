"""Lets every test folder use the codec and the harness of the pipeline's tests, the transcripts of the shell's and
those of elections; settles how hypothesis runs."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path += [str(Path(__file__).parent / "unit" / folder) for folder in ("pipeline", "cli", "quorum")]

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("zkeeper", deadline=None)
settings.load_profile("zkeeper")
