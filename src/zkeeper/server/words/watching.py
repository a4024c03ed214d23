"""wchs, wchc and wchp: who watches what, in the data table; watches for children alone are not told, as in Java.

wchc and wchp cost time and memory in proportion to the watches and hold everybody up meanwhile: they are off unless
the whitelist names them.
"""

from collections.abc import Iterable

from zkeeper.database.watch_table import WatchTable
from zkeeper.database.watches import NULL_PATH
from zkeeper.server.words.facts import Question
from zkeeper.server.words.texts import hexadecimal, path_text


def wchs(question: Question) -> str:
    table = _table(question)
    return (
        f"{len(table.by_watcher)} connections watching {len(table.by_path)} paths\n"
        f"Total watches:{table.watch_count()}\n"
    )


def wchc(question: Question) -> str:
    watchers = _table(question).by_watcher.items()
    by_session = sorted((hexadecimal(watcher.session_id), sorted(watched)) for watcher, watched in watchers)
    return _blocks((session, map(_watched, watched)) for session, watched in by_session)


def wchp(question: Question) -> str:
    by_path = sorted(_table(question).by_path.items())
    return _blocks(
        (_watched(path), sorted(hexadecimal(watcher.session_id) for watcher in watchers)) for path, watchers in by_path
    )


def _table(question: Question) -> WatchTable:
    return question.service.database.watches.data


def _watched(path: bytes) -> str:
    return "null" if path == NULL_PATH else path_text(path)


def _blocks(blocks: Iterable[tuple[str, Iterable[str]]]) -> str:
    parts: list[str] = []
    for title, lines in blocks:
        parts.append(f"{title}\n")
        parts.extend(f"\t{line}\n" for line in lines)
    return "".join(parts) + "\n"
