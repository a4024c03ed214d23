"""The blocking client, for threads and scripts: the twin of `zkeeper.client`, with the same words.

Sessions live on one background thread. What is asked in other threads is handed over to it, and waited for.
"""

from zkeeper.blocking.client import Client
from zkeeper.blocking.errors import CallTimeoutError, ForkedError
from zkeeper.blocking.retry import Retry
from zkeeper.blocking.steps import States, Steps
from zkeeper.blocking.transaction import ReadBatch, Transaction
from zkeeper.blocking.watch import Watch

__all__ = [
    "CallTimeoutError",
    "Client",
    "ForkedError",
    "ReadBatch",
    "Retry",
    "States",
    "Steps",
    "Transaction",
    "Watch",
]
