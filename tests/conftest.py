"""Lets every test folder use the codec and the harness of the pipeline's tests, and the transcripts of the shell's."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent / "unit" / folder) for folder in ("pipeline", "cli")]
