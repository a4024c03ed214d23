"""Lets every test folder use the codec and the harness of the pipeline's tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "unit" / "pipeline"))
