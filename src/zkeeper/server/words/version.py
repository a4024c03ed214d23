"""The version as tools read it: the ZooKeeper release whose behaviour zkeeper has, then zkeeper's own.

Tools cut it at the first `-`, or at `, built on `, and compare numbers to learn what a server can do; both parts are
therefore the release's, and the revision between them tells that this is zkeeper.
"""

from typing import Final

from zkeeper import __version__

RELEASE: Final = "3.9.5"
RELEASE_BUILT: Final = "2026-02-11 20:18 UTC"
VERSION: Final = f"{RELEASE}-zkeeper-{__version__}, built on {RELEASE_BUILT}"
