"""Checks that need more than one key, in the order of Java's parser and with its words.

Errors of a single value come before all of these. The last two checks Java makes when it starts to serve.
"""

from zkeeper.server.config.build import Given
from zkeeper.server.config.client_address import with_missing_client_address
from zkeeper.server.config.members import ReadFile, check_dynamic_file, listed_members, stands_alone
from zkeeper.server.config.messages import Note
from zkeeper.server.config.model import ServerConfig
from zkeeper.server.config.not_served import SERVED_SCHEMES, refuse_tls
from zkeeper.server.config.quorum_member import as_member

_QUORUM_AUTH = "quorum.auth."


def checked(given: Given, read_file: ReadFile, notes: list[Note]) -> ServerConfig:
    """The configuration in its final form: with the client address of the own line, if it is there, and `quorum`."""
    _check_election_algorithm(given)
    check_dynamic_file(given)
    _check_quorum_auth(given)
    _check_data_dir(given)
    _check_addresses(given)
    refuse_tls(given)
    _check_times(given)
    _check_metrics(given)
    config = _with_members(given, read_file, notes)
    _check_reachable(given, config)
    _check_enforced_schemes(given)
    return config


def _with_members(given: Given, read_file: ReadFile, notes: list[Note]) -> ServerConfig:
    listed = listed_members(given, read_file, notes)
    if not stands_alone(given, listed, notes):
        return as_member(given, listed, read_file, notes)
    lone = min(listed.membership.participants, default=None)
    return given.config if lone is None else with_missing_client_address(given, listed, lone)


def _check_election_algorithm(given: Given) -> None:
    if given.config.ensemble.election_algorithm != 3:
        raise given.error("only election algorithm 3 exists", "remove the key", "electionAlg")


def _check_quorum_auth(given: Given) -> None:
    security = given.config.peer_security
    enabled = (security.is_quorum_sasl_enabled, "enableSasl")
    learner = (security.is_learner_sasl_required, "learnerRequireSasl")
    server = (security.is_server_sasl_required, "serverRequireSasl")
    for (is_there, needed), (is_wanted, wanted) in ((enabled, server), (enabled, learner), (learner, server)):
        if is_wanted and not is_there:
            reason = f"{_QUORUM_AUTH}{needed} is disabled, so cannot enable {_QUORUM_AUTH}{wanted}"
            raise given.error(reason, f"write {_QUORUM_AUTH}{needed}=true as well", _QUORUM_AUTH + wanted)


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
