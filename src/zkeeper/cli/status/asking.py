"""Asks servers four-letter words."""

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from zkeeper.cli.status.srvr import Health, Status, read_srvr

if TYPE_CHECKING:
    from ssl import SSLContext

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Some words list every watch; but whatever listens there may never stop talking."""


MAY_BE_EMPTY: Final = frozenset(["hash"])
"""Words that say nothing when there is nothing to say: no digest is remembered yet. Nobody can tell that from a server
before 3.6, which does not know the word."""


class Answer(NamedTuple):
    """Of one server; `error` says why there is none."""

    server: str
    answer: str = ""
    error: str | None = None


async def answer_of(host: str, port: int, word: str, timeout_s: float, tls: "SSLContext | None" = None) -> Answer:
    """What the server says to the word."""
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return Answer(server, await _ask(host, port, word, timeout_s, tls))
    except TimeoutError:
        return Answer(server, error=f"no answer in {timeout_s:g} s")
    except OSError as error:
        return Answer(server, error=error.strerror or str(error))


async def word_of(host: str, port: int, word: str, timeout_s: float, tls: "SSLContext | None" = None) -> Answer:
    """As `answer_of`; what the server says when it does not do the word is an error."""
    found = await answer_of(host, port, word, timeout_s, tls)
    if found.error is not None:
        return found
    if not found.answer and word not in MAY_BE_EMPTY:
        reason = "the server does not know this word, or takes no more connections"
        return found._replace(error=f"no answer to {word}: {reason}")
    if found.answer.startswith(f"{word} is not executed because"):
        return found._replace(error=f"{word} is not in the server's 4lw.commands.whitelist")
    return found


async def _ask(host: str, port: int, word: str, timeout_s: float, tls: "SSLContext | None") -> str:
    """The whole answer. Raises `OSError` or `TimeoutError`."""
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        try:
            writer.write(word.encode(errors="surrogateescape"))
            return (await _read_to_end(reader)).decode(errors="replace")
        finally:
            writer.close()


async def _read_to_end(reader: asyncio.StreamReader) -> bytes:
    answer = bytearray()
    while piece := await reader.read(MAX_ANSWER_BYTES):
        answer += piece
        if len(answer) > MAX_ANSWER_BYTES:
            raise OSError(f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
    return bytes(answer)


async def status_of(host: str, port: int, timeout_s: float, tls: "SSLContext | None" = None) -> Status:
    """How the server is; one that cannot be reached has a status, too."""
    found = await answer_of(host, port, "srvr", timeout_s, tls)
    if found.error is not None:
        return Status(found.server, Health.UNREACHABLE, found.error)
    return read_srvr(found.server, found.answer)
