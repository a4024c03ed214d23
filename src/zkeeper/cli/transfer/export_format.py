"""The file of an export: one JSON object, written and read as a stream.

    {"format": "zkeeper-export", "version": 1, "root": "/app", "znodes": [
    {"path": "/", "data": "x", "acl": ["world:anyone:cdrwa"]},
    {"path": "/a", "data": "/w==", "encoding": "base64", "acl": ["world:anyone:cdrwa"]}
    ], "count": 2}

1. It is valid JSON for every program; one znode stands on one line, so that line tools work, too.
2. `count` comes last: a file without it was cut off, and reading it fails at the end.
3. A reader takes any layout of the same members in the same order.
"""

import codecs
import json
from collections.abc import AsyncIterator
from typing import Final

from zkeeper.cli.streams import Reader
from zkeeper.cli.transfer.records import Record, RecordError, read_record, record_values

FORMAT: Final = "zkeeper-export"
VERSION: Final = 1
MAX_RECORD_CHARACTERS: Final = 64 * 1024 * 1024
_BLANKS: Final = " \t\r\n"


def head_text(root: str) -> str:
    head = json.dumps({"format": FORMAT, "version": VERSION, "root": root}, ensure_ascii=False)
    return head[:-1] + ', "znodes": ['


def record_text(record: Record, is_first: bool) -> str:
    return ("\n" if is_first else ",\n") + json.dumps(record_values(record), ensure_ascii=False)


def tail_text(count: int) -> str:
    return f'\n], "count": {count}}}\n'


async def read_export(reader: Reader) -> AsyncIterator[Record]:
    """The records, each as soon as it is read. Raises `RecordError` for what is no export, or not all of one."""
    text = _Text(reader)
    await _read_head(text)
    count = 0
    while (separator := await text.take_one_of("{],")) != "]":
        if separator == "{":
            text.give_back()
            yield read_record(await text.take_value())
            count += 1
    await _read_tail(text, count)


async def _read_head(text: "_Text") -> None:
    await text.take_one_of("{")
    values: dict[str, object] = {}
    while True:
        name = await text.take_value()
        await text.take_one_of(":")
        if name == "znodes":
            await text.take_one_of("[")
            break
        values[str(name)] = await text.take_value()
        await text.take_one_of(",")
    if values.get("format") != FORMAT or values.get("version") != VERSION:
        raise RecordError(f"this is no {FORMAT} of version {VERSION}")


async def _read_tail(text: "_Text", count: int) -> None:
    await text.take_one_of(",")
    name = await text.take_value()
    await text.take_one_of(":")
    told = await text.take_value()
    if name != "count" or told != count:
        raise RecordError(f"the file tells of {told} znodes and has {count}")
    await text.take_one_of("}")


class _Text:
    """What was read and not taken yet."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0

    async def take_one_of(self, wanted: str) -> str:
        """The next character that is not blank, which has to be one of `wanted`."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANKS:
                self._at += 1
            if self._at < len(self._text):
                break
            await self._read_more()
        found = self._text[self._at]
        if found not in wanted:
            raise RecordError(f"{found!r} where one of {wanted!r} has to be")
        self._at += 1
        return found

    def give_back(self) -> None:
        self._at -= 1

    async def take_value(self) -> object:
        """The next value, which may be of any length that fits a znode."""
        while True:
            try:
                start = self._at
                while start < len(self._text) and self._text[start] in _BLANKS:
                    start += 1
                value, end = self._json.raw_decode(self._text, start)
            except json.JSONDecodeError as error:
                await self._read_more(error)
                continue
            except (RecursionError, ValueError) as error:
                raise RecordError(f"this is no {FORMAT}: {error}") from None
            if end == len(self._text) and not isinstance(value, str | dict | list):
                await self._read_more()
                continue
            self._at = end
            return value

    async def _read_more(self, error: json.JSONDecodeError | None = None) -> None:
        if len(self._text) - self._at > MAX_RECORD_CHARACTERS:
            raise RecordError(f"this is no JSON: {error}" if error else "the file has only blanks")
        chunk = await self._read_as_much_again()
        if not chunk:
            raise RecordError(
                "the file ends too early: it was cut off" if error is None else f"cut off, or no JSON: {error}"
            )
        try:
            self._text = self._text[self._at :] + self._decoder.decode(chunk)
        except UnicodeDecodeError as wrong:
            raise RecordError(f"the file is not UTF-8: {wrong}") from None
        self._at = 0

    async def _read_as_much_again(self) -> bytes:
        """So that a long value, which is parsed anew each time, takes time in proportion to its length."""
        wanted, chunk = len(self._text) - self._at, bytearray()
        while len(chunk) <= wanted and (piece := await self._reader.read()):
            chunk += piece
        return bytes(chunk)
