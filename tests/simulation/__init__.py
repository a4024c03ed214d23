"""The whole production server on simulated machines: crash runs from seeds, and scenarios on virtual time."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "unit" / "pipeline"))  # The codec of all tests, also without pytest.
