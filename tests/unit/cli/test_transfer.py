"""Exports, imports and copies."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import click
import pytest
from cli_program import program
from cli_server import running_server
from hypothesis import given
from hypothesis import strategies as st

from zkeeper.cli.connecting import Connecting
from zkeeper.cli.failures import ToolError
from zkeeper.cli.places import TreePlace, read_place
from zkeeper.cli.transfer.export_format import head_text, read_export, record_text, tail_text
from zkeeper.cli.transfer.records import Record, RecordError, read_record, record_values
from zkeeper.cli.transfer.source import Source
from zkeeper.cli.transfer.target import Existing, Tally, Target
from zkeeper.client.client import AsyncClient
from zkeeper.values import OPEN_ACL, Acl, Permission

RECORDS = [
    Record("/", b"root", OPEN_ACL),
    Record("/bin", b"\xff\xfe", (Acl(Permission.READ, "digest", "u:h="), *OPEN_ACL)),
    Record("/nul", None, OPEN_ACL),
    Record("/d", '[é\\"'.encode(), OPEN_ACL),
    Record("/d/empty", b"", OPEN_ACL, is_ephemeral=True),
]


class Pieces:
    """A reader that gives `text` in pieces of `size` bytes."""

    def __init__(self, text: str, size: int) -> None:
        self._bytes = text.encode()
        self._size = size

    async def read(self, size_bytes: int = 0) -> bytes:
        piece, self._bytes = self._bytes[: self._size], self._bytes[self._size :]
        return piece

    async def readline(self) -> bytes:
        raise NotImplementedError


def export_of(records: Sequence[Record]) -> str:
    lines = [record_text(record, is_first=not at) for at, record in enumerate(records)]
    return head_text("/app") + "".join(lines) + tail_text(len(records))


def read_all(text: str, size: int = 1 << 20) -> list[Record]:
    async def read() -> list[Record]:
        return [record async for record in read_export(Pieces(text, size))]

    return asyncio.run(read())


data = st.none() | st.binary() | st.text().map(lambda text: text.encode(errors="replace"))


@given(data)
def test_any_data_survives(value: bytes | None) -> None:
    record = Record("/a", value, OPEN_ACL)
    assert read_record(json.loads(json.dumps(record_values(record)))) == record


def test_an_export_is_json_with_a_znode_on_each_line() -> None:
    text = export_of(RECORDS)
    values = json.loads(text)
    assert [znode["path"] for znode in values["znodes"]] == [record.path for record in RECORDS]
    assert (values["root"], values["count"]) == ("/app", len(RECORDS))
    assert [json.loads(line.rstrip(","))["path"] for line in text.splitlines()[1:-1]] == [
        "/",
        "/bin",
        "/nul",
        "/d",
        "/d/empty",
    ]


@pytest.mark.parametrize("size", [1, 2, 7, 100, 1 << 20])
def test_an_export_is_read_in_any_pieces(size: int) -> None:
    assert read_all(export_of(RECORDS), size) == RECORDS


@pytest.mark.parametrize("indent", [None, 0, 4])
def test_an_export_is_read_in_any_layout(indent: int | None) -> None:
    assert read_all(json.dumps(json.loads(export_of(RECORDS)), indent=indent), 10) == RECORDS


def test_an_export_that_was_cut_off_anywhere_is_refused() -> None:
    text = export_of(RECORDS).rstrip()
    for end in range(len(text)):
        with pytest.raises(RecordError):
            read_all(text[:end])


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"format": "other", "version": 1, "znodes": [], "count": 0}',
        '{"format": "zkeeper-export", "version": 2, "znodes": [], "count": 0}',
        '{"format": "zkeeper-export", "version": 1, "znodes": [], "count": 1}',
        '{"format": "zkeeper-export", "version": 1, "znodes": [{"path": "/"}], "count": 1}',
        '{"format": "zkeeper-export", "version": 1, "znodes": [{"path": "a", "acl": ["world:anyone:r"]}], "count": 1}',
        '{"format": "zkeeper-export", "version": 1, "znodes": [{"path": "/", "acl": ["x"]}], "count": 1}',
        '{"format": "zkeeper-export", "version": 1, "znodes": [{"path": "/", "data": 1, "acl": ["a:b:r"]}]}',
    ],
)
def test_what_is_no_export_is_refused(text: str) -> None:
    with pytest.raises(RecordError):
        read_all(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/a/b", TreePlace("default:1", "/a/b")),
        ("/", TreePlace("default:1", "/")),
        ("h1:1,h2:2/a/", TreePlace("h1:1,h2:2", "/a")),
    ],
)
def test_places(text: str, place: TreePlace) -> None:
    assert read_place(text, "default:1") == place


@pytest.mark.parametrize("text", ["h:1", "h:1/a//b", ""])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        read_place(text, "default:1")


async def stream(records: Sequence[Record]) -> AsyncIterator[Record]:
    for record in records:
        yield record


async def put(zk: AsyncClient, root: str, records: Sequence[Record], existing: Existing = Existing.FAIL) -> Tally:
    target = Target(zk, root, existing, keeps_acls=True)
    await target.take(stream(records), lambda tally: None)
    return target.tally


async def got(zk: AsyncClient, root: str, has_ephemerals: bool = False) -> list[Record]:
    return [record async for record in Source(zk, root, has_ephemerals).records()]


def with_session(folder: Path, scenario: "object") -> None:
    async def run() -> None:
        async with running_server(folder) as server, Connecting().session(server) as zk:
            await scenario(zk)  # type: ignore[operator]

    asyncio.run(run())


def persistent(records: Sequence[Record]) -> list[Record]:
    return sorted(record._replace(is_ephemeral=False) for record in records)


def test_what_is_put_is_got(tmp_path: Path) -> None:
    async def scenario(zk: AsyncClient) -> None:
        tally = await put(zk, "/new/place", RECORDS)
        assert (tally.created, tally.znodes, tally.size_bytes) == (5, 5, 4 + 2 + 5)
        assert await got(zk, "/new/place") == persistent(RECORDS)
        assert (await zk.get("/new/place/nul")).is_null

    with_session(tmp_path, scenario)


def test_existing_znodes_are_refused_left_or_overwritten(tmp_path: Path) -> None:
    async def scenario(zk: AsyncClient) -> None:
        changed = [record._replace(data=b"changed", acl=OPEN_ACL) for record in RECORDS]
        await put(zk, "/a", RECORDS)
        with pytest.raises(ToolError, match="/a/bin exists already"):
            await put(zk, "/a", changed)
        assert (await put(zk, "/a", changed, Existing.SKIP)).skipped == 5
        assert await got(zk, "/a") == persistent(RECORDS)
        assert (await put(zk, "/a", changed, Existing.OVERWRITE)).overwritten == 5
        assert await got(zk, "/a") == persistent(changed)

    with_session(tmp_path, scenario)


def test_an_interrupted_import_goes_on(tmp_path: Path) -> None:
    async def scenario(zk: AsyncClient) -> None:
        async def interrupted() -> AsyncIterator[Record]:
            for record in RECORDS[:3]:
                yield record
            raise RecordError("cut off")

        target = Target(zk, "/a", Existing.FAIL, keeps_acls=True)
        with pytest.raises(RecordError):
            await target.take(interrupted(), lambda tally: None)
        assert target.tally.created == 3
        tally = await put(zk, "/a", RECORDS, Existing.SKIP)
        assert (tally.skipped, tally.created) == (3, 2)
        assert await got(zk, "/a") == persistent(RECORDS)

    with_session(tmp_path, scenario)


def test_ephemerals_and_the_servers_own_znodes_are_left_out(tmp_path: Path) -> None:
    async def scenario(zk: AsyncClient) -> None:
        await zk.create("/e", b"x", ephemeral=True)
        await zk.create("/p", b"x")
        assert [record.path for record in await got(zk, "/")] == ["/", "/p"]
        with_them = await got(zk, "/", has_ephemerals=True)
        assert [(record.path, record.is_ephemeral) for record in with_them] == [
            ("/", False),
            ("/e", True),
            ("/p", False),
        ]

    with_session(tmp_path, scenario)


def test_a_wide_and_a_deep_subtree_come_parents_first(tmp_path: Path) -> None:
    async def scenario(zk: AsyncClient) -> None:
        paths = ["/w", *(f"/w/{at:03}" for at in range(200)), *("/w/000" + "/d" * depth for depth in range(1, 40))]
        await asyncio.gather(*map(zk.create, paths))
        records = await got(zk, "/w")
        assert sorted(record.path for record in records) == sorted(path[2:] or "/" for path in paths)
        seen: set[str] = set()
        for record in records:
            assert record.path == "/" or (record.path.rpartition("/")[0] or "/") in seen
            seen.add(record.path)

    with_session(tmp_path, scenario)


def test_the_commands_carry_a_subtree_through_a_file_and_between_servers(tmp_path: Path) -> None:
    file = str(tmp_path / "app.json")

    async def scenario() -> None:
        async with running_server(tmp_path / "a") as first, running_server(tmp_path / "b") as second:
            async with Connecting().session(first) as zk:
                await put(zk, "/app", RECORDS)
            assert (await program("export", f"{first}/app", file)).exit_code == 0
            done = await program("import", file, f"{second}/copy")
            assert done == (0, "", f"5 znodes: 5 created in {second}/copy\n")
            done = await program("import", file, "/copy", "-s", second)
            assert done.exit_code == 1
            assert "--skip-existing or --overwrite" in done.err
            done = await program("copy", "-s", first, "/app", f"{second}/other", "--no-acls")
            assert (done.exit_code, done.err) == (0, "5 znodes: 5 created\n")
            piped = await program("export", f"{second}/copy")
            done = await program("import", "-", f"{second}/copy", "--overwrite", stdin=piped.out.encode())
            assert done.exit_code == 0
            async with Connecting().session(second) as zk:
                assert await got(zk, "/copy") == persistent(RECORDS)
                assert {record.acl for record in await got(zk, "/other")} == {OPEN_ACL}

    asyncio.run(scenario())


def test_a_failed_export_leaves_no_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_server(tmp_path / "data") as server:
            done = await program("export", f"{server}/none", str(tmp_path / "x.json"))
            assert done == (1, "", "Node does not exist: /none\n")
            assert [path.name for path in tmp_path.iterdir()] == ["data"]
            done = await program("copy", "-s", server, "/", "/below")
            assert (done.exit_code, done.err) == (1, "/below lies in /: the copy would copy itself\n")

    asyncio.run(scenario())


@pytest.mark.parametrize("words", [("import", "-", "/b"), ("copy", "/a", "/b")])
def test_what_exists_is_left_or_overwritten(words: tuple[str, ...]) -> None:
    done = asyncio.run(program(*words, "-s", "127.0.0.1:1", "--overwrite", "--skip-existing"))
    assert (done.exit_code, done.out) == (2, "")
    assert "--overwrite and --skip-existing contradict each other" in done.err
