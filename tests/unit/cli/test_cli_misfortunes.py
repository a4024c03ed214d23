"""What may go wrong around the tools: streams that are full, closed or of another encoding, input without sense."""

import asyncio
import json
import os
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest
from cli_program import DEADLINE_S, SOURCE, Done, program
from cli_server import running_server

from zkeeper.cli.transfer.export_format import read_export
from zkeeper.cli.transfer.records import RecordError
from zkeeper.client.client import connect

EVERY_TOOL = (
    "status {0}",
    "status --json {0}",
    "status --word srvr {0}",
    "tree -s {0} /",
    "tree --json -s {0} /",
    "shell -s {0} ls /",
    "shell --json -s {0} ls /",
    "export -s {0} /",
    "bench -s {0} --duration 0.1 --znodes 2",
)
LATIN_1 = {"PYTHONIOENCODING": "latin-1:strict"}
ASCII = {"PYTHONIOENCODING": "ascii:strict"}


async def in_bash(command: str, environment: dict[str, str] | None = None) -> tuple[int, bytes, str]:
    """Runs a line of bash in which `zkeeper` is ours."""
    ours = f'zkeeper() {{ {shlex.quote(sys.executable)} -m zkeeper "$@"; }}; {command}'
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", ours),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE), **(environment or {})},
    )
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    assert process.returncode is not None
    return process.returncode, out, err.decode()


