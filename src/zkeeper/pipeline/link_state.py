"""The states of a link, in the order in which it may go through them; none is entered twice.

Comparisons rely on the order: from `CLOSING` on nothing that arrives is taken any more.
"""

from typing import Final

NEW: Final = 0
"""No frame has come yet."""
WAITING_FOR_SESSION: Final = 1
"""The session that it asked for is on its way to the disk."""
CONNECTED: Final = 2
CLOSING: Final = 3
"""It asked for the end of its session, which is on its way to the disk."""
CLOSED: Final = 4
