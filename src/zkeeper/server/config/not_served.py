"""What a configuration may ask for and this version of zkeeper does not do.

Where a server without it would be less safe than its operator believes, it is refused; elsewhere a note says so.
Lines go from here as parts of the server arrive.
"""

import logging
from collections.abc import Iterator

from zkeeper.server.config.auth_values import provider_scheme
from zkeeper.server.config.build import Given
from zkeeper.server.config.messages import Note
from zkeeper.server.config.sources import Entry

SERVED_SCHEMES = frozenset({"ip", "digest"})
_NOT_YET = "not served by this version of zkeeper yet"


def refuse_tls(given: Given) -> None:
    """No TLS port is better than one that its operator believes to exist. Java takes port 0 for none, too."""
    if given.config.tls.secure_client_port:
        raise given.error(f"TLS is {_NOT_YET}", "remove secureClientPort and use clientPort", "secureClientPort")


def note_not_served(given: Given, notes: list[Note]) -> None:
    for entry, what in _asked_for(given):
        text = f"{entry.source}: {entry.spelling} has no effect: {what} {_NOT_YET}"
        notes.append(Note(logging.WARNING, text))


def _asked_for(given: Given) -> Iterator[tuple[Entry, str]]:
    """What was asked for in so many words; a default asks for nothing."""
    config = given.config
    for key, is_wanted, what in (
        ("admin.enableServer", config.admin.is_enabled, "the admin server is"),
        ("metricsProvider.className", config.metrics.is_prometheus, "metrics for Prometheus are"),
        ("client.portUnification", config.tls.is_client_port_unified, "TLS on the client port is"),
    ):
        if is_wanted and key in given.entries:
            yield given.entries[key], what
    for key, entry in given.entries.items():
        if key.startswith("ssl.") and not key.startswith("ssl.quorum."):
            yield entry, "TLS is"
        if key.startswith("authProvider.") and provider_scheme(entry.value).value not in SERVED_SCHEMES:
            yield entry, "its authentication scheme is"
