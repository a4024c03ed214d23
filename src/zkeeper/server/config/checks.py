"""Checks that need more than one key, in the order of Java's parser and with its words.

Errors of a single value come before all of these. The last two checks Java makes when it starts to serve.
"""

from dataclasses import replace

from zkeeper.server.config.build import Given
from zkeeper.server.config.members import Member, check_dynamic_file, lone_member
from zkeeper.server.config.messages import ConfigError, Note
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.config.not_served import SERVED_SCHEMES, refuse_tls

_WILDCARDS = (None, "0.0.0.0", "::")
_QUORUM_AUTH = "quorum.auth."


def checked(given: Given, notes: list[Note]) -> ServerConfig:
    """The configuration in its final form: with the client address of a lone member, if that is where it is."""
    _check_election_algorithm(given)
    check_dynamic_file(given.entries)
    _check_quorum_auth(given)
    _check_data_dir(given)
    _check_addresses(given)
    refuse_tls(given)
    _check_times(given)
    _check_metrics(given)
    member = lone_member(given.entries, given.ensemble, notes)
    config = _with_client_address(given, member) if member is not None else given.config
    _check_reachable(given, config)
    _check_enforced_schemes(given)
    return config


def _check_election_algorithm(given: Given) -> None:
    if given.ensemble.get("electionAlg", 3) != 3:
        raise given.error("only election algorithm 3 exists", "remove the key", "electionAlg")


def _check_quorum_auth(given: Given) -> None:
    for needed, wanted in (
        ("enableSasl", "serverRequireSasl"),
        ("enableSasl", "learnerRequireSasl"),
        ("learnerRequireSasl", "serverRequireSasl"),
    ):
        needed, wanted = _QUORUM_AUTH + needed, _QUORUM_AUTH + wanted
        if given.ensemble.get(wanted, False) and not given.ensemble.get(needed, False):
            reason = f"{needed} is disabled, so cannot enable {wanted}"
            raise given.error(reason, f"write {needed}=true as well", wanted)


def _check_data_dir(given: Given) -> None:
    if not given.config.storage.data_dir:
        raise given.error("dataDir is not set", "name the folder for snapshots and logs", "dataDir")


def _check_addresses(given: Given) -> None:
    network, tls = given.config.network, given.config.tls
    for port, address, key in (
        (network.client_port, network.client_port_address, "clientPort"),
        (tls.secure_client_port or None, tls.secure_client_port_address, "secureClientPort"),
    ):
        if address is not None and port is None:
            raise given.error(f"{key}Address is set but {key} is not set", f"add {key}", f"{key}Address")


def _check_times(given: Given) -> None:
    sessions = given.config.sessions
    if sessions.tick_time_ms == 0:
        raise given.error("tickTime is not set", "write its milliseconds, usually 2000", "tickTime")
    if sessions.session_timeout_min_ms > sessions.session_timeout_max_ms:
        reason = "minSessionTimeout must not be larger than maxSessionTimeout"
        bounds = f"they are {sessions.session_timeout_min_ms} ms and {sessions.session_timeout_max_ms} ms"
        key = "minSessionTimeout" if "minSessionTimeout" in given.entries else "maxSessionTimeout"
        raise given.error(reason, bounds, key)


def _check_metrics(given: Given) -> None:
    if not given.config.metrics.is_known:
        advice = "remove the key, or name org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider"
        raise given.error("metrics provider class was not found", advice, "metricsProvider.className")


def _with_client_address(given: Given, member: Member) -> ServerConfig:
    network = given.config.network
    if member.client_port is None:
        return given.config
    if network.client_port is None:
        found = replace(network, client_port=member.client_port, client_port_address=member.client_host)
        sources = {**given.config.sources, "clientPort": member.entry.source, "clientPortAddress": member.entry.source}
        return replace(given.config, network=found, sources=sources)
    is_same_host = network.client_port_address in (*_WILDCARDS, member.client_host)
    if network.client_port != member.client_port or not is_same_host:
        raise _client_address_clash(given, member)
    return given.config


def _client_address_clash(given: Given, member: Member) -> ConfigError:
    network = given.config.network
    number = member.entry.key.removeprefix("server.")
    static = f"{network.client_port_address or '0.0.0.0'}:{network.client_port}"
    dynamic = f"{member.client_host or '0.0.0.0'}:{member.client_port}"
    reason = (
        f"client address for this server (id = {number}) in static config file is {static}"
        f" is different from client address found in dynamic file: {dynamic}"
    )
    return given.error(reason, "name the client address in one place only", member.entry.key)


def _check_reachable(given: Given, config: ServerConfig) -> None:
    if config.network.client_port is None:
        raise given.error("clientPort is not set, so no client could connect", "add clientPort=2181", "clientPort")


def _check_enforced_schemes(given: Given) -> None:
    auth = given.config.auth
    if auth.is_auth_enforced and not auth.enforced_schemes:
        reason = "enforce.auth.enabled is true and enforce.auth.schemes names no scheme"
        raise given.error(reason, "add enforce.auth.schemes, such as digest", "enforce.auth.enabled")
    for scheme in auth.required_schemes:
        if scheme not in auth.available_schemes & SERVED_SCHEMES:
            key = "enforce.auth.schemes" if scheme in auth.enforced_schemes else "sessionRequireClientSASLAuth"
            advice = "choose among " + ", ".join(sorted(auth.available_schemes & SERVED_SCHEMES))
            raise given.error(f"Authentication scheme {scheme} is not available.", advice, key)
