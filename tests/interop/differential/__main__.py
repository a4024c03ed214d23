"""``python -m tests.interop.differential``."""

import sys

from .cli import main

sys.exit(main())