def with_server(folder: Path, scenario: Callable[[str], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running_server(folder) as server:
            await scenario(server)

    asyncio.run(run())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is full")
def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        for tool in EVERY_TOOL:
            code, _, err = await in_bash(f"zkeeper {tool.format(server)} > /dev/full")
            assert (code, err) == (1, "[Errno 28] No space left on device\n"), tool

    with_server(tmp_path, scenario)


def test_output_that_nobody_reads_is_code_141(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        for tool in EVERY_TOOL:
            # The pipe is closed before the tool begins.
            line = f"exec 3> >(:); wait $!; zkeeper {tool.format(server)} >&3"
            code, _, err = await in_bash(line)
            assert (code, err) == (141, ""), tool

    with_server(tmp_path, scenario)


def test_streams_may_be_closed(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        assert await in_bash(f"zkeeper status {server} <&- >&- 2>&-") == (0, b"", "")
        assert (await in_bash(f"zkeeper shell --json -s {server} <&-"))[0] == 0
        code, out, _ = await in_bash(f"zkeeper shell --json -s {server} ls / <&- 2>&-")
        assert (code, json.loads(out)["names"]) == (0, ["zookeeper"])

    with_server(tmp_path, scenario)


def test_json_is_utf8_and_other_text_is_escaped_where_it_has_to_be(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        async with connect(server) as zk:
            await zk.create("/é", "→".encode())
        for environment in (LATIN_1, ASCII):
            _, out, _ = await in_bash(f"zkeeper shell --json -s {server} get /é", environment)
            assert json.loads(out.decode())["data"] == "→"
            _, out, _ = await in_bash(f"zkeeper tree --json -s {server}", environment)
            assert "/é" in out.decode()
            _, out, _ = await in_bash(f"zkeeper export -s {server} /", environment)
            assert {"/é", "/"} == {one["path"] for one in json.loads(out.decode())["znodes"]}
            code, out, err = await in_bash(f"zkeeper shell --plain -s {server} get /é", environment)
            assert (code, out.splitlines()[-1], err) == (0, b"\\u2192", "")
            code, _, err = await in_bash(f"zkeeper tree -s {server}", environment)
            assert (code, err) == (0, "")

    with_server(tmp_path, scenario)


def test_a_connect_string_that_is_wrong_ends_no_session(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        done = await program("shell", "--json", "-s", server, stdin=b"create -e /a\nconnect h:port\nget /a\n")
        wrong, found = map(json.loads, done.out.splitlines()[-2:])
        assert (wrong["exit_code"], wrong["error"]["text"]) == (1, "h:port: 'port' is no port number (1 to 65535)")
        assert (found["exit_code"], done.exit_code) == (0, 0)

    with_server(tmp_path, scenario)
    done = asyncio.run(program("shell", "-s", "h:port", "ls", "/"))
    assert (done.exit_code, "'port' is no port number" in done.err) == (2, True)


def test_a_line_that_is_too_long_is_told(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        done = await program("shell", "-s", server, stdin=b"x" * (4 * 1024 * 1024 + 1))
        assert (done.exit_code, done.err) == (1, "a line of the input has more than 4,194,304 bytes\n")

    with_server(tmp_path, scenario)


@pytest.mark.parametrize(
    "words",
    [("set", "-v", "2147483648", "/", "x"), ("delete", "-v", "-2147483649", "/a"), ("delete", "/a", "2147483648")],
)
def test_a_version_that_cannot_be_one(tmp_path: Path, words: Sequence[str]) -> None:
    async def scenario(server: str) -> None:
        done = await program("shell", "--json", "-s", server, *words)
        assert json.loads(done.out)["error"]["text"] == "-v must be followed by a version number"

    with_server(tmp_path, scenario)


def test_a_credential_may_be_any_bytes(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        code, out, _ = await in_bash(f"zkeeper shell --json -s {server} --auth $'digest:ann:\\xff' whoami")
        assert code == 0
        assert {"scheme": "digest", "id": "ann"} in json.loads(out)["identities"]

    with_server(tmp_path, scenario)


def test_answers_to_words_for_programs(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        done = await program("status", "--json", "--word", "ruok", server, "127.0.0.1:1")
        assert done.exit_code == 1
        well, ill = map(json.loads, done.out.splitlines())
        assert well == {"server": server, "answer": "imok", "error": None}
        assert (ill["server"], ill["answer"], bool(ill["error"])) == ("127.0.0.1:1", "", True)

    with_server(tmp_path, scenario)


# Imports.


class Whole:
    """A reader of a text, in pieces of a size that it counts."""

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()

    async def read(self, size_bytes: int = 65536) -> bytes:
        piece, self._bytes = self._bytes[:size_bytes], self._bytes[size_bytes:]
        return piece

    async def readline(self) -> bytes:
        raise NotImplementedError


@pytest.mark.parametrize("text", ['{"a": ' + "[" * 200_000, '{"a": ' + "9" * 20_000 + "}"])
def test_what_json_cannot_hold_is_no_export(text: str) -> None:
    async def read() -> None:
        async for _ in read_export(Whole(text)):
            raise AssertionError("there is no record")

    with pytest.raises(RecordError, match="this is no zkeeper-export"):
        asyncio.run(read())


def test_a_long_value_is_parsed_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time it turns out to be incomplete, as much again is read."""
    parsed: list[int] = []
    real = json.JSONDecoder.raw_decode

    def count(self: json.JSONDecoder, s: str, idx: int = 0) -> object:
        parsed.append(len(s))
        return real(self, s, idx)

    monkeypatch.setattr(json.JSONDecoder, "raw_decode", count)
    size = 8 * 1024 * 1024
    text = '{"format": "zkeeper-export", "version": 1, "root": "/", "znodes": [{"path": "/", "data": "'
    text += "x" * size + '", "acl": ["world:anyone:r"]}], "count": 1}'

    async def read() -> list[int]:
        return [len(record.data or b"") async for record in read_export(Whole(text))]

    assert asyncio.run(read()) == [size]
    assert sum(parsed) < 8 * size


def test_what_was_done_before_a_failure_is_told(tmp_path: Path) -> None:
    records = [{"path": f"/{name}", "data": "", "acl": ["world:anyone:cdrwa"]} for name in ("", "a", "b", "", "c")]
    records[3]["path"] = "/b/../x"
    file = tmp_path / "a.json"
    file.write_text(
        json.dumps({"format": "zkeeper-export", "version": 1, "root": "/", "znodes": records, "count": len(records)})
    )

    async def scenario(server: str) -> None:
        done: Done = await program("import", "-s", server, str(file), "/imp")
        assert done.exit_code == 1
        assert done.err.startswith("Stopped after 3 znodes: 3 created\n")

    with_server(tmp_path / "server", scenario)
