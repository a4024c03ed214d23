"""One member of an ensemble and its server line (quorum, section 2.1):

    host:quorumPort:electionPort[:role][|...][;[host:]clientPort][;[host:]secureClientPort]

1. Members are values: they are never changed.
2. A host is kept as it was written, except for an IPv6 address, which has one form: eight groups, as Java prints it.
3. The addresses of a member are in the order of their hosts, whatever the order in which they were given.
"""

import re
from typing import Final, final

from zkeeper.wire.addresses import WILDCARD, canonical_address

_FORM: Final = (
    "{value} does not have the form server_config or server_config;client_config where server_config is the pipe"
    " separated list of host:port:port or host:port:port:type and client_config is port or host:port"
)
_FORM_ADVICE: Final = "write host:quorumPort:electionPort[:role][;[host:]clientPort]"
_HOST_AND_REST: Final = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)((?::[^:]*)*)")
_HOST: Final = re.compile(r"[!-~]+")
_PORT: Final = re.compile(r"\+?[0-9]{1,5}")


LEAST_SID: Final = 1
LARGEST_SID: Final = 255
"""Numbers of servers are a byte of session ids. ZooKeeper believes any number of 64 bits."""


class MembershipError(Exception):
    """A text that describes no membership: the reason, with ZooKeeper's words where it has some, and what to do.

    `key` is the line at fault, such as `server.1`; empty when it is none in particular.
    """

    def __init__(self, reason: str, advice: str, key: str = "") -> None:
        super().__init__(f"{reason} ({advice})")
        self.reason = reason
        self.advice = advice
        self.key = key


@final
class ClientAddress:
    """Where clients connect to."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClientAddress) and self.host == other.host and self.port == other.port

    def __hash__(self) -> int:
        return hash((self.host, self.port))

    def __repr__(self) -> str:
        return f"ClientAddress({str(self)!r})"

    def __str__(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"


@final
class MemberAddress:
    """Where a member is reached by the others: as a leader by its learners, and for elections."""

    def __init__(self, host: str, quorum_port: int, election_port: int) -> None:
        self.host = host
        self.quorum_port = quorum_port
        self.election_port = election_port

    def order(self) -> tuple[str, int, int]:
        return self.host, self.quorum_port, self.election_port

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MemberAddress) and self.order() == other.order()

    def __hash__(self) -> int:
        return hash(self.order())

    def __repr__(self) -> str:
        return f"MemberAddress({str(self)!r})"

    def __str__(self) -> str:
        return f"{bracketed(self.host)}:{self.quorum_port}:{self.election_port}"


@final
class Member:
    """A server of the ensemble. Without a `client` address its own configuration says where it serves clients."""

    def __init__(
        self,
        sid: int,
        addresses: tuple[MemberAddress, ...],
        is_observer: bool = False,
        client: ClientAddress | None = None,
        secure_client: ClientAddress | None = None,
    ) -> None:
        self.sid = sid
        self.addresses = tuple(sorted(set(addresses), key=_order))
        self.is_observer = is_observer
        self.client = client
        self.secure_client = secure_client

    @property
    def quorum_addresses(self) -> frozenset[tuple[str, int]]:
        """Host and port of each address on which it waits for learners while it leads."""
        return frozenset([(each.host, each.quorum_port) for each in self.addresses])

    def text(self) -> str:
        """The line behind `server.<sid>=` in its canonical form."""
        servers = "|".join([str(each) for each in self.addresses])
        line = f"{servers}:{'observer' if self.is_observer else 'participant'}"
        if self.client is None and self.secure_client is None:
            return line
        line += f";{self.client or ''}"
        return line if self.secure_client is None else f"{line};{self.secure_client}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Member) and self.sid == other.sid and self.text() == other.text()

    def __hash__(self) -> int:
        return hash((self.sid, self.text()))

    def __repr__(self) -> str:
        return f"Member({self.sid}, {self.text()!r})"


def _order(address: MemberAddress) -> tuple[str, int, int]:
    return address.order()


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def parse_member(sid: int, text: str) -> Member:
    """The member that a server line describes; `MembershipError` says what is wrong with it."""
    return _Line(f"server.{sid}", text).member(sid)


@final
class _Line:
    """A server line while it is taken apart."""

    def __init__(self, key: str, text: str) -> None:
        self._key = key
        self._text = text

    def member(self, sid: int) -> Member:
        servers, *clients = [part.strip() for part in self._text.split(";")]
        if len(clients) > 2:
            raise self._form_error()
        read = [self._server(spec.strip()) for spec in servers.split("|")]
        roles = {role for _, role in read if role}
        if len(roles) > 1:
            raise self._error(f"Multiple addresses should have similar roles: {self._text}", "choose one role")
        client, secure = [self._client(part) for part in (*clients, "", "")[:2]]
        return Member(sid, tuple([address for address, _ in read]), "observer" in roles, client, secure)

    def _server(self, spec: str) -> tuple[MemberAddress, str]:
        """An address and the role; empty when the line names it elsewhere or not at all."""
        host, parts = self._split(spec)
        if len(parts) not in (2, 3):
            raise self._form_error()
        quorum_port, election_port = self._port(host, parts[0]), self._port(host, parts[1])
        if quorum_port == election_port:
            reason = "Client and election port must be different! Please update the configuration file on "
            raise self._error(reason + self._key, _FORM_ADVICE)
        role = parts[2].strip().lower() if len(parts) == 3 else ""
        if len(parts) == 3 and role not in ("participant", "observer"):
            raise self._error(f"Unrecognised peertype: {parts[2]}", "write participant or observer")
        return MemberAddress(host, quorum_port, election_port), role

    def _client(self, part: str) -> ClientAddress | None:
        if not part:
            return None
        if ":" not in part:
            return ClientAddress(WILDCARD, self._port(WILDCARD, part))
        host, ports = self._split(part)
        if len(ports) != 1:
            raise self._form_error()
        return ClientAddress(host, self._port(host, ports[0]))

    def _split(self, text: str) -> tuple[str, list[str]]:
        match = _HOST_AND_REST.fullmatch(text)
        if match is None:
            raise self._form_error()
        host = match[1].removeprefix("[").removesuffix("]")
        if not _HOST.fullmatch(host) or any(sign in host for sign in "=,\\"):
            raise self._form_error()
        return _canonical(host), match[2].split(":")[1:]

    def _port(self, host: str, text: str) -> int:
        if not _PORT.fullmatch(text):
            raise self._error(f"Address unresolved: {host}:{text}", "write a port from 0 to 65535")
        if int(text) > 0xFFFF:
            raise self._error(f"port {text} is out of range", "write a port from 0 to 65535")
        return int(text)

    def _form_error(self) -> MembershipError:
        return self._error(_FORM.format(value=self._text), _FORM_ADVICE)

    def _error(self, reason: str, advice: str) -> MembershipError:
        return MembershipError(reason, advice, self._key)


def _canonical(host: str) -> str:
    """An IPv6 address in Java's form; one with a zone, which means something on one machine only, stays as it is."""
    return canonical_address(host).decode("ascii") if ":" in host and "%" not in host else host
