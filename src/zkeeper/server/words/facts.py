"""What the words tell of a server beyond its request road; whoever builds the server fills it in."""

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.service import Service
from zkeeper.pipeline.stats import Summary
from zkeeper.storage.disk import Disk


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessFacts:
    """Of the operating system's process; the defaults say nothing."""

    open_files: Callable[[], int] = lambda: 0
    max_files: Callable[[], int] = lambda: 0
    environment: Callable[[], Mapping[str, str]] = dict


class Sizes(NamedTuple):
    """In bytes; -1 before the first."""

    last: int
    least: int
    most: int


class QuorumFacts(Protocol):
    """What a member of an ensemble tells beside what every server does; all of it as it is when somebody asks."""

    def configuration(self) -> Mapping[str, object]:
        """The lines of conf that only a member has, but for the membership."""
        ...

    def membership(self) -> str:
        """The committed one, in its canonical text."""
        ...

    def state(self) -> Mapping[str, int | str]:
        """The first metrics, by name: the role and its phase, and whom an observer observes."""
        ...

    def gauges(self) -> Mapping[str, int]: ...

    def counters(self) -> Mapping[str, int]: ...

    def summaries(self) -> Mapping[str, Summary]: ...

    def proposal_sizes(self) -> Sizes | None:
        """None of a server that does not lead."""
        ...

    def reset(self) -> None:
        """Counters and summaries begin anew."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerFacts:
    """`started_ms` is the service's monotonic clock when it began to serve; the folders are those that hold files.

    `mode` is how the server stands to others: standalone, leader, follower, observer or read-only. `quorum` is a
    member's only.

    `links` gives every open connection in the order they were accepted. `summaries` are measured outside the request
    road, by the name of their metric (`dbinittime`); srst resets them with the others.
    """

    client_port: Callable[[], int]
    data_folder: str
    log_folder: str
    data_folder_bytes: Callable[[], int]
    log_folder_bytes: Callable[[], int]
    max_client_cnxns: int
    listen_backlog: int
    sessionless_timeout_ms: int
    started_ms: int
    links: Callable[[], list[ClientLink]]
    server_id: int = 0
    mode: str = "standalone"
    quorum: QuorumFacts | None = None
    process: ProcessFacts = field(default_factory=ProcessFacts)
    summaries: Mapping[str, Summary] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """One word that was asked, by the client of `link`."""

    service: Service
    facts: ServerFacts
    link: ClientLink


def folder_bytes(disk: Disk, folder: str) -> int:
    """The size of all files in `folder`; one that is removed meanwhile does not count.

    It blocks for one stat of each file (0.1 ms for twenty), although the loop serves clients: a word is answered on the
    spot, by a link that has no way to wait for a lane of the disk.
    """
    total = 0
    for name in disk.names(folder):
        with contextlib.suppress(FileNotFoundError):
            total += disk.size_bytes(os.path.join(folder, name))
    return total
