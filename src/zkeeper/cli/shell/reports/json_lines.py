"""JSON for programs: each command is one object on one line of standard output, each watch event one, too.

1. Of a command: `command`, `exit_code`, what it gave under names of its own, `notes` if there are any, and `error` with
   `text`, `name`, `path` and `code` if it failed.
2. Of an event: `event` with `state`, `type`, `path` and `zxid`.
3. Data is text under `data` if it is UTF-8; otherwise `data` is base64 and `encoding` says so. Null data is null.
4. Numbers of 64 bits are hexadecimal strings.
5. What is typed or piped in and is not UTF-8 is shown with replacement characters.
"""

import base64
import json
from typing import TextIO

from zkeeper.cli.shell import results
from zkeeper.cli.shell.acl_texts import acl_text
from zkeeper.cli.shell.commands import COMMANDS
from zkeeper.cli.shell.reports import Event, Failure
from zkeeper.cli.shell.results import Result
from zkeeper.cli.shell.stat_texts import stat_values, unsigned_hex


class JsonReport:
    """Writes to `out`. A recursive listing is gathered before it is written."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._gathered: dict[str, object] = {}
        self._notes: list[str] = []

    def begin(self, words: list[str]) -> None:
        self._gathered = {"command": words}
        self._notes = []

    def show(self, result: Result) -> None:
        if isinstance(result, results.Path):
            paths = self._gathered.setdefault("paths", [])
            assert isinstance(paths, list)
            paths.append(result.path)
        else:
            self._gathered.update(result_values(result))

    def note(self, text: str) -> None:
        self._notes.append(text)

    def fail(self, failure: Failure) -> None:
        self._gathered["error"] = failure._asdict()

    def unknown(self, word: str) -> None:
        self.fail(Failure(f"Command not found: {word}", "CommandNotFound"))

    def end(self, exit_code: int) -> None:
        if self._notes:
            self._gathered["notes"] = self._notes
        self._write({"command": self._gathered.pop("command"), "exit_code": exit_code, **self._gathered})

    def event(self, event: Event) -> None:
        self._write({"event": {**event._asdict(), "zxid": unsigned_hex(event.zxid) if event.zxid >= 0 else None}})

    def banner(self, servers: str) -> None:
        pass

    def welcome(self, is_line_editor: bool) -> None:
        pass

    def _write(self, values: dict[str, object]) -> None:
        text = json.dumps(values, ensure_ascii=False)
        print(text.encode(errors="surrogateescape").decode(errors="replace"), file=self._out, flush=True)


def result_values(result: Result) -> dict[str, object]:
    match result:
        case results.Data(data):
            return data_values(data)
        case results.CreatedPath(path):
            return {"created": path}
        case results.StatOf(stat):
            return {"stat": stat_values(stat)}
        case results.AclOf(acl):
            return {"acl": [acl_text(one) for one in acl]}
        case results.Identities(identities):
            return {"identities": [{"scheme": scheme, "id": user} for scheme, user in identities]}
        case results.Count(number):
            return {"count": number}
        case results.Configuration(text):
            return {"configuration": text}
        case results.History(lines):
            return {"history": [{"number": number, "line": line} for number, line in lines]}
        case results.Help(names):
            return {"commands": {name: COMMANDS[name].usage for name in names or COMMANDS}}
        case results.Said(_, values):
            return values
        case _:
            return result._asdict()


def data_values(data: bytes | None) -> dict[str, object]:
    """Text where the bytes are text, base64 where not."""
    if data is None:
        return {"data": None}
    try:
        return {"data": data.decode()}
    except UnicodeDecodeError:
        return {"data": base64.b64encode(data).decode(), "encoding": "base64"}
