"""zkeeper: Apache ZooKeeper in Python."""

from typing import Final

__version__: Final = "0.1.0"
