"""The differential tester: the same random requests, in lockstep, to two ZooKeeper servers; every answer compared.

It is a judge, so it shares nothing with what it judges: encoder and decoder are those of the tests, session passwords
are its own, and no module here imports the package under test. ``docs/differential.md`` says how to run it, what is
never sent, and why.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "unit" / "pipeline"))  # The codec of all tests, also without pytest.
