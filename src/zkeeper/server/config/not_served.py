"""What a configuration may ask for and this version of zkeeper does not do.

Where a server without it would be less safe than its operator believes, it is refused; elsewhere a note says so.
Lines go from here as parts of the server arrive.
"""

import logging
from collections.abc import Callable, Iterator, Mapping

from zkeeper.server.config.auth_values import provider_scheme
from zkeeper.server.config.build import Given
from zkeeper.server.config.key_names import is_setting
from zkeeper.server.config.messages import Note
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.config.sources import Entries, Entry

SERVED_SCHEMES = frozenset({"ip", "digest"})
_NOT_YET = "not served by this version of zkeeper yet"


def refuse_tls(given: Given) -> None:
    """No TLS port is better than one that its operator believes to exist. Java takes port 0 for none, too."""
    if given.config.tls.secure_client_port:
        raise given.error(f"TLS is {_NOT_YET}", "remove secureClientPort and use clientPort", "secureClientPort")


def refuse_unsafe_ensemble(given: Given) -> None:
    """Members that their operator believes to be safe from strangers, or from an empty voter, must be."""
    security = given.config.peer_security
    if security.is_quorum_tls:
        raise given.error(f"TLS between servers is {_NOT_YET}", "remove sslQuorum", "sslQuorum")
    for is_required, key in (
        (security.is_learner_sasl_required, "quorum.auth.learnerRequireSasl"),
        (security.is_server_sasl_required, "quorum.auth.serverRequireSasl"),
    ):
        if is_required:
            raise given.error(f"SASL between servers is {_NOT_YET}", f"remove {key}", key)
    if not given.config.ensemble.is_db_autocreate:
        reason = f"keeping a member with an empty database from voting is {_NOT_YET}"
        raise given.error(reason, "remove db.autocreate=false", "db.autocreate")


def note_not_served(given: Given, config: ServerConfig, notes: list[Note]) -> None:
    for entry, what in _asked_for(given.entries, config):
        text = f"{entry.source}: {entry.spelling} has no effect: {what} {_NOT_YET}"
        notes.append(Note(logging.WARNING, text))


def _asked_for(entries: Entries, config: ServerConfig) -> Iterator[tuple[Entry, str]]:
    """What was asked for in so many words; a default asks for nothing."""
    for entry in entries.values():
        what = _belongs_to(entry, config)
        if what:
            yield entry, what


def _belongs_to(entry: Entry, config: ServerConfig) -> str:
    """The part of a server that a key asks for and that is not there, as the beginning of a sentence."""
    key = entry.key
    if key in _SWITCHES:
        is_wanted, what = _SWITCHES[key]
        return what if is_wanted(config) else ""
    if key in _MEMBER_SWITCHES:
        is_wanted, what = _MEMBER_SWITCHES[key]
        return what if config.quorum is not None and is_wanted(config) else ""
    if key.startswith("authProvider."):
        return "" if provider_scheme(entry.value).value in SERVED_SCHEMES else "its authentication scheme is"
    if key.startswith("admin.") and not config.admin.is_enabled:
        return ""  # Nor has it an effect in Java.
    return next((what for start, what in _PARTS.items() if is_setting(key) and key.startswith(start)), "")


# Keys that ask for something by one of their values.
_SWITCHES: Mapping[str, tuple[Callable[[ServerConfig], bool], str]] = {
    "admin.enableServer": (lambda config: config.admin.is_enabled, "the admin server is"),
    "metricsProvider.className": (lambda config: config.metrics.is_prometheus, "metrics for Prometheus are"),
    "client.portUnification": (lambda config: config.tls.is_client_port_unified, "TLS on the client port is"),
    "client.certReload": (lambda config: config.tls.is_cert_reload, "TLS is"),
    "allowSaslFailedClients": (lambda config: config.auth.is_failed_sasl_client_allowed, "SASL is"),
}
# The same for keys that mean something to a member of an ensemble only.
_MEMBER_SWITCHES: Mapping[str, tuple[Callable[[ServerConfig], bool], str]] = {
    "portUnification": (lambda config: config.peer_security.is_quorum_port_unified, "TLS between servers is"),
    "sslQuorumReloadCertFiles": (lambda config: config.peer_security.is_quorum_cert_reload, "TLS between servers is"),
    "quorum.auth.enableSasl": (lambda config: config.peer_security.is_quorum_sasl_enabled, "SASL between servers is"),
    **dict.fromkeys(
        (
            "quorum.auth.learner.saslLoginContext",
            "quorum.auth.server.saslLoginContext",
            "quorum.auth.kerberos.servicePrincipal",
        ),
        (lambda _: True, "SASL between servers is"),
    ),
    **dict.fromkeys(
        ("multiAddress.reachabilityCheckEnabled", "multiAddress.reachabilityCheckTimeoutMs"),
        (lambda _: True, "a check of addresses by ICMP is"),
    ),
}
# Keys that ask for something by being there, by how they start.
_PARTS: Mapping[str, str] = {
    "admin.": "the admin server is",
    "metricsProvider.": "metrics for Prometheus are",
    "ssl.": "TLS is",
    "superUser": "SASL is",
    "SASLAuthenticationProvider.": "SASL is",
    "letAnySaslUserDoX": "SASL is",
    "X509AuthenticationProvider.": "X.509 authentication is",
    "ensembleAuthName": "the authentication scheme ensemble is",
}
