"""Answers four-letter words: which are known, which are allowed, and which need a server that serves.

1. Every word of the table is known, allowed or not; a word that is not known is the client's mistake, and not ours.
2. The whitelist is asked before anything else, and then whether the server serves.
3. An answer counts as a packet sent once it is made, so the numbers in it are those before it.
"""

from collections.abc import Callable
from typing import Final

from zkeeper.pipeline.link import ClientLink
from zkeeper.pipeline.service import Service
from zkeeper.server.words.connections import cons, crst
from zkeeper.server.words.facts import Question, ServerFacts
from zkeeper.server.words.mntr import mntr
from zkeeper.server.words.sessions import dump
from zkeeper.server.words.settings import conf, dirs, envi, hash_history
from zkeeper.server.words.status import isro, srst, srvr, stat
from zkeeper.server.words.texts import encoded
from zkeeper.server.words.watching import wchc, wchp, wchs

TELNET_BREAK: Final = bytes.fromhex("fff4fffd")
MASK_WORDS: Final = frozenset([b"gtmk", b"stmk"])
MASK_BYTES: Final = 8
DEFAULT_TRACE_MASK: Final = 306
NOT_SERVING: Final = "This ZooKeeper instance is not currently serving requests"

ANY_TIME: Final[dict[bytes, Callable[[Question], str]]] = {b"ruok": lambda question: "imok", b"envi": envi}
WHILE_SERVING: Final[dict[bytes, Callable[[Question], str]]] = {
    b"conf": conf,
    b"cons": cons,
    b"crst": crst,
    b"dirs": dirs,
    b"dump": dump,
    b"hash": hash_history,
    b"isro": isro,
    b"mntr": mntr,
    b"srst": srst,
    b"srvr": srvr,
    b"stat": stat,
    b"wchc": wchc,
    b"wchp": wchp,
    b"wchs": wchs,
}
WITHOUT_LINE_END: Final = {b"hash": NOT_SERVING, b"isro": "null"}
"""What a server that does not serve answers to these; to others it is `NOT_SERVING` and a line end."""
KNOWN: Final = frozenset([TELNET_BREAK, *MASK_WORDS, *ANY_TIME, *WHILE_SERVING])


class FourLetterWords:
    """The `WordAnswers` of a `Service`. `allows` is the whitelist, `serving` says whether the server takes requests."""

    def __init__(
        self, service: Service, facts: ServerFacts, allows: Callable[[str], bool], serving: Callable[[], bool]
    ) -> None:
        self._service = service
        self._facts = facts
        self._allows = allows
        self._serving = serving
        self._trace_mask = DEFAULT_TRACE_MASK

    def knows(self, word: bytes) -> bool:
        return word in KNOWN

    def answer(self, word: bytes, argument: bytes, link: ClientLink) -> bytes:
        """The whole answer; the connection closes behind it. `argument` is whatever came after the word."""
        if word == TELNET_BREAK:
            return b""
        answer = encoded(self._answer(word, argument, link))
        self._service.stats.packets_sent += 1
        return answer

    def _answer(self, word: bytes, argument: bytes, link: ClientLink) -> str:
        name = word.decode("ascii")
        if not self._allows(name):
            return f"{name} is not executed because it is not in the whitelist.\n"
        if word in MASK_WORDS:
            return self._answer_mask(word, argument)
        answer = ANY_TIME.get(word)
        if answer is None:
            if not self._serving():
                return WITHOUT_LINE_END.get(word, NOT_SERVING + "\n")
            answer = WHILE_SERVING[word]
        return answer(Question(self._service, self._facts, link))

    def _answer_mask(self, word: bytes, argument: bytes) -> str:
        """The trace mask is kept for tools that set it; nothing is traced by it."""
        if word == b"stmk":
            self._trace_mask = int.from_bytes(argument[:MASK_BYTES], "big", signed=True)
        return str(self._trace_mask)
