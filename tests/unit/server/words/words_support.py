"""What the tests of the words share: a service without sockets or disk, on clocks that the test moves."""

import struct
from dataclasses import dataclass, field

from zkeeper.database.auth import AuthRules
from zkeeper.database.database import Database, DatabaseOptions
from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.prepare import PrepareOptions
from zkeeper.pipeline.service import Service
from zkeeper.pipeline.settings import ServiceSettings
from zkeeper.pipeline.stats import Summary
from zkeeper.pipeline.surroundings import Surroundings
from zkeeper.server.words import FourLetterWords, ProcessFacts, ServerFacts
from zkeeper.wire import protocol

WALL_MS = 1_795_361_597_150  # 2026-11-22 15:33:17.150 UTC
NOW_MS = 500_000
FIRST_SESSION_ID = 0x1000025CA0D0000


def text(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value


OPEN_ACL = struct.pack(">ii", 1, protocol.ALL) + text(b"world") + text(b"anyone")


@dataclass
class FakeOutlet:
    """Keeps what was sent."""

    sent: bytearray = field(default_factory=bytearray)
    is_closed: bool = False

    def send(self, data: bytes) -> bool:
        self.sent += data
        return True

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None:
        self.is_closed = True


class Bench:
    """A service whose log makes everything durable when `commit` is called."""

    def __init__(self, allowed: str = "*") -> None:
        self.wall_ms = WALL_MS
        self.now_ms = NOW_MS
        self.is_serving = True
        self.links: list[ClientLink] = []
        self.last_appended = 0
        self.dbinittime = Summary()
        self.service = self._make_service()
        self.facts = self._facts()
        self.words = FourLetterWords(
            self.service, self.facts, lambda word: allowed == "*" or word in allowed.split(), lambda: self.is_serving
        )
        self.service.words = self.words

    def _make_service(self) -> Service:
        service = Service(
            Database(DatabaseOptions()), AuthRules(), ServiceSettings(4000, 40_000, 2000), PrepareOptions(),
            FIRST_SESSION_ID, Surroundings(lambda: self.wall_ms, lambda: self.now_ms, lambda sentence: None),
        )  # fmt: skip
        service.connect_log(self, lambda: None)
        service.start()
        return service

    def _facts(self) -> ServerFacts:
        return ServerFacts(
            client_port=lambda: 2181,
            data_folder="/data/version-2",
            log_folder="/log/version-2",
            data_folder_bytes=lambda: 457,
            log_folder_bytes=lambda: 67_108_880,
            max_client_cnxns=60,
            listen_backlog=-1,
            sessionless_timeout_ms=10_000,
            started_ms=NOW_MS,
            links=lambda: self.links,
            process=ProcessFacts(
                open_files=lambda: 12, max_files=lambda: 1024, environment=lambda: {"host.name": "one", "os.name": "X"}
            ),
            summaries={"dbinittime": self.dbinittime},
        )

    # The log.

    def append(self, zxid: int, payload: bytes) -> bool:
        self.last_appended = zxid
        return True

    def commit(self) -> None:
        self.service.committed(self.last_appended)

    # Clients.

    def connect(self) -> ClientLink:
        """A connection that has sent nothing yet."""
        link = ClientLink(self.service, FakeOutlet(), b"127.0.0.1", f"127.0.0.1:{40_000 + len(self.links)}")
        self.links.append(link)
        return link

    def open_session(self, timeout_ms: int = 30_000) -> ClientLink:
        link = self.connect()
        send(link, struct.pack(">iqiq", 0, 0, timeout_ms, 0) + text(bytes(16)) + b"\0")
        self.commit()
        return link

    def request(self, link: ClientLink, xid: int, op: int, body: bytes) -> None:
        send(link, struct.pack(">ii", xid, op) + body)
        self.commit()

    def create(self, link: ClientLink, xid: int, path: bytes, data: bytes = b"", flags: int = 0) -> None:
        send(link, create_frame(xid, path, data, flags))
        self.commit()

    def watch_data(self, link: ClientLink, xid: int, path: bytes) -> None:
        self.request(link, xid, protocol.GET_DATA, text(path) + b"\1")

    def ask(self, word: bytes, behind: bytes = b"") -> str:
        """What a client reads that sends `word` on a connection of its own."""
        link = self.connect()
        link.receive(word + behind)
        self.links.remove(link)
        outlet = link.outlet
        assert isinstance(outlet, FakeOutlet)
        assert outlet.is_closed
        return outlet.sent.decode()

    def metrics(self) -> dict[str, str]:
        return dict(line.split("\t") for line in self.ask(b"mntr").splitlines())


def send(link: ClientLink, frame: bytes) -> None:
    link.receive(text(frame))


def create_frame(xid: int, path: bytes, data: bytes = b"", flags: int = 0) -> bytes:
    body = text(path) + text(data) + OPEN_ACL + struct.pack(">i", flags)
    return struct.pack(">ii", xid, protocol.CREATE) + body
